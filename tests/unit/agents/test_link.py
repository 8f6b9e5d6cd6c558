"""Which links a message carries, and which it never does."""

from __future__ import annotations

import json
from dataclasses import replace as changed

import pytest
from msgspec.structs import replace

from agents.link import way_out
from schemas.records import Content, Template
from tests.fakes import MemoryOutside, MemoryReference, PlainLinks
from tests.requests import ORDER, PROMO, REGISTERED, REQUEST, USER, Desk, chosen, messages, tasks

OUT = f"https://carillon.test/out/{USER}"
CHOICES = f"https://carillon.test/choices/{USER}"
FORM = {"type": "string", "required": True}
CONSENT = chosen(kind="consent_granted", purpose="marketing")
ASKED = replace(REQUEST, notification_type="promo", data=b"{}")


class NoLinks:
    """Nothing is configured."""

    def unsubscribe(self, user_id: str, campaign: str | None) -> None: ...
    def preferences(self, user_id: str, at: int) -> None: ...


def desk(body: str, *variables: str, **fields: object) -> Desk:
    """A desk whose types all have this text."""
    text = Template(
        name="t",
        channel_type="email",
        language_code="ru",
        body=body,
        variables=dict.fromkeys(variables, FORM),
    )
    kinds = [replace(kind, template_name="t", **fields) for kind in (ORDER, PROMO)]
    return Desk(MemoryOutside(reference=MemoryReference(types=kinds, templates=[text])))


async def content(one: Desk, asked: object = ASKED) -> Content:
    """Of the one mail that follows."""
    (task,) = tasks(await one.tell(REGISTERED, CONSENT, asked))  # type: ignore[arg-type] # of Desk's inputs
    return Content(**json.loads(task.content.removeprefix(b"sealed:")))


@pytest.mark.spec("NS-SEC-040")
@pytest.mark.parametrize("name", ["UnsubscribeUrl", "unsubscribe_url"])
async def test_ns_sec_040_marketing_carries_the_way_out_in_its_text_and_beside_it(name: str) -> None:
    made = await content(desk(f"{{{name}}}", name))
    assert (OUT, OUT) == (made.body, made.unsubscribe_url)


async def test_the_products_link_wins_over_one_that_the_request_gives() -> None:
    """A sender's own link would lead where nothing forbids the next message."""
    asked = replace(ASKED, data=b'{"UnsubscribeUrl":"https://elsewhere.test"}')
    assert OUT == (await content(desk("{UnsubscribeUrl}", "UnsubscribeUrl"), asked)).body


async def test_the_link_says_which_campaign_was_left() -> None:
    """Mutation: no campaign: statistics never say which one drives people away."""
    asked = replace(ASKED, campaign_label="spring")
    made = await content(desk("{UnsubscribeUrl}", "UnsubscribeUrl"), asked)
    assert (f"{OUT}/spring", f"{OUT}/spring") == (made.body, made.unsubscribe_url)


@pytest.mark.parametrize(
    ("label", "channel", "expected"),
    [("n" * 33, "sms", OUT), ("я" * 16, "sms", f"{OUT}/{'я' * 16}"), ("я" * 17, "push", f"{OUT}/{'я' * 17}")],
)
def test_a_long_label_makes_no_text_message_longer(label: str, channel: str, expected: str) -> None:
    assert expected == way_out(PROMO, replace(ASKED, campaign_label=label), channel, PlainLinks())


async def test_the_link_is_shown_in_no_row() -> None:
    one = desk("{UnsubscribeUrl}", "UnsubscribeUrl")
    (row,) = messages(await one.tell(REGISTERED, CONSENT, ASKED))
    assert b"{}" == row.payload


async def test_what_is_no_marketing_never_offers_to_leave_marketing() -> None:
    """Mutation: `way_out` looks at nothing. A mail program would show its button beside a receipt."""
    made = await content(desk("{OrderNumber} {PreferencesUrl}", "PreferencesUrl"), REQUEST)
    assert (f"A-1 {CHOICES}", None) == (made.body, made.unsubscribe_url)


async def test_marketing_that_is_mandatory_offers_nothing() -> None:
    one = desk("x", is_mandatory=True)
    assert (await content(one)).unsubscribe_url is None


async def test_without_links_marketing_without_one_of_its_senders_fails() -> None:
    one = desk("{UnsubscribeUrl}", "UnsubscribeUrl")
    one.outside = changed(one.outside, links=NoLinks())  # type: ignore[arg-type] # a port of the same form
    (row,) = messages(await one.tell(REGISTERED, CONSENT, ASKED))
    assert ("failed", "render_failed") == (row.status, row.reason)
    given = replace(ASKED, idempotency_key="2", data=b'{"UnsubscribeUrl":"https://shop.test/out"}')
    (task,) = tasks(await one.tell(given))
    assert b"https://shop.test/out" in task.content
    assert b'"unsubscribe_url":null' in task.content
