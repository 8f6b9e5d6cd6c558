"""The config of a server of SMTP, and what makes one unusable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connectors.providers.dkim import DkimKey
from connectors.providers.endpoint import is_loopback
from connectors.providers.port import Positive, ProviderConfigError, Secretive, configured

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

UNSAFE = re.compile(r"[\x00-\x20\x7f<>()\[\],;:\"\\]")
"""The library would make another address of some: of `a@b,c@d` it is `a@b`."""


class SmtpConfig(Secretive, frozen=True, forbid_unknown_fields=True):
    """Where the server is and who writes. `tls` from the first byte, or `starttls` demanded. Times in ms.

    `connections`: the most that are open. Who waits for one waits as they came, the urgent too: let there be
    fewer than `engine.calls_at_once` only for a server that takes no more. `dkim`: a signature by each key.
    """

    host: str
    port: int
    from_address: str
    from_name: str = ""
    username: str | None = None
    password: str | None = None
    starttls: bool = False
    tls: bool = False
    connections: Positive = 100
    timeout_ms: Positive = 30_000
    idle_ms: Positive = 20_000
    dkim: tuple[DkimKey, ...] = ()


def smtp_config(given: Mapping[str, Any]) -> SmtpConfig:
    """Read and check it; raise `ProviderConfigError`."""
    config = configured(given, SmtpConfig)
    if config.tls and config.starttls:
        raise ProviderConfigError("config: tls and starttls exclude each other")
    if not config.from_address.isascii() or UNSAFE.search(config.from_address):
        raise ProviderConfigError("config: from_address must be one ASCII mail address")
    is_heard = not (config.tls or config.starttls or is_loopback(config.host))
    if config.password and is_heard:
        raise ProviderConfigError("config: a password needs tls or starttls, unless host is this machine")
    return config
