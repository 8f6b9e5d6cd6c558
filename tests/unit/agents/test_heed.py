"""Right before the call: what was forbidden while the message waited ends it, with the rule that decided."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.begin import Outcome
from agents.deliver import deliver
from agents.forbid import cancel
from agents.heed import Memory, heed, remember
from schemas.records import (
    AttemptEnded,
    CancelAsked,
    ChosenType,
    NotificationType,
    Provider,
    ProviderCall,
    RetryDue,
    SendTask,
    Switch,
    Vetoed,
)
from tables.vetoes import Vetoes
from tests.calls import words
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import DAY, T0, TASK, called

KIND = NotificationType(
    code=TASK.notification_type, title="", category="social", default_channels=["email"], template_name="t"
)
PROMO = replace(TASK, category="marketing")
ON = Switch(is_on=True, at=T0)
OFF = Switch(is_on=False, at=T0)
CONSENT = {"marketing/": ON}
CANCEL = CancelAsked(
    request_id=TASK.request_id, source=TASK.source, user_id=TASK.user_id, asked_at=T0, received_at=T0
)
MAIL = Provider(name="first", channel_type="email", kind="smtp")


def vetoed(version: int = 1, **choices: Any) -> Vetoed:
    return Vetoed(
        user_id=TASK.user_id, scope="choices", at=T0, expires_at=T0 + DAY, version=version, **choices
    )


def chosen(*channels: str, is_enabled: bool = True) -> dict[str, ChosenType]:
    return {TASK.notification_type: ChosenType(channels=[*channels], is_enabled=is_enabled, at=T0)}


def memory(*vetoes: Vetoed) -> Memory:
    made = Memory(MemoryTable(), MemoryTable())
    for veto in vetoes:
        remember(veto, made)
    return made


def heeded(task: SendTask, *vetoes: Vetoed, is_mandatory: bool = False) -> Outcome:
    reference = MemoryReference(types=[replace(KIND, is_mandatory=is_mandatory)])
    return heed(ProviderCall(task=task, provider="first"), memory(*vetoes), reference, T0)


def ending(task: SendTask, *vetoes: Vetoed, is_mandatory: bool = False) -> tuple[str, str | None, str | None]:
    found = heeded(task, *vetoes, is_mandatory=is_mandatory)
    if isinstance(found, ProviderCall):
        return "called", None, None
    assert isinstance(found, AttemptEnded)
    return found.status, found.reason, found.detail


@pytest.mark.parametrize(
    ("veto", "reason", "detail"),
    [
        ({"unsubscribed": {"email": ON}}, "unsubscribed_channel", "preferences.unsubscribed = email"),
        (
            {"types": chosen("email", is_enabled=False)},
            "type_disabled",
            "preferences.is_enabled = order_confirmation",
        ),
        ({"types": chosen("push")}, "channel_not_allowed", "preferences.allowed_channels = email"),
    ],
)
def test_what_waits_is_skipped_by_the_rule_that_decided(veto: Any, reason: str, detail: str) -> None:
    assert ("skipped", reason, detail) == ending(TASK, vetoed(**veto))
    assert ("called", None, None) == ending(TASK, vetoed(**veto), is_mandatory=True)


def test_advertising_ends_with_the_consent_or_with_the_unsubscribe_from_all_of_it() -> None:
    assert ("skipped", "no_consent", "preferences.consent = email") == ending(PROMO, vetoed())
    all_off = vetoed(consents=CONSENT, unsubscribed={"all_marketing": ON})
    assert "unsubscribed_all_marketing" == ending(PROMO, all_off)[1]
    assert "called" == ending(PROMO, vetoed(consents=CONSENT, unsubscribed={"all_marketing": OFF}))[0]
    assert "called" == ending(TASK, all_off)[0]


def test_a_message_made_under_newer_choices_goes() -> None:
    """Mutation: compare by <=, or by a clock."""
    off = vetoed(3, unsubscribed={"email": ON})
    versions = {
        version: ending(replace(TASK, preferences_version=version), off)[0] for version in (0, 2, 3, 4)
    }
    assert {0: "skipped", 2: "skipped", 3: "called", 4: "called"} == versions


def test_an_older_veto_never_takes_the_place_of_a_newer_one() -> None:
    newer, older = vetoed(3, types=chosen("email")), vetoed(2, unsubscribed={"email": ON})
    assert "called" == ending(TASK, newer, older)[0]
    assert "skipped" == ending(TASK, older)[0]


def test_nothing_of_an_erased_user_is_sent_not_even_what_is_mandatory() -> None:
    gone = replace(vetoed(2), scope="user")
    assert ("cancelled", "user_erased") == ending(TASK, gone, is_mandatory=True)[:2]
    assert "called" == ending(replace(TASK, preferences_version=2), gone)[0]
    assert "user_erased" == ending(TASK, gone, vetoed(3, types=chosen("email")))[1]


def test_a_cancelled_request_is_not_sent_and_others_are() -> None:
    gone = cancel(CANCEL, T0)
    assert ("cancelled", "request_cancelled") == ending(TASK, gone, is_mandatory=True)[:2]
    assert "called" == ending(replace(TASK, request_id="another"), gone)[0]


def test_a_cancel_of_another_service_stops_nothing() -> None:
    assert "called" == ending(TASK, cancel(replace(CANCEL, source="another"), T0))[0]


def test_a_cancel_by_a_worker_whose_clock_is_behind_stops_the_message_all_the_same() -> None:
    """The user's task has moved in between. Mutation: no time for that."""
    ahead = replace(TASK, created_at=T0 + 30_000)
    assert "request_cancelled" == ending(ahead, cancel(CANCEL, T0))[1]


