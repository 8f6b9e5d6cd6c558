"""Whether a group has read all there is: told by records, not by offsets, and not by a broker's silence."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from streams.lag import Lag
from tests.broker.app.ledger import settled
from tests.servers import Servers

RECORDS = 3


@pytest.fixture
async def lag(servers: Servers, app_prefix: str) -> AsyncIterator[Lag]:
    """Of a topic of two partitions; in the first lie three records of a transaction and its marker."""
    async with topics_of(open_brokers(servers.bootstrap)) as topics:
        await topics.create_missing([TopicSpec(app_prefix, 2)])
    producer = AIOKafkaProducer(bootstrap_servers=servers.bootstrap, transactional_id=app_prefix)
    async with producer, producer.transaction():
        for _ in range(RECORDS):
            await producer.send_and_wait(app_prefix, b"x", partition=0)
    await settled(servers.bootstrap, app_prefix)  # the commit is answered before its marker is there
    one = Lag(open_brokers(servers.bootstrap))
    await one.start()
    yield one
    await one.stop()


async def commit(servers: Servers, topic: str, offsets: dict[int, int]) -> None:
    """As the group of the topic's own name."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers.bootstrap, group_id=topic, enable_auto_commit=False)
    async with consumer:
        places = {TopicPartition(topic, number): offset for number, offset in offsets.items()}
        consumer.assign(list(places))
        await consumer.commit(places)


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ({0: 0, 1: 0}, False),
        ({0: RECORDS - 1, 1: 0}, False),
        ({0: RECORDS, 1: 0}, True),
        ({0: RECORDS + 1, 1: 0}, True),
        ({0: RECORDS}, True),
        ({1: 0}, False),
    ],
)
async def test_a_group_has_caught_up_when_no_record_lies_behind_its_offsets(
    servers: Servers, app_prefix: str, lag: Lag, offsets: dict[int, int], *, expected: bool
) -> None:
    """A partition that never had a record has no offset of the sink, for example."""
    await commit(servers, app_prefix, offsets)
    assert expected == await lag.caught_up(app_prefix, [app_prefix])


async def test_a_group_has_not_caught_up_while_a_transaction_is_open(
    servers: Servers, app_prefix: str, lag: Lag
) -> None:
    """It may be committed, and its marker on the way. Mutation: the stable end is the end."""
    await commit(servers, app_prefix, {0: RECORDS + 1, 1: 0})
    producer = AIOKafkaProducer(bootstrap_servers=servers.bootstrap, transactional_id=f"{app_prefix}-2")
    async with producer:
        async with producer.transaction():
            await producer.send_and_wait(app_prefix, b"x", partition=1)
            assert not await lag.caught_up(app_prefix, [app_prefix])
        await commit(servers, app_prefix, {0: RECORDS + 1, 1: 1})
        await lag.wait(app_prefix, [app_prefix])


async def test_a_group_that_never_committed_has_not_caught_up(app_prefix: str, lag: Lag) -> None:
    assert not await lag.caught_up(app_prefix, [app_prefix])
