"""The next channel for a request whose messages nobody saw in time: planned, later used once (SEEN-OP-01).

consumes  a request's messages when they are made; FallbackGranted when nobody saw them
keeps     nothing: the plan has the request with it
emits     FallbackPlanned; later MessageQueued and SendTask for the next channel, and RequestDecided, which
          says what was used, or why nothing

What holds then decides: the type, its time to live, preferences, addresses, templates of that moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from agents.admit import Ended
from agents.choose import Chosen, Dropped, choose
from schemas.records import FallbackPlanned, RequestDecided, SendTask
from schemas.words import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.answer import Case
    from agents.render_channels import Made
    from schemas.records import NotificationType, QuietHours

RULE = "type.fallback_after_s"


def is_awaited(case: Case, choice: Chosen) -> bool:
    """Whether a further channel may follow the messages of this one."""
    return case.admitted.kind.fallback_after_s is not None and bool(choice.reserve) and not case.is_fallback


def planned(case: Case, choice: Chosen, made: Sequence[Made], used: Sequence[str]) -> list[FallbackPlanned]:
    """The plan, when chosen channels got messages; where only a reserve channel did, it is used already."""
    sent = [one for one in made if isinstance(one, SendTask) and one.channel in choice.channels]
    after_s = case.admitted.kind.fallback_after_s
    if after_s is None or not sent or not is_awaited(case, choice):
        return []
    return [
        FallbackPlanned(
            request=case.request,
            message_ids=[task.message_id for task in sent],
            channels=list(used),
            after_ms=after_s * 1000,
            planned_at=case.now,
            expires_at=case.admitted.expires_at,
            quiet=sent[0].quiet,
        )
    ]


def put_off(plan: FallbackPlanned, until: int, quiet: QuietHours | None, now: int) -> FallbackPlanned:
    """The same plan in quiet hours that it did not know of: asked again when they end, at `until` (ms)."""
    return replace(plan, planned_at=now, after_ms=until - now, quiet=quiet)


def next_channels(case: Case, plan: FallbackPlanned) -> Chosen | Dropped:
    """Reserve channels that user and request allow and that had no message yet, in the type's order."""
    kind = case.admitted.kind
    choice = choose(kind, case.preferences)
    if isinstance(choice, Dropped):
        return choice
    allowed = {*choice.channels, *choice.reserve} - {*plan.channels}
    if case.request.channels is not None:
        allowed &= {*case.request.channels}
    left = tuple(channel for channel in dict.fromkeys(kind.fallback_channels) if channel in allowed)
    if not left:
        return Dropped(Reason.NO_CHANNEL_LEFT, choice.rule, choice.value)
    return Chosen((), left, choice.rule, choice.value)


def used_now(kind: NotificationType) -> Ended:
    """The decision when the next channel got a message."""
    return Ended(Outcome.ACCEPTED, Reason.NOT_SEEN_IN_TIME, RULE, str(kind.fallback_after_s))


def not_used(ended: Ended | Dropped) -> Ended:
    """The decision when it got none: what went out before stays accepted."""
    assert ended.reason is not None
    return Ended(Outcome.ACCEPTED, ended.reason, f"fallback.{ended.rule}", ended.value)


def after(row: RequestDecided, plan: FallbackPlanned) -> RequestDecided:
    """The row in place of the first decision's, whatever the clock of this worker says."""
    channels = list(dict.fromkeys([*plan.channels, *row.channels]))
    return replace(row, channels=channels, decided_at=max(row.decided_at, plan.planned_at + 1))
