"""Settings that would leave a door open are refused at the start."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from streams.settings_http import Http
from streams.settings_resolver import Resolver


def test_a_short_gateway_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="16 characters or more"):
        Http(gateway_secret=SecretStr("x" * 15))
    assert Http(gateway_secret=SecretStr("x" * 16)).gateway_secret is not None


@pytest.mark.parametrize("url", ["http://resolver.example.com/", "resolver", "ftp://x", "http://"])
def test_a_resolver_is_not_asked_in_clear(url: str) -> None:
    with pytest.raises(ValidationError, match="https"):
        Resolver(url=url)


@pytest.mark.parametrize(
    "url", ["https://resolver.example.com/", "http://127.0.0.1:9/", "http://localhost/x"]
)
def test_a_resolver_is_asked_by_https_or_on_this_machine(url: str) -> None:
    assert url == Resolver(url=url).url
