"""The settings of the cluster: where it is, who we are there, and the shape of our topics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from connectors.kafka_access import Sasl, Tls, security
from streams.settings_sections import SECTION, Count
from streams.settings_urls import is_loopback


class Kafka(BaseModel):
    """The cluster, and the shape of the topics that `carillon topics create` makes."""

    model_config = SECTION

    bootstrap: str | None = None
    """Addresses of brokers, `host:port` with commas between; without it an embedded broker is used."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How we prove to the brokers who we are; without it by a certificate, or not at all."""
    username: str | None = None
    """Our user at the brokers, whom their ACLs name: `carillon topics acls` prints those that he needs."""
    password: SecretStr | None = None
    """His password."""
    tls: bool = False
    """Whether to speak TLS with the brokers; their certificates must name the hosts of `bootstrap`."""
    tls_ca_file: Path | None = None
    """Certificates (PEM) of who signs those of the brokers; without it whom the system trusts."""
    tls_certificate_file: Path | None = None
    """Our own certificate (PEM), where the brokers ask for one (mTLS)."""
    tls_key_file: Path | None = None
    """Its key (PEM), where that is not in the same file."""
    app: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")] = "carillon"
    """First word of consumer groups, transactional ids and changelog topics; frozen once there is data."""
    partitions: Count = 4
    """Partitions of every topic, so tasks of a stage; later only `topics scale` changes it."""
    replication: Count = 1
    """Copies of every partition; 3 in production."""
    min_insync_replicas: Count = 1
    """Copies that must have a record before it counts as written; 2 in production."""

    @model_validator(mode="after")
    def _copies_suffice(self) -> Self:
        if self.min_insync_replicas > self.replication:
            raise ValueError("min_insync_replicas may not exceed replication")
        return self

    @model_validator(mode="after")
    def _access_is_whole(self) -> Self:
        files = (self.tls_ca_file, self.tls_certificate_file, self.tls_key_file)
        if not self.tls and any(files):
            raise ValueError("tls_ca_file, tls_certificate_file and tls_key_file need tls")
        if self.tls_key_file is not None and self.tls_certificate_file is None:
            raise ValueError("tls_key_file needs tls_certificate_file")
        given = (self.sasl_mechanism, self.username, self.password)
        if any(given) and not all(given):
            raise ValueError("sasl_mechanism, username and password belong together")
        if self.bootstrap is None and (self.tls or any(given)):
            raise ValueError("an embedded broker knows no SASL and no TLS: bootstrap must be set, too")
        return self

    @model_validator(mode="after")
    def _password_is_not_sent_in_clear(self) -> Self:
        if self.sasl_mechanism == "PLAIN" and not self.tls and not _is_here(self.bootstrap or ""):
            raise ValueError("PLAIN sends the password as it is: set tls, or take SCRAM-SHA-512")
        return self

    @model_validator(mode="after")
    def _files_can_be_used(self) -> Self:
        try:
            self.security()
        except OSError as error:
            raise ValueError(f"a file of tls cannot be used: {error}") from error
        return self

    def security(self) -> dict[str, Any]:
        """What our clients are told beside the addresses."""
        sasl = None
        if self.sasl_mechanism and self.username and self.password:
            sasl = Sasl(self.sasl_mechanism, self.username, self.password.get_secret_value())
        return security(sasl, self._files if self.tls else None)

    @property
    def user(self) -> str | None:
        """Who we are to the brokers and their ACLs: by SASL, else by our certificate."""
        return self.username or self._files.subject

    @property
    def _files(self) -> Tls:
        return Tls(self.tls_ca_file, self.tls_certificate_file, self.tls_key_file)

    def brokers(self) -> dict[str, Any]:
        """What every client of ours is made with."""
        assert self.bootstrap is not None
        return {"bootstrap_servers": self.bootstrap, **self.security()}


def _is_here(bootstrap: str) -> bool:
    return all(is_loopback(place.rpartition(":")[0]) for place in bootstrap.split(","))
