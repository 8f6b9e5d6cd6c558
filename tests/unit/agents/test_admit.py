"""May a request be carried out at all, and now."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.admit import Admitted, Ended, Later, admit, admit_again
from schemas.words import Outcome, Reason, WaitedFor
from tables.requests import Taken
from tests.requests import DAY, ORDER, REQUEST, SECOND, T0

FIRST = Taken(request_id="first", taken_at=T0 - SECOND)
UNKNOWN = Ended(Outcome.REJECTED, Reason.UNKNOWN_TYPE, "types", "order_confirmation")


def test_a_request_goes_on_until_its_time_to_live() -> None:
    assert Admitted(ORDER, T0 + DAY) == admit(REQUEST, ORDER, None, T0)


def test_a_repeat_names_the_first() -> None:
    assert Ended(Outcome.REPEATED, Reason.DUPLICATE, "requests", "first") == admit(REQUEST, ORDER, FIRST, T0)


@pytest.mark.spec("NS-SND-012")
def test_an_unknown_type_is_refused() -> None:
    assert UNKNOWN == admit(REQUEST, None, None, T0)
    assert UNKNOWN == admit_again(REQUEST, None, T0)


def test_a_time_that_cannot_be_meant_is_refused_before_anything_else() -> None:
    wrong = replace(REQUEST, problem="invalid_time")
    assert Ended(Outcome.REJECTED, Reason.INVALID_TIME, "request.scheduled_at", "") == admit(
        wrong, None, FIRST, T0
    )


@pytest.mark.spec("NS-SEC-OP-06")
@pytest.mark.parametrize("allowed", [["shop"], ["kiosk", "shop"], []])
def test_an_allowed_sender_passes(allowed: list[str]) -> None:
    assert isinstance(admit(REQUEST, replace(ORDER, allowed_senders=allowed), None, T0), Admitted)


@pytest.mark.spec("NS-SEC-031 NS-SEC-OP-06")
def test_another_sender_is_refused() -> None:
    kind = replace(ORDER, allowed_senders=["auth-service"])
    expected = Ended(Outcome.REJECTED, Reason.SENDER_NOT_ALLOWED, "type.allowed_senders", "shop")
    assert expected == admit(REQUEST, kind, None, T0)


@pytest.mark.spec("NS-SEC-OP-06")
def test_a_topic_is_allowed_by_where_the_record_lay_and_not_by_a_word() -> None:
    """Mutation tried: the header asked for topics, too: whoever writes anywhere passes."""
    kind = replace(ORDER, allowed_senders=["topic:auth.events"])
    event = replace(REQUEST, source="who-knows", origin="auth.events/3/17")
    assert isinstance(admit(event, kind, None, T0), Admitted)
    claimed = replace(REQUEST, source="topic:auth.events", origin="notification.send.request/3/17")
    refused = Ended(Outcome.REJECTED, Reason.SENDER_NOT_ALLOWED, "type.allowed_senders", "topic:auth.events")
    assert refused == admit(claimed, kind, None, T0)


@pytest.mark.spec("NS-EVT-OP-03")
@pytest.mark.parametrize(("age", "is_late"), [(DAY - 1, False), (DAY, True), (400 * DAY, True)])
def test_an_old_request_expires_even_if_it_is_a_repeat(age: int, is_late: bool) -> None:
    verdict = admit(replace(REQUEST, occurred_at=T0 - age), ORDER, FIRST if is_late else None, T0)
    late = Ended(Outcome.EXPIRED, Reason.TOO_LATE, "type.ttl_s", "86400")
    assert (late if is_late else Admitted(ORDER, T0 - age + DAY)) == verdict


def test_a_request_for_later_comes_back() -> None:
    request = replace(REQUEST, scheduled_at=T0 + 1)
    assert Later(T0 + 1, WaitedFor.SCHEDULED) == admit(request, ORDER, None, T0)
    assert Admitted(ORDER, T0 + 1 + DAY) == admit_again(request, ORDER, T0 + 1)


def test_a_time_in_the_past_means_now() -> None:
    request = replace(REQUEST, scheduled_at=T0 - 5 * DAY)
    assert Admitted(ORDER, T0 + DAY) == admit(request, ORDER, None, T0)


def test_a_repeat_of_a_request_for_later_is_told_at_once() -> None:
    verdict = admit(replace(REQUEST, scheduled_at=T0 + DAY), ORDER, FIRST, T0)
    assert isinstance(verdict, Ended)
    assert Outcome.REPEATED == verdict.outcome


def test_time_to_live_counts_from_the_planned_time() -> None:
    request = replace(REQUEST, scheduled_at=T0 + 30 * DAY)
    assert isinstance(admit_again(request, ORDER, T0 + 31 * DAY - 1), Admitted)
    assert isinstance(admit_again(request, ORDER, T0 + 31 * DAY), Ended)
