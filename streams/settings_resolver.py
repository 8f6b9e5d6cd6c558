"""The settings of the resolver of audience queries."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr, field_validator

from connectors.signatures import key_of
from streams.settings_sections import SECTION, Count


class Resolver(BaseModel):
    """The service that says whom a query selects (`yql_link` of the old form of publishing)."""

    model_config = SECTION

    url: str | None = None
    """Where it is asked, by `POST`; without it `up` and `demo` take the fake one, and `http` answers 502."""
    secret: SecretStr | None = None
    """Key of the signature of each question, as `whsec_` and 24 to 64 bytes in base64; without it none."""
    timeout_ms: Count = 5_000
    """How long one attempt may take, its answer read to the end."""
    attempts: Count = 3
    """How often one question is asked while there is no answer, or one that says: not now."""

    @field_validator("secret")
    @classmethod
    def _secret_is_well_formed(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            key_of(secret.get_secret_value())
        return secret

    def key(self) -> bytes | None:
        """The key in `secret`; None: questions are not signed."""
        return None if self.secret is None else key_of(self.secret.get_secret_value())
