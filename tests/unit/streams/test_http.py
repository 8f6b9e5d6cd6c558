"""The topic behind the seen endpoint: what its 200 stands on."""

from __future__ import annotations

from streams.http import SeenTopic

ALL_IN_SYNC_REPLICAS = -1


async def test_a_post_is_written_with_the_acknowledgement_of_all_in_sync_replicas() -> None:
    """One broker cannot show it: it lowers `min.insync.replicas` to the replicas there are."""
    topic = SeenTopic("127.0.0.1:1")
    assert ALL_IN_SYNC_REPLICAS == topic._producer._sender._acks
    await topic.stop()
