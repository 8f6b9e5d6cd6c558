"""Signature Version 4 against vectors of the published test suite."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from connectors.providers.signature_v4 import AwsKey, signed

KEY = AwsKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
URL = "https://example.amazonaws.com/"
AT = 1_440_938_160_000  # 2015-08-30T12:36:00Z


@pytest.mark.parametrize(
    ("headers", "body", "names", "signature"),
    [
        (
            {},
            b"",
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            {"My-Header1": "VALUE1"},
            b"",
            "host;my-header1;x-amz-date",
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        ),
    ],
)
def test_vectors_of_the_suite_are_signed_as_it_says(
    headers: dict[str, str], body: bytes, names: str, signature: str
) -> None:
    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    expected = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"
    assert expected == signed(KEY, URL, body, headers, AT)["Authorization"]


def test_all_that_was_signed_is_sent_and_a_token_too() -> None:
    headers = signed(replace(KEY, token="t0k3n"), f"{URL}v2/send", b"{}", {"Content-Type": "text/plain"}, AT)
    assert {
        "Content-Type": "text/plain",
        "Host": "example.amazonaws.com",
        "X-Amz-Date": "20150830T123600Z",
        "X-Amz-Security-Token": "t0k3n",
    } == {name: value for name, value in headers.items() if name != "Authorization"}
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token," in headers["Authorization"]


@pytest.mark.parametrize(
    ("url", "body", "at"),
    [(f"{URL}other", b"", AT), (URL, b"x", AT), (URL, b"", AT + 1_000), ("https://e.test/", b"", AT)],
)
def test_another_path_body_second_or_host_is_another_signature(url: str, body: bytes, at: int) -> None:
    assert signed(KEY, URL, b"", {}, AT)["Authorization"] != signed(KEY, url, body, {}, at)["Authorization"]


def test_the_secret_is_never_sent() -> None:
    assert KEY.secret_access_key not in "".join(signed(KEY, URL, b"", {}, AT).values())
