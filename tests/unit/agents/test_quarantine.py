"""The quarantine stage: what is held, what goes, and what every worker is told."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents import quarantine as stage
from schemas.quarantine_words import Order, flow_key
from schemas.records import AnomalyEnded, AnomalyFound, RequestFreed
from tables.flows import BEHIND_MS, MINUTE_MS, Flow, State
from tests.flows import CODE, KEY, NAMED, SOURCE, TERMS, Task, aside, counted, due, ordered, request, task
from tests.requests import RESET, T0


async def test_a_new_flow_is_only_counted() -> None:
    new = Task()
    assert [] == await new.tell(counted(10_000))
    assert (State.OPEN, new.now + TERMS.grace_ms) == (new.flow.state, new.flow.judged_from)


@pytest.mark.spec("NS-SEC-032 NS-SEC-OP-07")
async def test_too_many_are_told_to_all_and_from_then_on_requests_wait() -> None:
    one = task()
    found = AnomalyFound(
        source=SOURCE, notification_type=CODE, since=one.now, count=61, average=6, is_held=True
    )
    assert [found] == await one.tell(counted(61))
    assert [due(one.now + stage.TELL_MS)] == await one.tell(aside(1), aside(2))
    assert [request(1), request(2)] == [row for row, _ in one.held.rows.values()]
    assert 2 == one.flow.waiting


async def test_reports_of_two_workers_add_up() -> None:
    one = task()
    assert [] == await one.tell(counted(60, worker="a"))
    told = await one.tell(counted(1, worker="b"))
    assert [61] == [each.count for each in told]


@pytest.mark.spec("NS-SEC-OP-07")
async def test_a_mandatory_type_is_told_and_not_held() -> None:
    one = Task()
    key = flow_key(SOURCE, RESET.code)
    one.flows.put(key, Flow(average=6.0, learned=60))
    found, again = await one.tell(counted(61, notification_type=RESET.code))
    assert (False, RESET.code) == (found.is_held, found.notification_type)
    assert one.now + MINUTE_MS == again.due_at
    one.now += 2 * MINUTE_MS
    over = replace(again, due_at=one.now)
    assert [AnomalyEnded(source=SOURCE, notification_type=RESET.code)] == await one.tell(over)


async def test_nothing_is_held_where_only_an_alert_is_wanted() -> None:
    one = task()
    one.terms = TERMS._replace(holds=False)
    found, _ = await one.tell(counted(61))
    assert not found.is_held


async def test_a_type_that_nobody_knows_leaves_no_row() -> None:
    one = Task()
    assert [] == await one.tell(counted(10_000, notification_type="made_up"))
    assert {} == one.flows.rows


async def test_what_comes_of_a_flow_that_is_open_goes_back_at_once() -> None:
    """A recipient task hears of a release a moment late."""
    one = task()
    assert [RequestFreed(request=request(1))] == await one.tell(aside(1))
    assert {} == one.held.rows


@pytest.mark.spec("NS-SEC-OP-07")
async def test_what_is_released_goes_in_the_order_of_its_coming_and_the_hold_ends_behind_it() -> None:
    one = task(state=State.HELD)
    await one.tell(*(aside(number) for number in range(5)))
    told = await one.tell(ordered(Order.RELEASE), aside(5))
    freed = [RequestFreed(request=request(number)) for number in range(6)]
    end = due(one.now + BEHIND_MS)
    assert [*freed, end] == told
    assert ({}, 0) == (one.held.rows, one.flow.waiting)
    one.now = end.due_at
    assert [AnomalyEnded(**NAMED)] == await one.tell(end)
    assert State.OPEN == one.flow.state


@pytest.mark.spec("NS-SEC-OP-07")
async def test_what_comes_right_after_a_release_goes_behind_it_and_only_then_is_the_end_told() -> None:
    """A recipient task that lags would else let it overtake. Mutation tried: the end is told at once."""
    one = task(state=State.HELD)
    await one.tell(aside(1))
    await one.tell(ordered(Order.RELEASE))
    one.now += BEHIND_MS - 1
    assert [RequestFreed(request=request(2))] == await one.tell(counted(5), aside(2))
    assert {} == one.held.rows


async def test_a_long_row_goes_step_by_step_and_what_comes_meanwhile_goes_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mutations tried: the hold ends with the first step: 5 overtakes; no timer: the rest stays."""
    monkeypatch.setattr(stage, "STEP", 2)
    one = task(state=State.HELD)
    await one.tell(*(aside(number) for number in range(5)))
    first = await one.tell(ordered(Order.RELEASE))
    assert [*(RequestFreed(request=request(n)) for n in (0, 1)), due(one.now + 1)] == first
    one.now += 1
    second = await one.tell(due(one.now), aside(5))
    one.now += 1
    third = await one.tell(due(one.now))
    freed = [each.request for each in (*second, *third) if isinstance(each, RequestFreed)]
    assert [request(n) for n in (2, 3, 4, 5)] == freed
    assert due(one.now + BEHIND_MS) == third[-1]


@pytest.mark.spec("NS-SEC-OP-07")
async def test_what_is_rejected_ends_and_the_hold_goes_on() -> None:
    one = task(state=State.HELD)
    await one.tell(aside(1), aside(2))
    told = await one.tell(ordered(Order.REJECT))
    freed = [each for each in told if isinstance(each, RequestFreed)]
    assert [RequestFreed(request=request(n), is_rejected=True) for n in (1, 2)] == freed
    assert not [each for each in told if isinstance(each, AnomalyEnded)]
    await one.tell(aside(3))
    assert (State.HELD, 1) == (one.flow.state, one.flow.waiting)


async def test_what_waited_too_long_goes_to_be_told_as_expired_and_the_rest_waits_on() -> None:
    """Mutation tried: no timer for the first end: it waits for ever."""
    one = task(state=State.HELD, told=2, told_at=0)
    soon = one.now + 500
    assert [due(soon)] == await one.tell(aside(1), aside(2, soon))
    one.now = soon
    freed, told, again = await one.tell(due(soon))
    assert RequestFreed(request=request(2), is_expired=True) == freed
    assert (True, 1) == (told.is_held, told.waiting)
    assert due(T0 + 86_400_000) == again


async def test_how_many_wait_is_told_now_and_then() -> None:
    one = task(state=State.HELD)
    one.flows.put(KEY, replace(one.flow, told_at=one.now))
    assert [due(one.now + stage.TELL_MS)] == await one.tell(aside(1))
    assert [] == await one.tell(aside(2))
    one.now += stage.TELL_MS
    told, again = await one.tell(due(one.now))
    assert (2, T0 + 86_400_000) == (told.waiting, again.due_at)


async def test_an_approval_of_a_flow_that_nobody_knew_is_kept_until_it_ends() -> None:
    one = Task()
    until = one.now + 90 * 86_400_000
    await one.tell(ordered(Order.APPROVE, until))
    row, expires_at = one.flows.rows[KEY]
    assert until == row.judged_from
    assert expires_at is not None
    assert expires_at > until


async def test_a_flow_that_is_held_is_never_forgotten() -> None:
    one = task()
    await one.tell(counted(61))
    assert one.flows.rows[KEY][1] is None
