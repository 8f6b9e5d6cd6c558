"""What every config and answer of a provider keep to: secrets unseen, limits that limit, ids fit for rows."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import pytest

from connectors.providers.access_tokens import service_account
from connectors.providers.http_call import HttpCalls
from connectors.providers.port import (
    ID_CHARACTERS,
    ProviderConfigError,
    Secretive,
    configured,
    identifier,
    is_repeat,
)
from connectors.providers.registry import KINDS
from connectors.providers.signature_v4 import AwsKey
from tests.contract.push_rigs import service_account as account_file
from tests.unit.connectors.providers.wire import Answered, wire

CONFIGS = sorted(
    {
        found
        for kind in KINDS.values()
        for found in vars(sys.modules[kind.__module__]).values()
        if isinstance(found, type) and issubclass(found, msgspec.Struct) and found.__name__.endswith("Config")
    },
    key=lambda config: config.__name__,
)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
def test_no_config_shows_a_value(config: type[Any]) -> None:
    fields = {field.name: "a secret" for field in msgspec.structs.fields(config) if field.required}
    assert f"{config.__name__}(…)" == repr(config(**fields))


LIMITS = [
    (config, field.name)
    for config in CONFIGS
    for field in msgspec.structs.fields(config)
    if field.name in {"timeout_ms", "connections", "idle_ms"}
]


@pytest.mark.parametrize(("config", "field"), LIMITS)
@pytest.mark.parametrize("value", [0, -1])
def test_no_limit_can_be_switched_off(config: type[Any], field: str, value: int) -> None:
    with pytest.raises(ProviderConfigError, match=field):
        configured({field: value}, config)


def test_neither_the_key_of_aws_nor_a_service_account_shows_itself() -> None:
    held: list[Secretive] = [
        AwsKey("AKID", "a secret", "eu", "ses"),
        service_account(account_file("https://a.b")),
    ]
    assert ["AwsKey(…)", "ServiceAccount(…)"] == [repr(one) for one in held]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("SM01", "SM01"),
        (7, "7"),
        ("x" * ID_CHARACTERS, "x" * ID_CHARACTERS),
        ("x" * (ID_CHARACTERS + 1), None),
        ("two\nlines", None),
        ("\x00", None),
        ("", None),
        (None, None),
        (True, None),
        ({}, None),
    ],
)
def test_an_id_of_a_vendor_is_short_and_printable_or_none(given: object, expected: str | None) -> None:
    assert expected == identifier(given)


@pytest.mark.parametrize(
    ("key", "expected"), [("m-1:0", False), ("m-1:1", True), ("m:1:0", False), ("m-1", True)]
)
def test_a_repeat_is_known_by_its_epoch(key: str, expected: bool) -> None:
    assert expected == is_repeat(key)


async def test_cookies_of_a_vendor_are_not_kept() -> None:
    async with wire(Answered(200, b"{}", {"Set-Cookie": "a=b; Path=/"}), Answered(200, b"{}")) as vendor:
        calls = HttpCalls({}, timeout_ms=2_000, connections=1)
        for _ in range(2):
            await calls.post(vendor.url.replace("127.0.0.1", "localhost"), {}, {})
        await calls.close()
    assert [False, False] == ["Cookie" in seen.headers for seen in vendor.seen]
