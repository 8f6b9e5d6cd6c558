"""Answers to requests about audiences: the first one under a key is the answer to all of them (AUD-OP-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.audience_words import AudienceOutcome
from schemas.records import AudienceAnswered, AudiencePublished, AudienceWithdrawn, LabelNamed
from tables.publications import REMEMBERED_MS, GivenAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.ports import Table
    from schemas.records import AudienceLabel

Command = AudiencePublished | AudienceWithdrawn


def repeated(
    command: Command, operation: bytes, answers: Table[bytes, GivenAnswer]
) -> list[AudienceAnswered]:
    """The answer to a key that came before; none for a new one."""
    given = answers.get(_key(command, operation))
    if given is None:
        return []
    if given.digest != command.digest:
        return [refused(command, AudienceOutcome.CONFLICT, "this key came with another body before")]
    return [replace(given.answer, upload_id=command.upload_id, is_replay=True)]


def accepted(
    command: Command,
    operation: bytes,
    labels: Iterable[AudienceLabel],
    now: int,
    answers: Table[bytes, GivenAnswer],
) -> AudienceAnswered:
    """The answer with these labels, which is remembered under its key, if it has one."""
    named = [
        LabelNamed(communication_id=label.communication_id, audience_label=label.audience_label)
        for label in labels
    ]
    answer = AudienceAnswered(
        upload_id=command.upload_id,
        request_id=command.request_id,
        outcome=AudienceOutcome.ACCEPTED,
        labels=named,
    )
    if command.idempotency_key:
        given = GivenAnswer(digest=command.digest, answer=answer)
        answers.put(_key(command, operation), given, expires_at=now + REMEMBERED_MS)
    return answer


def refused(command: Command, outcome: AudienceOutcome, detail: str) -> AudienceAnswered:
    """An answer that is not remembered: the request may come again, mended, under its key."""
    return AudienceAnswered(
        upload_id=command.upload_id, request_id=command.request_id, outcome=outcome, detail=detail
    )


def _key(command: Command, operation: bytes) -> bytes:
    return operation + b"\0" + command.idempotency_key.encode()
