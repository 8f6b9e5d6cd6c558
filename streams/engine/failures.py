"""What an error means for a task; no other module knows aiokafka's error classes (rules 6, 7, 11).

Every failure ends the producer and reopens the task: opening fences and aborts whatever was left behind, and
the committed offsets then say what really happened. The class only decides what must be true before the
reopen.
"""

from __future__ import annotations

from enum import Enum

from aiokafka import errors

from streams.engine.api import NotYet, SinkFenced, StageFailedError
from streams.engine.connections import REFUSALS
from streams.engine.outputs import TooLargeError


class Failure(Enum):
    """What follows a failed turn of a task."""

    ABORTED = "aborted"
    """Nothing was committed: reopen and replay."""
    UNKNOWN = "unknown"
    """Commit was called: only the committed offsets know; drop everything of the batch and reopen."""
    FENCED = "fenced"
    """Somebody holds our transactional id: reopen only after the group confirms that the task is ours."""
    REFUSED = "refused"
    """A record of ours is refused: reopen and go one record at a time to find which."""
    FATAL = "fatal"
    """Waiting cannot help: end the stage."""


class InvalidRecordError(errors.BrokerResponseError):  # type: ignore[misc] # aiokafka is untyped
    """The broker's INVALID_RECORD, unknown to aiokafka: a record against its topic's rules (no key …)."""

    errno = 87
    message = "INVALID_RECORD"


class FencedInstanceIdError(errors.BrokerResponseError):  # type: ignore[misc] # aiokafka is untyped
    """The broker's FENCED_INSTANCE_ID, which aiokafka does not know: another process holds our static id."""

    errno = 82
    message = "FENCED_INSTANCE_ID"


errors.kafka_errors.update({kind.errno: kind for kind in (InvalidRecordError, FencedInstanceIdError)})

AWAY = (errors.KafkaError, OSError, TimeoutError)
"""A server is away or refuses for now."""

_FENCED = (errors.ProducerFenced, errors.InvalidProducerEpoch, SinkFenced)
_REFUSED = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.CorruptRecordException,
    errors.InvalidTimestampError,
    InvalidRecordError,
    TooLargeError,
)
_FATAL = (
    StageFailedError,
    errors.TransactionalIdAuthorizationFailed,
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    *REFUSALS,
    errors.InvalidTransactionTimeout,
    errors.IncompatibleBrokerVersion,
    errors.UnsupportedCodecError,
)


class TurnFailedError(Exception):
    """A turn failed; `failure` says what must be true before the task opens again."""

    def __init__(self, failure: Failure, cause: BaseException) -> None:
        """Keep the class of the failure beside its cause."""
        super().__init__(f"{failure.value}: {type(cause).__name__}: {cause}")
        self.failure = failure
        self.cause = cause


def classify(error: BaseException, *, committing: bool) -> Failure:
    """Map any error of a turn; what is not named reopens as `ABORTED`, once commit was called `UNKNOWN`."""
    if isinstance(error, _FENCED):
        return Failure.FENCED
    if isinstance(error, _FATAL):
        return Failure.FATAL
    if isinstance(error, _REFUSED) and not committing:
        return Failure.REFUSED
    return Failure.UNKNOWN if committing else Failure.ABORTED


def wait_reason(error: BaseException) -> str:
    """Name of the wait that an error causes, for logs, metrics and the watchdog."""
    if isinstance(error, NotYet):
        return str(error) or "not_yet"
    if isinstance(error, errors.KafkaError | OSError):
        return "kafka"
    return type(error).__name__
