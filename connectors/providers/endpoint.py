"""Where a vendor's API is: over https, or on this machine, for a key must not be heard on its way."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from yarl import URL

from connectors.providers.port import ProviderConfigError


def endpoint(url: str) -> str:
    """Cut its last slash off; `ProviderConfigError` unless it is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_known = host != "" and (parts.port is None or parts.port > 0)
        URL(url)  # what calls are made with knows more addresses that are none
    except ValueError:
        raise ProviderConfigError("config: url is none") from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not is_known or not is_safe or parts.query or parts.fragment or parts.username is not None:
        raise ProviderConfigError("config: url must be https (http on this machine only), without ?, # and @")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether it names this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
