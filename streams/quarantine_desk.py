"""What is far above its average, and orders about it, as HTTP and the commands ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka.errors import KafkaError

from connectors.kafka_clients import writing
from connectors.postgres.after_restore import read_whole
from schemas.codec import Decoder, encode
from schemas.records import AnomalyFound
from schemas.topics import ANOMALIES, QUARANTINE
from streams.outside import publish_schemas
from streams.persons import learned_schemas
from streams.quarantine import key_of

if TYPE_CHECKING:
    from connectors.kafka_clients import Brokers
    from schemas.records import QuarantineOrdered


async def anomalies(brokers: Brokers) -> list[AnomalyFound]:
    """What is anomalous now, by service and type; `ConnectionError` without Kafka."""
    raw: dict[bytes, bytes] = {}

    def take(key: bytes, value: bytes | None) -> None:
        if value is None:
            raw.pop(key, None)
        else:
            raw[key] = value

    try:
        await read_whole(brokers, ANOMALIES, take)
        decode = Decoder(AnomalyFound, book=await learned_schemas(brokers))
    except (KafkaError, OSError) as error:
        raise ConnectionError(repr(error)) from error
    return [decode(raw[key]) for key in sorted(raw)]


async def give(brokers: Brokers, order: QuarantineOrdered) -> None:
    """Write an order; every in-sync replica has it when this returns."""
    await publish_schemas(brokers)
    async with writing(brokers) as write:
        await write(QUARANTINE, encode(order), key=key_of(order))
