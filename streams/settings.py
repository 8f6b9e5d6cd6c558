"""All settings, and the only reading of the environment.

File < environment < flag. A variable is `CARILLON_<SECTION>__<NAME>`; the YAML file of `CARILLON_CONFIG` has
the same names, nested. A secret may come as `<variable>_FILE`, a path. Unknown names are errors.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from streams.settings_audience import Audience
from streams.settings_contacts import Accounts, Devices
from streams.settings_http import ApiKey, Http
from streams.settings_kafka import Kafka
from streams.settings_mailbox import MailboxSettings
from streams.settings_providers import Providers
from streams.settings_quarantine import Quarantine
from streams.settings_reading import PREFIX, SettingsError, config_file, known_variables, nested, told
from streams.settings_resolver import Resolver
from streams.settings_retention import Retention
from streams.settings_sections import (
    Consumers,
    Crypto,
    Embedded,
    Engine,
    Log,
    Postgres,
    Recipients,
    Smtp,
)

__all__ = ["ApiKey", "Settings", "SettingsError", "load_settings"]


class Settings(BaseSettings):
    """All settings; made by `load_settings` only."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )

    data_dir: Path = Path(".carillon")
    """Folder of table stores, and of the embedded servers' data."""
    kafka: Kafka = Field(default_factory=Kafka)
    postgres: Postgres = Field(default_factory=Postgres)
    retention: Retention = Field(default_factory=Retention)
    http: Http = Field(default_factory=Http)
    smtp: Smtp = Field(default_factory=Smtp)
    providers: Providers = Field(default_factory=Providers)
    recipients: Recipients = Field(default_factory=Recipients)
    quarantine: Quarantine = Field(default_factory=Quarantine)
    consumers: Consumers = Field(default_factory=Consumers)
    audience: Audience = Field(default_factory=Audience)
    resolver: Resolver = Field(default_factory=Resolver)
    crypto: Crypto = Field(default_factory=Crypto)
    mailbox: MailboxSettings = Field(default_factory=MailboxSettings)
    devices: Devices = Field(default_factory=Devices)
    accounts: Accounts = Field(default_factory=Accounts)
    embedded: Embedded = Field(default_factory=Embedded)
    engine: Engine = Field(default_factory=Engine)
    log: Log = Field(default_factory=Log)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - replaced by our own, which knows all names
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - there is one file, the YAML one
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - secrets name their files
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags before variables before the file."""
        file = config_file(os.environ)
        return init_settings, Variables(settings_cls), YamlConfigSettingsSource(settings_cls, yaml_file=file)

    @model_validator(mode="after")
    def _production_has_a_key(self) -> Self:
        if self.kafka.bootstrap is not None and self.crypto.keys is None:
            raise ValueError(f"{PREFIX}KAFKA__BOOTSTRAP is set, so {PREFIX}CRYPTO__KEYS must be set too")
        return self


class Variables(EnvSettingsSource):
    """The variables of our prefix, each one known, secrets read from the files that `_FILE` names."""

    def _load_env_vars(self) -> dict[str, str | None]:
        return {name.lower(): value for name, value in known_variables(self.settings_cls, os.environ).items()}


def given_variables() -> list[str]:
    """Names of our variables in the environment; a child with a settings file must not see them."""
    return sorted(name for name in os.environ if name.startswith(PREFIX))


def load_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """Read file, environment and flags (`{"kafka.partitions": 8}`; None means not given), the later winning.

    SettingsError, whose text is for a person and names every wrong setting at once; the command ends with 2.
    """
    try:
        return Settings(**nested(flags or {}))
    except ValidationError as error:
        raise SettingsError(told(Settings, error)) from error
