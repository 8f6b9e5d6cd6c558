"""Questions: which of Account Service are one, in what order they come back; where those of receipts lie."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.codec import SchemaBook
from schemas.records import ContactsAsked, ReceiptsAsked
from streams.routes import contacts_call, nobody_asks, posted_by
from streams.settings import Settings
from streams.wiring import Reading
from tests.requests import REQUEST, T0


async def never() -> bool:
    """Nothing has to be learned."""
    return True


ROUTE = contacts_call(Settings(), Reading(SchemaBook(), never), nobody_asks)


def asked(offset: int, at: int = T0) -> ContactsAsked:
    return ContactsAsked(request=replace(REQUEST, origin=f"a.topic/0/{offset}", received_at=at))


def test_questions_that_a_crash_hid_come_back_in_the_order_of_their_requests() -> None:
    """The engine gives them by their ids. Mutation: the id begins with the origin: 10 is before 9."""
    calls = [asked(11, T0 - 1), asked(9), asked(10), asked(2, T0 + 1)]
    assert calls == sorted(calls, key=ROUTE.id)
    assert len(calls) == len({ROUTE.id(call) for call in calls})


def test_a_question_after_a_wait_is_another_one_of_the_same_row_of_waiters() -> None:
    first, second = asked(9), replace(asked(9), waited_for="account")
    assert ROUTE.id(first) != ROUTE.id(second)
    assert ROUTE.key(first) == ROUTE.key(second)
    assert ROUTE.key(first) != ROUTE.key(replace(first, request=replace(first.request, lane="low")))


def test_a_question_lies_where_http_puts_the_posts_of_its_provider() -> None:
    asked_of = ReceiptsAsked(user_id="u", wait_id="00", providers=["mail", "other"])
    assert b"mail" == posted_by(asked_of)
