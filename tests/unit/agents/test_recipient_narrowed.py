"""The recipient stage: requests that name their channels."""

from __future__ import annotations

from msgspec.structs import replace

from tests.requests import PHONES, REGISTERED, REQUEST, T0, Desk, decision, ending, tasks, timer


async def test_a_request_restricts_its_channels_and_reserve_channels(desk: Desk) -> None:
    answered = await desk.tell(REGISTERED, PHONES, replace(REQUEST, channels=["email", "sms"]))
    assert ["email"] == decision(answered).channels == [task.channel for task in tasks(answered)]
    reset = replace(REQUEST, notification_type="password_reset", idempotency_key="2", channels=["sms"])
    nobody = await desk.tell(replace(REGISTERED, phone=b"", changed_at=T0), reset)
    assert "contact" == timer(nobody).waited_for  # its reserve channel, e-mail, is not asked for


async def test_a_request_whose_channels_leave_none_is_skipped_by_its_own_list(desk: Desk) -> None:
    answered = await desk.tell(REGISTERED, replace(REQUEST, channels=["sms"]))
    assert ("skipped", "no_channel_left", "request.channels", "sms") == ending(answered)
