"""An audience stage and its members without a broker: whole records go round until nothing is left to do."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from agents import assign, audience, enlist
from schemas.codec import Decoder, encode
from schemas.ids import BUCKETS, bucket_of
from schemas.records import (
    AudienceAnswered,
    AudienceLabel,
    AudiencePublished,
    AudienceUnpublished,
    AudienceWithdrawn,
    CampaignWithdrawn,
    CommunicationSeen,
    EntriesDue,
    LabelAsked,
    LabelChanged,
    LabelDue,
    LabelForgotten,
    LabelPartial,
    LabelsEnded,
    ProgressDue,
    ProgressForgotten,
    RequestProgress,
    StraysDue,
    UploadDue,
    UserGroup,
    UsersCounted,
    UsersLabelled,
    UsersOfLabel,
    UsersUploaded,
    ViewerForgotten,
    WithdrawalDue,
)
from tables.labels import visible
from tables.memberships import Memberships
from tests.fakes import FakeEvent, FakeStream, MemoryTable

T0 = 1_800_000_000_000
DAY = 86_400_000
CAMPAIGN = "spring"
KEPT = 30 * DAY


def asked(name: str = "spring:sale", users: int = 0, **changes: Any) -> LabelAsked:
    given = {"communication_id": "sale", "starts_at": T0, "ends_at": T0 + DAY, **changes}
    return LabelAsked(audience_label=name, users=users, **given)


def groups(*users: list[str]) -> list[UserGroup]:
    """Of users for each label of a request, in the order of its labels."""
    found: dict[int, dict[int, list[str]]] = {}
    for place, some in enumerate(users):
        for user in some:
            found.setdefault(bucket_of(user), {}).setdefault(place, []).append(user)
    return [
        UserGroup(
            bucket=bucket, labels=[UsersOfLabel(label=label, users=some) for label, some in by_label.items()]
        )
        for bucket, by_label in found.items()
    ]


def upload(
    upload_id: str, users: list[str], *, key: str | None = None, digest: bytes = b"1", **changes: Any
) -> list[Any]:
    """A publish request for one label, users of a bucket in a chunk each."""
    return several(upload_id, [(asked(**changes), users)], key=key, digest=digest)


def several(
    upload_id: str, parts: list[tuple[LabelAsked, list[str]]], *, key: str | None = None, digest: bytes = b"1"
) -> list[Any]:
    """A publish request for some labels, users of a bucket in a chunk each."""
    command = AudiencePublished(
        upload_id=upload_id,
        request_id=f"req-{key or upload_id}",
        idempotency_key=upload_id if key is None else key,
        digest=digest,
        campaign_label=CAMPAIGN,
        received_at=T0,
        labels=[replace(label, users=len(some)) for label, some in parts],
    )
    chunks = [
        UsersUploaded(upload_id=upload_id, place=place, groups=[group])
        for place, group in enumerate(groups(*(some for _, some in parts)))
    ]
    return [command, *chunks]


def withdrawal(upload_id: str, label: str | None = None, *, digest: bytes = b"w") -> AudienceWithdrawn:
    return AudienceWithdrawn(
        upload_id=upload_id,
        request_id=f"req-{upload_id}",
        idempotency_key=upload_id,
        digest=digest,
        received_at=T0,
        campaign_label=CAMPAIGN,
        audience_label=label,
    )


_DECODE = Decoder(
    AudienceAnswered,
    AudienceLabel,
    AudiencePublished,
    AudienceUnpublished,
    AudienceWithdrawn,
    CampaignWithdrawn,
    CommunicationSeen,
    LabelChanged,
    LabelDue,
    LabelForgotten,
    LabelPartial,
    EntriesDue,
    LabelsEnded,
    ProgressDue,
    ProgressForgotten,
    RequestProgress,
    StraysDue,
    UploadDue,
    UsersCounted,
    UsersLabelled,
    UsersUploaded,
    ViewerForgotten,
    WithdrawalDue,
)


def _tables(count: int) -> list[Any]:
    return [MemoryTable[bytes, Any]() for _ in range(count)]


@dataclass
class Audience:
    """Both stages at one clock; `waiting`: records on their way to members, `counts`: back to the owner."""

    now: int = T0
    owner: audience.Memory = field(default_factory=lambda: audience.Memory(*_tables(7)))
    members: enlist.Memory = field(default_factory=lambda: enlist.Memory(*_tables(4)))
    waiting: deque[Any] = field(default_factory=deque)
    counts: deque[UsersCounted] = field(default_factory=deque)
    answers: list[AudienceAnswered] = field(default_factory=list)
    rows: list[AudienceLabel] = field(default_factory=list)
    labels: dict[str, AudienceLabel] = field(default_factory=dict)
    requests: dict[str, RequestProgress] = field(default_factory=dict)
    timers: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    events: list[Any] = field(default_factory=list)
    partials: list[LabelPartial] = field(default_factory=list)

    async def ask(self, *records: Any) -> list[AudienceAnswered]:
        """One batch of commands, users or counts at the owner; the answers it gave."""
        before = len(self.answers)
        stream = FakeStream([FakeEvent(_copied(record)) for record in records], self._at())
        async for outcome in assign.assign(stream, self.owner, KEPT):
            self._take(outcome)
        return self.answers[before:]

    async def enlist(self, *records: Any) -> None:
        """One batch at the members."""
        stream = FakeStream([FakeEvent(_copied(record)) for record in records], self._at())
        async for outcome in enlist.enlist(stream, self.members):
            self._take(outcome)

    async def settle(self) -> None:
        """Let everything on its way arrive, timers that are due included."""
        while True:
            if self.waiting:
                await self.enlist(self.waiting.popleft())
            elif self.counts:
                await self.ask(self.counts.popleft())
            elif due := [key for key, timer in self.timers.items() if timer.due_at <= self.now]:
                timer = self.timers.pop(due[0])
                await (self.enlist(timer) if isinstance(timer, EntriesDue) else self.ask(timer))
            else:
                return

    def seen_by(self, user: str, **context: Any) -> list[str]:
        """The labels that a reader shows the user now."""
        entries = (self.members.memberships.get(user.encode()) or Memberships()).entries
        return [
            one.audience_label for one in visible(entries, self.labels, context, self.now, lambda _: False)
        ]

    def _at(self) -> int:
        for memory in (self.owner, self.members):
            for name in memory.__struct_fields__:
                getattr(memory, name).now = self.now
        return self.now

    def _take(self, outcome: Any) -> None:
        self.events.append(outcome)
        match _copied(outcome):
            case AudienceAnswered() as answer:
                self.answers.append(answer)
            case UsersLabelled() | LabelsEnded() as record:
                assert 0 <= record.bucket < BUCKETS
                self.waiting.append(record)
            case UsersCounted() as count:
                self.counts.append(count)
            case LabelPartial() as partial:
                self.partials.append(partial)
            case EntriesDue() as due:
                self.timers[due.due_at, due.bucket, due.ends_at, due.audience_label] = due
            case WithdrawalDue() | ProgressDue() | LabelDue() | StraysDue() | UploadDue() as due:
                self.timers[due.due_at, type(due), _whose(due)] = due
            case state:
                self._publish(state)

    def _publish(self, state: Any) -> None:
        match state:
            case AudienceLabel() as label:
                self.labels[label.audience_label] = label
            case RequestProgress() as progress:
                self.requests[progress.request_id] = progress
            case ProgressForgotten(request_id=request_id):
                self.requests.pop(request_id, None)
            case LabelForgotten(audience_label=name):
                self.labels.pop(name, None)
            case AudienceUnpublished() | CampaignWithdrawn():
                pass  # for others: among the events
            case LabelChanged(label=label):
                self.rows.append(label)
            case other:
                raise AssertionError(other)


def _whose(due: WithdrawalDue | ProgressDue | LabelDue | StraysDue | UploadDue) -> str:
    """What a timer of the owner is about; of one thing and time there is one."""
    match due:
        case WithdrawalDue():
            return due.command.upload_id
        case ProgressDue():
            return due.request_id
        case LabelDue():
            return due.audience_label
        case _:
            return due.upload_id


def _copied(record: Any) -> Any:
    """As it comes out of its topic."""
    return _DECODE(encode(record))
