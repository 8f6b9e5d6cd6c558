"""The table of failures: what an error means before and after commit was called (rules 6, 7, 11)."""

from __future__ import annotations

import pytest
from aiokafka import errors

from streams.engine.api import NotYet, SinkFenced, StageFailedError
from streams.engine.failures import Failure, FencedInstanceIdError, InvalidRecordError, classify, wait_reason
from streams.engine.outputs import TooLargeError

NAMED = {
    errors.ProducerFenced: (Failure.FENCED, Failure.FENCED),
    errors.InvalidProducerEpoch: (Failure.FENCED, Failure.FENCED),
    SinkFenced: (Failure.FENCED, Failure.FENCED),
    errors.MessageSizeTooLargeError: (Failure.REFUSED, Failure.UNKNOWN),
    errors.RecordListTooLargeError: (Failure.REFUSED, Failure.UNKNOWN),
    errors.CorruptRecordException: (Failure.REFUSED, Failure.UNKNOWN),
    errors.InvalidTimestampError: (Failure.REFUSED, Failure.UNKNOWN),
    InvalidRecordError: (Failure.REFUSED, Failure.UNKNOWN),
    TooLargeError: (Failure.REFUSED, Failure.UNKNOWN),
    StageFailedError: (Failure.FATAL, Failure.FATAL),
    errors.TransactionalIdAuthorizationFailed: (Failure.FATAL, Failure.FATAL),
    errors.TopicAuthorizationFailedError: (Failure.FATAL, Failure.FATAL),
    errors.GroupAuthorizationFailedError: (Failure.FATAL, Failure.FATAL),
    errors.ClusterAuthorizationFailedError: (Failure.FATAL, Failure.FATAL),
    errors.AuthenticationFailedError: (Failure.FATAL, Failure.FATAL),
    errors.SaslAuthenticationFailed: (Failure.FATAL, Failure.FATAL),
    errors.InvalidTransactionTimeout: (Failure.FATAL, Failure.FATAL),
    errors.IncompatibleBrokerVersion: (Failure.FATAL, Failure.FATAL),
    errors.UnsupportedCodecError: (Failure.FATAL, Failure.FATAL),
}
UNNAMED = (
    errors.KafkaConnectionError,
    errors.RequestTimedOutError,
    errors.NotEnoughReplicasError,
    errors.OutOfOrderSequenceNumber,
    errors.InvalidTxnState,
    errors.InvalidProducerIdMapping,
    errors.UnknownError,
    OSError,
    TimeoutError,
    AssertionError,
    ValueError,
)


@pytest.mark.parametrize(("kind", "meaning"), NAMED.items(), ids=[kind.__name__ for kind in NAMED])
def test_a_named_error_means(kind: type[Exception], meaning: tuple[Failure, Failure]) -> None:
    error = kind()
    assert meaning == (classify(error, committing=False), classify(error, committing=True))


@pytest.mark.parametrize("kind", UNNAMED)
def test_whatever_is_not_named_reopens_the_task(kind: type[Exception]) -> None:
    error = kind()
    assert Failure.ABORTED is classify(error, committing=False)
    assert Failure.UNKNOWN is classify(error, committing=True)


def test_codes_that_aiokafka_does_not_know_are_known_here() -> None:
    assert (InvalidRecordError, FencedInstanceIdError) == (errors.for_code(87), errors.for_code(82))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotYet("topic_missing:a"), "topic_missing:a"),
        (NotYet(), "not_yet"),
        (errors.KafkaConnectionError(), "kafka"),
        (ConnectionResetError(), "kafka"),
        (ValueError("x"), "ValueError"),
    ],
)
def test_a_wait_has_a_name(error: Exception, reason: str) -> None:
    assert reason == wait_reason(error)
