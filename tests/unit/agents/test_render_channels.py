"""One channel of one request."""

from __future__ import annotations

from uuid import UUID

import pytest
from msgspec.structs import replace

from agents.render_channels import Draft, Way, find_template, message_id, render_channel
from schemas.ids import keyed_request, message_named
from schemas.languages import languages
from schemas.records import MessageQueued, NotificationType, SendTask
from tables.contacts import Address
from tests.fakes import MemoryOutside, MemoryReference
from tests.requests import REQUEST, TEMPLATES, reference


@pytest.mark.spec("NS-SND-OP-04 NS-TPL-004")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, ("ru",)),
        ("", ("ru",)),
        ("ru", ("ru",)),
        ("en", ("en", "ru")),
        ("en-GB", ("en-GB", "en-gb", "en", "ru")),
        ("pt_BR", ("pt-BR", "pt-br", "pt", "ru")),
    ],
)
def test_languages_go_from_the_exact_one_to_the_default(
    wanted: str | None, expected: tuple[str, ...]
) -> None:
    assert expected == languages(wanted)


@pytest.mark.spec("NS-TPL-022")
async def test_a_language_without_a_template_falls_back() -> None:
    found = await find_template("order", "email", "de", reference())
    assert TEMPLATES[0] == found


async def test_nothing_is_found_where_there_is_nothing() -> None:
    assert await find_template("order", "sms", "ru", reference()) is None


async def test_one_waits_only_when_there_is_no_template_at_all() -> None:
    asked: list[str] = []

    class Asked(MemoryReference):
        async def find_template(self, name: str, channel: str, language: str) -> None:
            asked.append(f"{name}/{channel}/{language}")

    book = Asked(templates=list(TEMPLATES))
    await find_template("order", "email", "de", book)
    await find_template("order", "sms", "de", book)
    assert ["order/sms/ru"] == asked


@pytest.mark.spec("NS-API-OP-15 NS-DATA-OP-13")
def test_a_stranger_can_compute_a_messages_id() -> None:
    identity = (REQUEST.request_id, REQUEST.source, REQUEST.user_id, REQUEST.idempotency_key)
    made = message_id(REQUEST, "push", 1, 0)
    assert message_named(REQUEST.user_id, *identity, "push", "1", "0") == made
    assert made == str(UUID(made))


def test_a_key_used_again_after_its_window_makes_other_messages() -> None:
    """Its request id is the same; with equal message ids nothing would be told of the second."""
    by = (REQUEST.source, REQUEST.user_id, REQUEST.idempotency_key)
    first = replace(REQUEST, request_id=keyed_request(*by), origin="notification.send.request/0/1")
    again = replace(first, origin="notification.send.request/0/2")
    assert message_id(first, "email", 0, 0) != message_id(again, "email", 0, 0)
    assert message_id(REQUEST, "email", 0, 0) == message_id(replace(REQUEST, origin="t/0/2"), "email", 0, 0)


def test_messages_of_one_request_and_of_others_have_ids_of_their_own() -> None:
    ids = {
        message_id(request, channel, number, step)
        for request in (REQUEST, replace(REQUEST, idempotency_key="2"), replace(REQUEST, source="kiosk"))
        for channel in ("email", "push")
        for number in (0, 1)
        for step in (0, 1)
    }
    assert 3 * 2 * 2 * 2 == len(ids)


@pytest.mark.spec("NS-CH-OP-08")
def test_ns_ch_op_08_a_text_message_says_how_many_segments_it_takes() -> None:
    kind = NotificationType(
        code="reset", title="R", category="system", default_channels=["sms"], template_name="reset"
    )
    draft = Draft(REQUEST, kind, {"Code": "1"}, b"{}", now=0, expires_at=1)
    template = next(each for each in TEMPLATES if each.channel_type == "sms")
    way = Way("sms", [Address(sealed=b"sealed:+79001234567", is_valid=True)], template, 0)
    made = render_channel(draft, way, MemoryOutside())
    broken = render_channel(replace(draft, variables={}), way, MemoryOutside())
    assert [(MessageQueued, 5), (SendTask, 5), (MessageQueued, None)] == [
        (type(each), getattr(each, "segments", None)) for each in [*made, *broken]
    ]


@pytest.mark.spec("NS-CH-064")
def test_a_push_carries_the_platform_of_its_device() -> None:
    kind = NotificationType(
        code="reset", title="R", category="system", default_channels=["push"], template_name="reset"
    )
    draft = Draft(REQUEST, kind, {"Code": "1"}, b"{}", now=0, expires_at=1)
    template = next(each for each in TEMPLATES if each.channel_type == "sms")
    devices = [
        Address(sealed=b"sealed:one", is_valid=True, platform="ios", device_id="d-1"),
        Address(sealed=b"sealed:two", is_valid=True, platform="android", device_id="d-2"),
    ]
    made = render_channel(draft, Way("push", devices, template, 0), MemoryOutside())
    tasks = [each for each in made if isinstance(each, SendTask)]
    assert [("d-1", "ios"), ("d-2", "android")] == [(each.device_id, each.platform) for each in tasks]