def test_an_id_that_is_used_again_after_its_cancel_is_sent() -> None:
    again = replace(TASK, created_at=T0 + DAY)
    assert "called" == ending(again, cancel(CANCEL, T0))[0]
    both = (cancel(CANCEL, T0 + DAY), cancel(CANCEL, T0))
    assert "request_cancelled" == ending(again, *both)[1]


def test_what_may_have_arrived_stays_unknown() -> None:
    hidden = replace(TASK, attempt=2, epoch=1, unknown_policy="repeat")
    assert ("unknown", "unsubscribed_channel") == ending(hidden, vetoed(unsubscribed={"email": ON}))[:2]


def test_a_question_sends_nothing_and_is_put() -> None:
    asked = ProviderCall(task=TASK, provider="first", ask=True)
    off = memory(vetoed(unsubscribed={"email": ON}))
    assert asked == heed(asked, off, MemoryReference(), T0)


def test_a_veto_is_forgotten_when_nothing_it_means_can_wait() -> None:
    kept = memory(vetoed(unsubscribed={"email": ON}), cancel(CANCEL, T0))
    ends: list[Any] = [*kept.vetoes.rows.values(), *kept.cancelled.rows.values()]  # type: ignore[attr-defined]
    assert all(expires_at is not None for _, expires_at in ends)


def test_an_erasure_takes_along_what_the_user_chose() -> None:
    gone = replace(vetoed(2), scope="user")
    (row,) = memory(vetoed(1, types=chosen("push")), gone).vetoes.rows.values()  # type: ignore[attr-defined]
    assert Vetoes(erased=2) == row[0]


@pytest.mark.parametrize(
    "value",
    [
        TASK,
        RetryDue(task=replace(TASK, attempt=2), due_at=T0),
        called(TASK, "temporary"),
        called(TASK, "hidden"),
        called(TASK, "lapsed"),
    ],
    ids=["first", "timer", "next provider", "repeat", "lapsed"],
)
async def test_every_way_to_a_call_is_closed(value: Any) -> None:
    """Mutation: check in `begin` only: the next provider and the repeat go out."""
    second = replace(MAIL, name="second")
    reference = MemoryReference(types=[KIND], active=[MAIL, second])
    events = [FakeEvent(vetoed(unsubscribed={"email": ON})), FakeEvent(value)]
    stream, kept = FakeStream(events, now=T0), Memory(MemoryTable(), MemoryTable())
    outcomes = [outcome async for outcome in deliver(stream, kept, reference)]
    assert [] == [one for one in outcomes if isinstance(one, ProviderCall)]
    assert "unsubscribed_channel" == words(outcomes)[-1][1]
