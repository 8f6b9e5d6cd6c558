"""The section `http` of the settings: the ports, whose credentials are believed, how often one may call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from connectors.http.limits import PER_ADDRESS
from connectors.links import signer_of
from streams.settings_sections import SECTION, Count, Port
from streams.settings_urls import is_safe

LEAST_SECRET = 16
_PLAIN_URL = re.compile(r"[A-Za-z0-9:/._~\[\]-]{1,200}")


class ApiKey(NamedTuple):
    """One entry of `http.api_keys`."""

    key_id: str
    sha256: str
    scopes: frozenset[str]


class Jwt(BaseModel):
    """Tokens of people: users and staff (RS256, ES256, EdDSA). Without an issuer nobody is a person."""

    model_config = SECTION

    issuer: str | None = None
    """What `iss` of a token must be, to the letter."""
    audience: str | None = None
    """What `aud` of a token must be, or name among others."""
    jwks_url: str | None = None
    """Where the issuer shows its public keys (JWKS); https, or this machine."""
    jwks_file: Path | None = None
    """A file with the issuer's public keys instead; it may be replaced while we run."""
    roles_claim: Annotated[str, Field(min_length=1)] = "roles"
    """Claim with the roles `user`, `admin`, `marketer`; dots lead inside: `realm_access.roles`. With `/` or
    `:` in it, as in an address, it is one name."""
    leeway_s: Annotated[int, Field(ge=0, le=300)] = 30
    """How far the issuer's clock may be off, in seconds."""

    @field_validator("jwks_url")
    @classmethod
    def _url_is_safe(cls, url: str | None) -> str | None:
        if url is not None and not is_safe(url):
            raise ValueError("must be an https address: who changes the keys on their way is everybody")
        return url

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        sources = [source for source in (self.jwks_url, self.jwks_file) if source is not None]
        given = (self.issuer is not None, self.audience is not None, bool(sources))
        if any(given) and not all(given):
            raise ValueError("issuer, audience, and jwks_url or jwks_file belong together")
        if len(sources) > 1:
            raise ValueError("jwks_url and jwks_file exclude each other")
        return self


class RateLimits(BaseModel):
    """Requests a minute, by each process for itself (NS-SEC-OP-04). Seen posts have limits of their own."""

    model_config = SECTION

    per_user: Count = 60
    """Of one person, by its token."""
    per_address: Count = 300
    """Of one client address, without an API key."""
    per_service: Count = 600_000
    """Of one API key that has no limit of its own."""
    per_stranger: Count = PER_ADDRESS.per_minute
    """Seen posts without a user, and links of messages, of one client address. Without a proven gateway seen
    posts are counted by connection: raise it where a proxy without the secret stands before this port."""
    is_direct: bool = False
    """Whether clients connect to this port themselves. If not, only what a proven gateway forwards
    is a client's address, and nobody else is counted by address, but for seen posts."""
    proxies: Count = 1
    """How many proxies stand between clients and this port, the gateway included: so many entries from the
    right in `X-Forwarded-For` the client's address stands."""


class Http(BaseModel):
    """The HTTP server, and the port of health and metrics that every long-running command opens."""

    model_config = SECTION

    host: str = "127.0.0.1"
    """Address to listen on, for both ports."""
    port: Port = 8080
    """Port of the API."""
    ops_port: Port = 8081
    """Port of `/livez`, `/readyz` and `/metrics`."""
    api_keys: SecretStr = SecretStr("")
    """Accepted keys, as `id:sha256:scope+scope` with commas or line ends between; the hash is in hex. Beside
    them there are those of `carillon keys`."""
    campaigns: Literal["off", "beside", "needed"] = "beside"
    """Whether to answer what a person is to be shown in the app, out of a copy of the members' tables in
    `data_dir`: `beside` the rest, 503 until the copy is whole; `needed`: not ready before that, either."""
    has_docs: bool = True
    """Whether `/docs` shows the OpenAPI document as a page, with forms to try it."""
    gateway_secret: SecretStr | None = None
    """What a gateway must present before its identity headers are believed, 16 characters or more; without it
    none are."""
    link_keys: SecretStr | None = None
    """Keys that sign links of messages, as `id:base64` of 32 bytes with commas between; the first signs."""
    public_url: str | None = None
    """Where people reach this port, such as `https://notify.example.com`: links of messages begin with it.
    With it and `link_keys`, which workers need too, marketing carries its way out (RFC 8058)."""
    jwt: Jwt = Field(default_factory=Jwt)
    limits: RateLimits = Field(default_factory=RateLimits)

    def keys(self) -> tuple[ApiKey, ...]:
        """`api_keys`, taken apart; ValueError names the first entry that is none by its number."""
        entries = self.api_keys.get_secret_value().replace(",", "\n").split()
        return tuple(_api_key(number, entry) for number, entry in enumerate(entries, start=1))

    @field_validator("gateway_secret")
    @classmethod
    def _secret_is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and 0 < len(secret.get_secret_value()) < LEAST_SECRET:
            raise ValueError(f"must have {LEAST_SECRET} characters or more: who guesses it is everybody")
        return secret

    @field_validator("public_url")
    @classmethod
    def _url_is_public(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        is_plain = _PLAIN_URL.fullmatch(url) and not parts.username
        if not is_plain or not is_safe(url):
            raise ValueError(
                "must be an https address without a question mark: mail programs follow no other"
            )
        return url.rstrip("/")

    @field_validator("link_keys")
    @classmethod
    def _links_can_be_signed(cls, keys: SecretStr | None) -> SecretStr | None:
        signer_of(keys)
        return keys

    @model_validator(mode="after")
    def _keys_are_well_formed(self) -> Self:
        self.keys()
        return self


def _api_key(number: int, entry: str) -> ApiKey:
    key_id, _, rest = entry.partition(":")
    digest, _, scopes = rest.partition(":")
    if not key_id or len(digest) != 64 or set(digest) - set("0123456789abcdef") or not scopes:  # noqa: PLR2004
        raise ValueError(f"entry {number} of api_keys is not id:sha256:scope+scope")
    return ApiKey(key_id, digest, frozenset(scopes.split("+")))
