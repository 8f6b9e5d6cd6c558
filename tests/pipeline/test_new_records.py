"""A record that older workers do not know, `CommunicationSeen`: what they do, and how it is held back."""

from __future__ import annotations

import pytest

from connectors.http.identity import identified
from connectors.http.seen import posted
from schemas import records as r
from schemas import topics as t
from schemas.avro_files import schema_text
from schemas.codec import SchemaBook, encode
from streams.engine.api import Undecodable
from streams.settings import Settings
from streams.settings_audience import Audience
from streams.wiring import Reading
from tests.pipeline.seen_task import Registered
from tests.pipeline.test_audience import event
from tests.unit.streams.engine.desks import NOW, Bench

FACT = b'{"tag": "promotions", "id": "comm-personal"}'
GATEWAY = {"X-Auth-Kind": "client", "X-User-Id": "u-1", "X-Phone-Id": "1"}


async def _never() -> bool:
    return False


async def told(settings: Settings) -> list[str]:
    """Topics of what one seen post leads to."""
    bench = Bench(Registered("http://127.0.0.1", settings).stage)
    raw = encode(posted(FACT, identified(GATEWAY), NOW))
    assert [] == (await bench.compute(event(t.SEEN, raw))).dead
    return [record.topic for record in bench.written]


async def test_what_was_seen_is_told_to_the_members_only_when_the_setting_says_so() -> None:
    """Mutation tried: the setting is not looked at: fails. All else goes its way."""
    held_back = Settings(audience=Audience(remember_seen=False))
    with_it, without = await told(Settings()), await told(held_back)
    assert t.LABELLED in with_it
    assert [topic for topic in with_it if topic != t.LABELLED] == without


def test_a_worker_that_does_not_know_the_record_buries_it() -> None:
    """Why there is a setting: the stage as it was before takes it for unreadable, its schema at hand."""
    book = SchemaBook()
    book.learn(schema_text("CommunicationSeen"))
    read = Reading(book, _never).records(r.UsersLabelled, r.LabelsEnded)
    seen = r.CommunicationSeen(
        bucket=1, user="phone_id:1", communication_id="x", seen_at=NOW, kept_until=NOW + 1
    )
    with pytest.raises(Undecodable, match="CommunicationSeen"):
        read(encode(seen))
