"""What a person may do about brokers that let us in no further: sentences for errors of Kafka."""

from __future__ import annotations

from typing import Final

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from streams.engine.connections import REFUSALS, OurCertificateError

UNKNOWN_TO_BROKERS: Final = (
    "The brokers do not believe who we are, or we do not believe them. Look at"
    " CARILLON_KAFKA__SASL_MECHANISM, CARILLON_KAFKA__USERNAME, CARILLON_KAFKA__PASSWORD"
    " and CARILLON_KAFKA__TLS_CA_FILE, and whether the"
    " brokers have that user: docs/security.md."
)
OUR_CERTIFICATE: Final = (
    "The brokers want a certificate of ours, signed by whom they trust, that has not ended: name its file"
    " in CARILLON_KAFKA__TLS_CERTIFICATE_FILE (and its key's in CARILLON_KAFKA__TLS_KEY_FILE), or let the"
    " brokers trust who signed it: docs/security.md."
)
FORBIDDEN: Final = (
    "The brokers know us and forbid this. `carillon topics acls` prints the rights that our user needs."
)
NOBODY_THERE: Final = (
    "Is CARILLON_KAFKA__BOOTSTRAP right, and do the brokers want TLS, SASL or a certificate of ours"
    " (CARILLON_KAFKA__TLS, CARILLON_KAFKA__SASL_MECHANISM, CARILLON_KAFKA__TLS_CERTIFICATE_FILE)?"
)
_FORBIDDING = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)


def is_refused(error: BaseException | None) -> bool:
    """Whether the brokers answer, and will answer the same until a person has changed something."""
    return isinstance(error, (*REFUSALS, *_FORBIDDING))


def advised(error: BaseException) -> str:
    """The error, and what to do about it if that is known."""
    if isinstance(error, OurCertificateError):
        return f"{error}. {OUR_CERTIFICATE}"
    if isinstance(error, REFUSALS):
        return f"{error}. {UNKNOWN_TO_BROKERS}"
    if isinstance(error, _FORBIDDING):
        return f"{error}. {FORBIDDEN}"
    return f"{error}. {NOBODY_THERE}" if isinstance(error, KafkaConnectionError) else str(error)
