"""Which topic a name stands for: Kafka gives each topic made an id of its own (KIP-516).

aiokafka 0.14 speaks a metadata request that is older than these ids; this is the one that tells them.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from aiokafka.errors import for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

METADATA, VERSION = 3, 12
NO_ID = UUID(int=0)


class Uuid(AbstractType[UUID]):  # type: ignore[misc] # aiokafka is untyped
    """Sixteen bytes."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        """On the wire."""
        return value.bytes

    @classmethod
    def decode(cls, data: IO[bytes]) -> UUID:
        """From the wire."""
        return UUID(bytes=data.read(16))

    @classmethod
    def repr(cls, value: UUID) -> str:
        """For logs."""
        return str(value)


class _Answer(Response):  # type: ignore[misc] # aiokafka is untyped
    API_KEY = METADATA  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] # as aiokafka does
    API_VERSION = VERSION  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc] # aiokafka is untyped
    API_KEY = METADATA
    API_VERSION = VERSION
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _Asking(Request[_Question]):  # type: ignore[misc] # aiokafka is untyped
    API_KEY: ClassVar[int] = METADATA

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class([(NO_ID, self._topic, {})], False, False, {})  # noqa: FBT003 - by position


async def topic_id(admin: AIOKafkaAdminClient, topic: str) -> str:
    """Id of the topic that has this name now; `KafkaError` when there is none or nobody answers.

    Brokers older than Kafka 3.1 raise `NotImplementedError`.
    """
    answer: Any = await admin._send_request(_Asking(topic))  # noqa: SLF001 - aiokafka has no public call
    code, _, found, *_ = answer.topics[0]
    if code:
        raise for_code(code)(topic)
    return str(found)
