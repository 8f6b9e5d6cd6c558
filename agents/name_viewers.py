"""Who saw a communication, under each id that the fact carries: it meets the labels by them (GEN-OP-08).

consumes / keeps / emits  a part of agents/mark_seen.py

Labels know people as `yandex_uid`, `phone_id`, `device_id`; facts as `uid` with `bound_uids`, `phone_id` and
the device that the gateway knows. It makes no difference whether facts of the tag are delivered, nor whether
this one is a repeat: it may carry an id that the first one had not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.audience_words import IdType
from schemas.ids import audience_user, bucket_of
from schemas.records import CommunicationSeen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.records import SeenPosted, SeenTag

COMMUNICATIONS = "promotions"
"""Tag of facts whose id is that of a communication."""
REMEMBERED_S = 30 * 86_400
"""Without a tag that says otherwise (SEEN-OP-04)."""
MOST_IDS = 100
"""Of one fact: a header holds more, a person has fewer."""
LONGEST_ID = 256
DEVICE = "device:"


def viewers(posted: SeenPosted, tag: SeenTag | None) -> list[CommunicationSeen]:
    """A record for each id; none for facts of other tags."""
    if posted.tag != COMMUNICATIONS:
        return []
    kept_s = REMEMBERED_S if tag is None else tag.remember_for_s
    users = list(dict.fromkeys(audience_user(kind, name) for kind, name in _ids(posted)))
    return [
        CommunicationSeen(
            bucket=bucket_of(user),
            user=user,
            communication_id=posted.id,
            seen_at=posted.seen_at,
            kept_until=posted.received_at + kept_s * 1000,
        )
        for user in users[:MOST_IDS]
    ]


def _ids(posted: SeenPosted) -> Iterator[tuple[IdType, str]]:
    """Kind and value of each id that labels know, the surest first."""
    user = posted.user
    named = [
        (IdType.YANDEX_UID, user.get("uid")),
        (IdType.PHONE_ID, user.get("phone_id")),
        (IdType.DEVICE_ID, user.get("device_id")),
        *((IdType.YANDEX_UID, uid) for uid in user.get("bound_uids", ())),
    ]
    if posted.user_key is not None and posted.user_key.startswith(DEVICE):
        named.append((IdType.DEVICE_ID, posted.user_key.removeprefix(DEVICE)))
    for kind, name in named:
        if isinstance(name, str) and 0 < len(name) <= LONGEST_ID:
            yield kind, name
