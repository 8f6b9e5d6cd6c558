"""The topic behind the seen endpoint: what its 200 stands on."""

from __future__ import annotations

import pytest

from connectors.http.ports import BrokerUnavailableError
from schemas.records import SeenPosted
from streams import http
from streams.http import NOT_YET, EdgeTopics, durable_producer, until_connected

ALL_IN_SYNC_REPLICAS = -1


async def test_a_post_is_written_with_the_acknowledgement_of_all_in_sync_replicas() -> None:
    """One broker cannot show it: it lowers `min.insync.replicas` to the replicas there are."""
    producer = durable_producer("127.0.0.1:1")
    assert ALL_IN_SYNC_REPLICAS == producer._sender._acks
    await producer.stop()


async def test_before_kafka_is_there_a_post_is_refused_for_now() -> None:
    topic = EdgeTopics("127.0.0.1:1")
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
