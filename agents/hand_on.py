"""Users of a request on their way: from its upload to their buckets, and back as counts.

consumes  audience.users (UsersUploaded), audience.progress (UsersCounted), timers (StraysDue, UploadDue)
keeps     uploads, strays, spread
emits     UsersLabelled (facts.labels); StraysDue (timer)

Users and their command are of one transaction, on two topics: either may be read first, or lie among the dead
letters. Users that come first are put aside, and handed on, or dropped, as their command is decided. A record
of users counts once, however often it comes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from schemas.records import LabelCount, LabelGiven, StraysDue, UsersLabelled
from tables.offers import untold
from tables.uploads import KEPT_MS, PATIENCE_MS, Upload, stray_key, strays_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.audience import Draft, Outcome
    from schemas.records import AudienceLabel, UploadDue, UserGroup, UsersCounted, UsersUploaded

STRAYS_AT_ONCE = 8
"""Records of users that were put aside, by one timer: some 400 KiB."""


def hand_on(chunk: UsersUploaded, draft: Draft) -> Iterator[Outcome]:
    """To their buckets, if their request was accepted; put aside, if nobody knows yet."""
    upload = draft.upload(chunk.upload_id)
    if upload is None:
        yield from _put_aside(chunk, draft)
    else:
        yield from _taken(chunk, upload, draft)


def decided(upload_id: str, draft: Draft) -> list[Outcome]:
    """The command of an upload has come: what was put aside follows as soon as this is committed."""
    waits = draft.memory.strays.scan(strays_prefix(upload_id), limit=1)
    return [StraysDue(upload_id=upload_id, due_at=draft.now)] if waits else []


def go_on(due: StraysDue, draft: Draft) -> Iterator[Outcome]:
    """The next records that were put aside; `LookupError` when their command stays away.

    They stay then: should it come out of the dead letters, its users are there.
    """
    waiting = draft.memory.strays.scan(strays_prefix(due.upload_id), limit=STRAYS_AT_ONCE)
    upload = draft.upload(due.upload_id)
    if waiting and upload is None:
        raise LookupError(
            f"users of {due.upload_id} came, and their command did not: look in the dead letters"
        )
    for key, chunk in waiting:
        draft.memory.strays.delete(key)
        yield from hand_on(chunk, draft)
    if len(waiting) == STRAYS_AT_ONCE:
        yield StraysDue(upload_id=due.upload_id, due_at=draft.now)


def count(counted: UsersCounted, draft: Draft) -> list[Outcome]:
    """Users have their labels; `LookupError` when nobody knows of what upload."""
    upload = draft.upload(counted.upload_id)
    if upload is None:
        raise LookupError(f"upload {counted.upload_id} has no row")
    draft.count(counted.upload_id, upload, counted.counts)
    return []


def end(due: UploadDue, draft: Draft) -> list[Outcome]:
    """Users that did not come by now have failed: no topic holds them any longer."""
    upload = draft.upload(due.upload_id)
    if upload is not None and upload.is_open:
        draft.count(due.upload_id, upload, upload.rest())
    return []


def _put_aside(chunk: UsersUploaded, draft: Draft) -> Iterator[Outcome]:
    strays, upload_id = draft.memory.strays, chunk.upload_id
    if not strays.scan(strays_prefix(upload_id), limit=1):
        yield StraysDue(upload_id=upload_id, due_at=draft.now + PATIENCE_MS)
    strays.put(stray_key(upload_id, chunk.place), chunk, expires_at=draft.now + KEPT_MS)


def _taken(chunk: UsersUploaded, upload: Upload, draft: Draft) -> Iterator[Outcome]:
    """Users of a label withdrawn meanwhile have failed."""
    after = upload.take(chunk.place)
    if after is None:
        return
    draft.keep_upload(chunk.upload_id, after)
    labels = [draft.published(one.audience_label) for one in upload.labels]
    failed: Counter[str] = Counter()
    for group in chunk.groups:
        given = list(_given(group, upload, labels, failed))
        for one in given:
            draft.spread_to(one.audience_label, group.bucket)
        if given:
            yield UsersLabelled(upload_id=chunk.upload_id, bucket=group.bucket, labels=given)
    if failed:
        counts = [LabelCount(audience_label=name, failed=many) for name, many in failed.items()]
        draft.count(chunk.upload_id, after, counts)


def _given(
    group: UserGroup, upload: Upload, labels: list[AudienceLabel], failed: Counter[str]
) -> Iterator[LabelGiven]:
    for some in group.labels:
        label, number = labels[some.label], upload.labels[some.label].number
        if label.withdrawn_at is not None:
            failed[label.audience_label] += len(some.users)
            continue
        offer = untold(label)
        yield LabelGiven(
            audience_label=label.audience_label,
            number=number,
            ends_at=label.ends_at,
            users=some.users,
            campaign_label=offer.campaign_label if offer else None,
            communication_id=offer.communication_id if offer else None,
        )
