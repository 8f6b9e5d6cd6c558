"""Where a vendor may be."""

from __future__ import annotations

import pytest

from connectors.providers.endpoint import endpoint
from connectors.providers.port import ProviderConfigError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://api.vendor.test", "https://api.vendor.test"),
        ("https://api.vendor.test/", "https://api.vendor.test"),
        ("https://api.vendor.test:8443/eu/", "https://api.vendor.test:8443/eu"),
        ("http://127.0.0.1:8080/vendor", "http://127.0.0.1:8080/vendor"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_https_anywhere_and_http_on_this_machine(given: str, expected: str) -> None:
    assert expected == endpoint(given)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "api.vendor.test",
        "http://api.vendor.test",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "https://",
        "https://u:p@api.vendor.test",
        "https://api.vendor.test?key=1",
        "https://api.vendor.test/#a",
        "https://api.vendor.test:0",
        "https://api.vendor.test:port",
        "https://[::1",
        "http://localhost.test",
    ],
)
def test_any_other_address_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ProviderConfigError) as caught:
        endpoint(given)
    assert given == "" or given not in str(caught.value)
