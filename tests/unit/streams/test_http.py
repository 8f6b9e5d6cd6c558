"""The topic behind the seen endpoint: what its 200 stands on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from connectors.http.ports import BrokerUnavailableError
from connectors.kafka_clients import open_brokers
from schemas.records import SeenPosted
from schemas.topics import SEEN
from streams import http
from streams.http import NOT_YET, EdgeTopics, durable_producer, until_connected

ALL_IN_SYNC_REPLICAS = -1


@pytest.mark.spec("SEEN-OP-06")
async def test_a_post_is_written_with_the_acknowledgement_of_all_in_sync_replicas() -> None:
    """One broker cannot show it: it lowers `min.insync.replicas` to the replicas there are."""
    producer = durable_producer(open_brokers("127.0.0.1:1"))
    assert ALL_IN_SYNC_REPLICAS == producer._sender._acks
    await producer.stop()


class Noted(EdgeTopics):
    """Keeps the keys of what it would write."""

    keys: list[bytes | None]

    async def produce(
        self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, bytes]
    ) -> None:
        del value, headers
        assert SEEN == topic
        self.keys.append(key)


@pytest.mark.spec("SEEN-OP-14")
async def test_a_post_is_keyed_by_its_user_and_nobodys_is_spread() -> None:
    """So repeats of a user meet in one task, and a popular notification does not fill a single partition."""
    topic = Noted(open_brokers("127.0.0.1:1"))
    topic.keys = []
    post = SeenPosted(kind="client", tag="news", id="1", seen_at=1, received_at=1)
    await topic.seen(replace(post, user_key="user:u-1"), {})
    await topic.seen(replace(post, kind="unauthorized"), {})
    assert [b"user:u-1", None] == topic.keys


async def test_before_kafka_is_there_a_post_is_refused_for_now() -> None:
    topic = EdgeTopics(open_brokers("127.0.0.1:1"))
    assert NOT_YET == await topic.reachable()
    with pytest.raises(BrokerUnavailableError):
        await topic.seen(SeenPosted(kind="click", tag="news", id="1", seen_at=1, received_at=1), {})
    await topic.stop()


async def test_a_part_that_breaks_as_nobody_foresaw_is_connected_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mutation tried: called once: the read of campaigns would be a 503 for good."""
    monkeypatch.setattr(http, "AWAY_S", 0.0)
    left = [ValueError("a defect"), OSError("a full disk")]

    async def connect() -> None:
        if left:
            raise left.pop()

    await until_connected(connect)
    assert [] == left
