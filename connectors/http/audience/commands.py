"""What the edge tells the audience stage: one transaction of a command and, behind it, chunks of users."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from connectors.http.audience.bodies import PublishBody
from connectors.http.problems import Code, Fault, ProblemError
from schemas.codec import encode, encode_json
from schemas.ids import bucket_of
from schemas.records import AudiencePublished, AudienceWithdrawn, UserGroup, UsersOfLabel, UsersUploaded
from schemas.topics import AUDIENCE_COMMANDS, AUDIENCE_USERS

if TYPE_CHECKING:
    from connectors.http.audience.bodies import Body, UnpublishBody
    from connectors.http.audience.rules import Labelled

CHUNK_CHARACTERS = 48 * 1024
"""Of user names in one record. Kafka takes 1 MiB; a batch of the engine should not be one record."""

LARGEST_COMMAND = 512 * 1024
"""Of a request without its users, in Avro: filters stand with every label of it."""

LARGEST_LABEL = 256 * 1024
"""Of one label in JSON, as `audience.labels` has it: there a character may take six bytes. What is counted
of its requests stands beside it in a record of 1 MiB."""


class Asking(NamedTuple):
    """Of whom an answer is awaited, and what makes a repeat: key and digest of the body (AUD-OP-10)."""

    upload_id: str
    request_id: str
    idempotency_key: str
    digest: bytes
    received_at: int


class Upload(NamedTuple):
    """The records of one transaction, of one campaign, as they are written: the command, then its users."""

    upload_id: str
    campaign_label: str
    records: list[bytes]


def digest_of(operation: str, body: Body) -> bytes:
    """The same for the same body, however its JSON was written. Item by item, as it is decoded."""
    found = blake2b(operation.encode() + b"\0", digest_size=16)
    if isinstance(body, PublishBody) and body.personal_communications is not UNSET:
        for one in body.personal_communications:
            found.update(msgspec.json.encode(one) + b"\0")
        body = replace(body, personal_communications=[])
    found.update(msgspec.json.encode(body))
    return found.digest()


def publication(asking: Asking, campaign_label: str, labelled: Labelled) -> Upload:
    """Publish these labels to these users; `ProblemError` (413) if they are too long without the users."""
    command = AudiencePublished(**asking._asdict(), campaign_label=campaign_label, labels=labelled.labels)
    raw = encode(command)
    if len(raw) > LARGEST_COMMAND or any(len(encode_json(one)) > LARGEST_LABEL for one in labelled.labels):
        raise ProblemError(Code.TOO_LARGE, [Fault("", "filters and tickets of all labels are too long")])
    chunks = (
        UsersUploaded(upload_id=asking.upload_id, place=place, groups=groups)
        for place, groups in enumerate(_chunks(labelled))
    )
    return Upload(asking.upload_id, campaign_label, [raw, *map(encode, chunks)])


def withdrawal(asking: Asking, body: UnpublishBody) -> Upload:
    """Withdraw one label, or all labels of a campaign; `ProblemError` unless exactly one is named."""
    if (body.campaign_label is UNSET) == (body.audience_label is UNSET):
        raise ProblemError(
            Code.INVALID_FIELD, [Fault("", "must have exactly one of campaign_label and audience_label")]
        )
    campaign = body.campaign_label or str(body.audience_label).partition(":")[0]
    command = AudienceWithdrawn(
        **asking._asdict(), campaign_label=campaign, audience_label=body.audience_label or None
    )
    return Upload(asking.upload_id, campaign, [encode(command)])


def topic_of(place: int) -> str:
    """Where the record of an upload at this place goes: users, behind the command, have a topic of their own.

    So no request waits behind the users of others.
    """
    return AUDIENCE_USERS if place else AUDIENCE_COMMANDS


def _chunks(labelled: Labelled) -> Iterator[list[UserGroup]]:
    """Groups of users by bucket, so many that a chunk is not too large; a bucket may go on in the next.

    All labels of a bucket stand together: 100 labels of 1 000 users each meet in some 1 000 groups.
    """
    groups: list[UserGroup] = []
    room = CHUNK_CHARACTERS
    for bucket, by_label in _by_bucket(labelled).items():
        found: dict[int, list[str]] = {}
        for label, user in by_label:
            if room < len(user):
                if found:
                    groups.append(_group(bucket, found))
                yield groups
                groups, found, room = [], {}, CHUNK_CHARACTERS
            found.setdefault(label, []).append(user)
            room -= len(user)
        groups.append(_group(bucket, found))
    if groups:
        yield groups


def _group(bucket: int, users: dict[int, list[str]]) -> UserGroup:
    labels = [UsersOfLabel(label=label, users=some) for label, some in users.items()]
    return UserGroup(bucket=bucket, labels=labels)


def _by_bucket(labelled: Labelled) -> dict[int, list[tuple[int, str]]]:
    """Users, each with the place of his label in the request."""
    places = {label.audience_label: place for place, label in enumerate(labelled.labels)}
    found: dict[int, list[tuple[int, str]]] = {}
    for name, users in labelled.users.items():
        place = places[name]
        for user in users:
            found.setdefault(bucket_of(user), []).append((place, user))
    return found
