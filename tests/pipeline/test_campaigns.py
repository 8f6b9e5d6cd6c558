"""From a publish body and a seen post to what a person is shown: real stages and tables, without a broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from connectors.http.audience.bodies import UnpublishBody
from connectors.http.audience.commands import Asking, digest_of, withdrawal
from connectors.http.campaigns.operations import PATH
from connectors.http.identity import identified
from connectors.http.seen import posted
from connectors.reference.book import ReferenceBook
from schemas import topics as t
from schemas.codec import SchemaBook, encode
from streams.campaigns import CampaignsRead
from tests.pipeline.seen_task import Registered
from tests.pipeline.test_audience import FUTURE, UNPUBLISH, Line, asked, event
from tests.unit.connectors.http.edge import CAMPAIGNS_KEY, edge
from tests.unit.streams.engine.desks import NOW, Bench

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.records import AudienceLabel

GATEWAY = {"X-Auth-Kind": "client", "X-User-Id": "u-1"}
ONE, OTHER = ("phone_id", "1"), ("phone_id", "2")


def unconfigured() -> Registered:
    """Nobody consumes facts of communications: they are joined with labels all the same."""
    registered = Registered("http://127.0.0.1")
    registered.reference.tags.clear()
    return registered


@dataclass
class Screen:
    """The stages, and the HTTP read over what they wrote."""

    line: Line = field(default_factory=Line)
    seen: Bench = field(default_factory=lambda: Bench(unconfigured().stage))
    known: ReferenceBook = field(default_factory=ReferenceBook)
    lag: int | None = 0
    unread: str | None = None
    fresh_at: int = NOW

    def labels(self) -> Mapping[str, AudienceLabel]:
        return self.line.book.labels

    def row(self, _kafka_key: bytes, table: int, key: bytes) -> bytes | None:
        raw = self.line.stages["members"].rows.get(bytes([table]) + key)
        return None if raw is None else raw[8:]

    def lag_ms(self) -> int | None:
        return self.lag

    async def publish(self, upload_id: str, *users: tuple[str, str], **changes: Any) -> None:
        people = [{"id_type": kind, "id": name} for kind, name in users]
        items = [{"users": people, "communication_id": "comm-personal", **FUTURE}]
        given = {"personal_communications": items, "communication": FUTURE, "filters": ..., **changes}
        answer = await self.line.publish(asked(upload_id, **given))
        assert "accepted" == answer.outcome

    async def post(self, fact: bytes, **headers: str) -> None:
        """One seen post from the gateway's headers to the members' rows."""
        who = identified(GATEWAY | {name.replace("_", "-"): value for name, value in headers.items()})
        assert [] == (await self.seen.compute(event(t.SEEN, encode(posted(fact, who, NOW))))).dead
        for record in self.seen.written:
            if record.topic == t.LABELLED:
                self.line.waiting["members"].append(event(t.LABELLED, record.value, record.key or b""))
        await self.line.settle()

    async def shown(self, *ids: tuple[str, str], extra: list[tuple[str, str]] | None = None) -> list[str]:
        """Labels of an answer."""
        status, body = await self.asked(*ids, extra=extra)
        assert 200 == status, body
        return [label["audience_label"] for label in body["labels"]]

    async def asked(
        self, *ids: tuple[str, str], extra: list[tuple[str, str]] | None = None
    ) -> tuple[int, Any]:
        campaigns = CampaignsRead(self, self, SchemaBook(), lambda: NOW)
        params = [pair for kind, name in ids for pair in (("id_type", kind), ("id", name))] + (extra or [])
        headers = {"Authorization": f"Bearer {CAMPAIGNS_KEY}"}
        async with (
            edge(campaigns=campaigns) as one,
            one.client.get(PATH, params=params, headers=headers) as answer,
        ):
            return answer.status, await answer.json()


NAME = "campaign12345:comm-personal"
FACT = b'{"tag": "promotions", "id": "comm-personal"}'


@pytest.mark.spec("SEEN-001 CRM-OP-01")
async def test_labelled_by_phone_seen_with_uid_and_phone_gone_for_either_and_there_for_another() -> None:
    """GEN-OP-08. Mutations tried: facts under the uid only, and no lookup of the second id: both fail."""
    screen = Screen()
    await screen.publish("u1", ONE, OTHER, ("yandex_uid", "7"))
    uid = ("yandex_uid", "7")
    assert [[NAME]] * 4 == [await screen.shown(*ids) for ids in ([ONE], [OTHER], [uid], [uid, ONE])]
    await screen.post(FACT, X_Uid="7", X_Phone_Id="1")
    assert [[], [], []] == [await screen.shown(*ids) for ids in ([ONE], [uid], [uid, ONE])]
    assert [NAME] == await screen.shown(OTHER)
    assert [] == await screen.shown(OTHER, uid)
    assert [NAME] == await screen.shown(ONE, extra=[("include", "seen")])


async def test_a_seen_communication_of_another_name_hides_nothing() -> None:
    screen = Screen()
    await screen.publish("u1", ONE)
    await screen.post(b'{"tag": "promotions", "id": "other"}', X_Phone_Id="1")
    await screen.post(b'{"tag": "wallet", "id": "comm-personal"}', X_Phone_Id="1")
    assert [NAME] == await screen.shown(ONE)


@pytest.mark.spec("AUD-053 CRM-013")
async def test_a_test_publication_shows_again() -> None:
    screen = Screen()
    await screen.publish("u1", ONE, is_test_publication=True)
    await screen.post(FACT, X_Phone_Id="1")
    assert [NAME] == await screen.shown(ONE)


@pytest.mark.spec("CRM-OP-03")
async def test_what_is_withdrawn_is_gone_at_once() -> None:
    screen = Screen()
    await screen.publish("u1", ONE)
    body: UnpublishBody = UNPUBLISH(b'{"id": "w", "campaign_label": "campaign12345"}')
    asking = Asking("w1", "w", "w", digest_of("unpublish", body), NOW)
    await screen.line.publish(withdrawal(asking, body))
    assert [] == await screen.shown(ONE)


async def test_nothing_is_answered_before_the_tables_are_read_or_when_nothing_is_heard_of_them() -> None:
    screen = Screen()
    found = []
    for lag in (None, 60_001, 60_000):
        screen.lag = lag
        found.append((await screen.asked(ONE))[0])
    assert [503, 503, 200] == found


async def test_nothing_is_answered_before_labels_are_read_or_when_nothing_is_heard_of_them() -> None:
    """As when cut off from their topic alone. Mutation tried: members alone are looked at: fails."""
    screen = Screen()
    await screen.publish("u1", ONE)
    found = []
    for screen.fresh_at in (0, NOW - 60_001, NOW - 60_000):
        found.append((await screen.asked(ONE))[0])
    assert [503, 503, 200] == found


async def test_nothing_is_answered_when_labels_are_not_read_any_more() -> None:
    """A label that was withdrawn meanwhile would be shown."""
    screen = Screen()
    await screen.publish("u1", ONE)
    screen.unread = "labels are not read"
    assert 503 == (await screen.asked(ONE))[0]
    screen.unread = None
    assert [NAME] == await screen.shown(ONE)
