"""The sections of the settings: each setting with its type, its default and its sentence."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.cipher import Cipher, hash_key_of, keys_of
from schemas.quiet import zone

Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=1)]
Milliseconds = Annotated[int, Field(ge=0)]

SECTION: Final = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Postgres(BaseModel):
    """Where statuses and messages are kept for questions."""

    model_config = SECTION

    dsn: SecretStr | None = None
    """`postgresql://user:password@host/database`; without it an embedded server is used."""
    connections: Count = 10
    """The most connections one process opens."""


class Smtp(BaseModel):
    """The mail server that takes e-mail."""

    model_config = SECTION

    host: str | None = None
    """Name of the mail server; without it `up` and `demo` start one that only collects."""
    port: Port = 25
    """Port of the mail server."""
    from_address: str = "carillon@carillon.test"
    """Sender of every mail."""
    from_name: str = "Carillon"
    """Name shown beside the sender."""
    username: str | None = None
    """Account at the mail server; without it none is used."""
    password: SecretStr | None = None
    """Password of that account."""
    starttls: bool = False
    """Whether to demand an encrypted connection before anything is sent."""
    timeout_ms: Count = 10_000
    """How long one mail may take before its attempt counts as failed for now."""


class Recipients(BaseModel):
    """What holds for every user who chose nothing else."""

    model_config = SECTION

    timezone: str = "Europe/Moscow"
    """Where users are of whom no time zone is known, for their quiet hours; a name of IANA."""
    are_limited: bool = True
    """Whether the limits below hold; without them nothing is counted. Test sends are never counted."""
    per_minute: Annotated[int, Field(ge=0, le=1000)] = 10
    """Messages of one channel to one user in a minute, of types that are not mandatory; 0: no limit."""
    per_day: Annotated[int, Field(ge=0, le=1000)] = 100
    """The same in a day of 24 hours."""
    marketing_per_day: Annotated[int, Field(ge=0, le=1000)] = 1
    """Requests of marketing to one user in 24 hours, each once on however many channels; 0: no limit."""
    marketing_per_week: Annotated[int, Field(ge=0, le=1000)] = 3
    """The same in seven days."""
    caps_campaigns: bool = False
    """Whether requests with a `campaign_label` share the two limits of marketing, whatever their type."""

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, name: str) -> str:
        if zone(name) is None:
            raise ValueError("must be a name of IANA's time zones, such as Europe/Moscow")
        return name


class Consumers(BaseModel):
    """Services whose APIs take seen facts."""

    model_config = SECTION

    secrets: SecretStr = SecretStr("")
    """What their APIs ask for, as `name=value` a line, by the names that `auth_secret` of seen.yaml gives."""

    def by_name(self) -> dict[str, str]:
        """`secrets`, taken apart; ValueError names the first line that is none by its number."""
        lines = [line.strip() for line in self.secrets.get_secret_value().splitlines()]
        entries = [(number, line) for number, line in enumerate(lines, start=1) if line]
        return dict(_secret(number, line) for number, line in entries)

    @model_validator(mode="after")
    def _secrets_are_well_formed(self) -> Self:
        self.by_name()
        return self


class Crypto(BaseModel):
    """Encryption of addresses, tokens and secret template variables."""

    model_config = SECTION

    keys: SecretStr | None = None
    """`id:base64` of 32, 48 or 64 bytes with commas between; the first encrypts, all decrypt. Demanded beside
    a given Kafka; beside an embedded one a key is made and kept in the data folder."""
    hash_key: SecretStr | None = None
    """Key of the hashes by which device tokens are found again and erased persons named, base64 of at least
    32 bytes; never change it. A single key serves without one; with two or more `keys` it is demanded: the
    bytes of the one that was alone."""
    withdrawn: str = ""
    """Ids of keys that will never be given again, with commas between: what they sealed ends with the reason
    `unopened`. What any other unknown key sealed waits, for that key may come yet."""

    @field_validator("keys")
    @classmethod
    def _keys_are_well_formed(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None:
            keys_of(keys.get_secret_value())
        return keys

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        if self.keys is not None:
            hash_key = self.hash_key.get_secret_value() if self.hash_key else None
            Cipher.of_text(self.keys.get_secret_value(), hash_key, self.withdrawn)
        return self

    @field_validator("hash_key")
    @classmethod
    def _hash_key_is_well_formed(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            hash_key_of(key.get_secret_value())
        return key


class Embedded(BaseModel):
    """Servers that are started where no address is given."""

    model_config = SECTION

    cache_dir: Path = Path("~/.cache/carillon")
    """Where Kafka's jars are kept for all checkouts."""
    kafka_port: Port | None = None
    """Port of the embedded broker; without it a free one is chosen and kept."""
    kafka_heap_mib: Annotated[int, Field(ge=128)] = 512
    """Java heap of the embedded broker, in MiB."""


class Engine(BaseModel):
    """The transactional stages."""

    model_config = SECTION

    worker_name: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")] = Field(default_factory=socket.gethostname)
    """Name under which this worker keeps its tasks over a restart; the host's name by default."""
    static_id: bool = False
    """Whether the name is also a static member id: a restart within the session moves no task."""
    session_timeout_ms: Count = 10_000
    """How long a silent worker keeps its tasks."""
    heartbeat_interval_ms: Count = 1_000
    """How often a worker shows that it lives; at most a third of the session."""
    transaction_timeout_ms: Count = 15_000
    """After this the broker aborts a transaction whose worker fell silent."""
    intent_ttl_ms: Count = 5_000
    """A call of the outside not begun within this time of its commit is not begun."""
    calls_at_once: Annotated[int, Field(ge=4, le=1_000)] = 48
    """Calls of one channel that one process makes at the same time, a quarter of them kept for the high lane;
    beyond 100 give the providers more `connections`, too."""
    calls_per_task: Annotated[int, Field(ge=4, le=10_000)] = 128
    """Calls that one task has recorded and not settled, a quarter of them kept for the high lane: so many may
    be unknown after a crash, twice as many where providers fail. A task records and settles as many in one
    transaction, so where these take long
    it makes more calls a second if more may be open."""
    max_batch: Count = 4_000
    """The most records of one transaction."""
    interval_high_ms: Milliseconds = 0
    """Least time between transactions of a task that serve the high lane."""
    interval_normal_ms: Milliseconds = 25
    """Least time between transactions of a task that serve the normal lane."""
    interval_slow_ms: Milliseconds = 100
    """The same for the low lane, status, sink and statistics."""
    store_cache_mib: Count = 64
    """Block cache of all table stores of a process together, in MiB."""
    store_write_mib: Count = 64
    """Write buffers of all table stores of a process together, in MiB."""

    @model_validator(mode="after")
    def _heartbeats_fit_the_session(self) -> Self:
        if 3 * self.heartbeat_interval_ms > self.session_timeout_ms:
            raise ValueError("heartbeat_interval_ms may be at most a third of session_timeout_ms")
        return self


class Log(BaseModel):
    """What is written to the standard error output."""

    model_config = SECTION

    format: Literal["auto", "console", "json"] = "auto"
    """`json` for machines, `console` for people, `auto`: console on a terminal, else json."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are written."""


def _secret(number: int, line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    if not name.strip() or not value.strip() or not value.isprintable() or not value.isascii():
        raise ValueError(f"line {number} of secrets is not name=value")
    return name.strip(), value.strip()
