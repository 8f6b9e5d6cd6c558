"""A device that goes off: what delivery is told, so that pushes made before do not come up there."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.records import Vetoed
from tables.vetoes import Vetoes
from tests.requests import T0, USER, Desk, chosen, tasks
from tests.unit.agents.test_equip import PUSH, of, played, registered, said


async def test_pushes_that_wait_for_a_device_that_went_off_are_forbidden_and_later_ones_are_not(
    desk: Desk,
) -> None:
    """NS-DATA-OP-10. Mutation: no veto: what waits reaches the next owner's screen."""
    await played(desk, registered("one"), registered("two"))
    before = tasks(await desk.tell(PUSH))
    (veto,) = of(Vetoed, await desk.tell(said("moved", T0 + 1)))
    assert (USER, "device", registered("one").device_id) == (veto.user_id, veto.scope, veto.device_id)
    await played(desk, registered("one", at=T0 + 2))
    again = replace(PUSH, request_id="k", idempotency_key="k", origin="t/0/k")
    after = tasks(await desk.tell(again))
    vetoes = Vetoes().merge(veto)
    assert [True, False, False, False] == [vetoes.silences(task) for task in (*before, *after)]


async def test_a_veto_of_a_device_has_the_choices_for_delivery_stages_of_before(desk: Desk) -> None:
    """They take it for a change of choices. Mutation: none: what the user left would be sent again."""
    await desk.tell(chosen(kind="unsubscribed", channel="email"))
    await played(desk, registered())
    (veto,) = of(Vetoed, await desk.tell(said("refused", T0 + 1)))
    assert veto.unsubscribed["email"].is_on


async def test_a_device_that_is_off_already_forbids_nothing_once_more(desk: Desk) -> None:
    await played(desk, registered(), said("switched", T0 + 1, is_active=False))
    assert [] == await desk.tell(said("refused", T0 + 2))
