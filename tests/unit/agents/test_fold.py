"""Of the changes of one batch delivery is told what it needs, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from agents.recipient import Memory, recipient
from schemas.ids import subject_key
from schemas.records import Vetoed
from tests.fakes import FakeEvent, FakeStream, MemoryOutside, MemoryTable
from tests.requests import REGISTERED, T0, USER, chosen

if TYPE_CHECKING:
    from agents.recipient import Input


async def vetoes(*changes: Input) -> list[Vetoed]:
    """Those of one batch."""
    stream = FakeStream([FakeEvent(value, subject_key(USER)) for value in changes], T0)
    memory = Memory(*(MemoryTable[bytes, Any]() for _ in Memory.__struct_fields__))
    return [one async for one in recipient(stream, memory, MemoryOutside()) if isinstance(one, Vetoed)]


async def test_a_screen_with_many_boxes_is_one_veto() -> None:
    """Each has all choices, for three channels. Mutation: one for each change."""
    off: dict[str, Any] = {"kind": "type", "channels": [], "is_enabled": False}
    (veto,) = await vetoes(*(chosen(notification_type=code, **off) for code in ("a", "b", "c")))
    assert ["a", "b", "c"] == sorted(veto.types)


async def test_a_veto_that_a_later_change_of_its_batch_takes_back_is_told_too() -> None:
    """Mutation: the last one alone: what waited when he left is sent."""
    first, last = await vetoes(
        chosen(kind="unsubscribed", channel="email"),
        chosen(kind="resubscribed", channel="email", changed_at=T0),
        chosen(kind="unsubscribed", channel="push"),
    )
    assert (True, False) == (first.unsubscribed["email"].is_on, last.unsubscribed["email"].is_on)
    assert first.version < last.version


async def test_users_and_scopes_are_told_apart() -> None:
    """Mutation: a deletion is kept back like a choice, and a later choice takes its place."""
    off = chosen(kind="unsubscribed", channel="email", changed_at=T0 + 2)
    other = chosen(kind="unsubscribed", channel="email", user_id="another")
    gone: dict[str, Any] = {"action": "deleted", "email": None, "phone": None, "changed_at": T0}
    back = replace(REGISTERED, changed_at=T0 + 1)
    told = await vetoes(REGISTERED, replace(REGISTERED, **gone), back, off, other)
    assert {(USER, "user"), (USER, "choices"), ("another", "choices")} == {
        (veto.user_id, veto.scope) for veto in told
    }
    assert 3 == len(told)
