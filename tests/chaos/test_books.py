"""The checker of the chaos run finds what is out of order, and what goes back."""

from __future__ import annotations

import pytest

from examples.accounts.compare import Check
from examples.accounts.found import MessageRow, RequestRow
from tests.chaos.books import balance, goes_back, overtaken, wanted
from tests.chaos.feed import Fed
from tests.chaos.shelf import Attempt, Shelf

USER = "8660194d-0f93-4b05-8977-8fb7091489c2"


def request(number: int, offset: int) -> Fed:
    """One request of the user, acknowledged at this offset."""
    value = {
        "user_id": USER,
        "notification_type": "refund",
        "idempotency_key": f"k{number}",
        "data": {"OrderNumber": "R-1", "Amount": 5},
    }
    line = {"to": "kafka", "topic": "notification.send.request", "key": USER, "headers": {}, "value": value}
    return Fed(number, line, float(number), ("notification.send.request", 0, offset))


def called(*order: int) -> tuple[list[Fed], Shelf]:
    """Three requests, and their messages in the order in which a provider saw them."""
    shelf, topic = Shelf(), "notification.send.request"
    for number in (1, 2, 3):
        key = (topic, USER, f"k{number}")
        shelf.found.requests.append(RequestRow(f"r{number}", key, "normal", "accepted", None))
        shelf.found.messages.append(MessageRow(f"m{number}", f"r{number}", "email", "sent", None))
    shelf.attempts = [
        Attempt(seq, float(seq), f"m{number}", "email", "one@example.com") for seq, number in enumerate(order)
    ]
    return [request(number, number) for number in (1, 2, 3)], shelf


def out_of_order(fed: list[Fed], shelf: Shelf) -> Check:
    return next(one for one in balance(wanted(fed), fed, shelf) if "out of order" in one.name)


def test_calls_in_the_order_of_the_log_are_in_order() -> None:
    fed, shelf = called(1, 2, 3)
    assert [] == overtaken(fed, shelf)


def test_a_first_attempt_after_that_of_a_later_record_is_found() -> None:
    fed, shelf = called(2, 1, 3)
    assert ["m1"] == [late[0] for late in overtaken(fed, shelf)]
    assert 1 == out_of_order(fed, shelf).got.total()


def test_a_repeated_call_is_no_first_attempt() -> None:
    fed, shelf = called(1, 2, 1, 3)
    assert [] == overtaken(fed, shelf)


def test_what_is_late_after_a_listed_attempt_is_listed() -> None:
    fed, shelf = called(2, 1, 3)
    shelf.found.logs["m1", "unknown"] = 1
    assert ["m1"] == [late[0] for late in overtaken(fed, shelf)]
    assert 0 == out_of_order(fed, shelf).got.total()


def test_other_addresses_have_an_order_of_their_own() -> None:
    fed, shelf = called(2, 1, 3)
    shelf.attempts[0] = Attempt(0, 0.0, "m2", "email", "two@example.com")
    assert [] == overtaken(fed, shelf)


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        (("pending", "sent", "delivered"), False),
        (("pending", "unknown", "retrying", "unknown", "sent"), False),
        (("pending", "sent", "unknown"), True),
        (("sent", "pending"), True),
    ],
)
def test_a_status_below_an_earlier_one_goes_back(statuses: tuple[str, ...], found: bool) -> None:
    assert found == goes_back(statuses)
