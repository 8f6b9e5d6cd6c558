"""What a user chose."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.records import ChosenType, PreferenceChanged
from tables.preferences import Preferences
from tests.requests import chosen

CHOICE = chosen(kind="type", notification_type="refund", channels=["email"], changed_at=10)
STOP = chosen(kind="unsubscribed", channel="sms", changed_at=10)
BACK = replace(STOP, kind="resubscribed")
GRANT = chosen(kind="consent_granted", purpose="marketing", changed_at=10)
REVOKE = replace(GRANT, kind="consent_revoked")


def after(*changes: PreferenceChanged) -> Preferences:
    known = Preferences()
    for change in changes:
        known = known.merge(change)
    return known


def later(change: PreferenceChanged, at: int = 20) -> PreferenceChanged:
    return replace(change, changed_at=at)


def test_nothing_is_chosen_at_first() -> None:
    known = Preferences()
    assert known.choice("refund") is None
    assert not known.is_unsubscribed("sms")
    assert not known.consents_to("marketing", "sms")


def test_the_newest_choice_of_a_type_is_in_force() -> None:
    known = after(later(replace(CHOICE, channels=["push"])), CHOICE)
    assert ChosenType(channels=["push"], is_enabled=True, at=20) == known.choice("refund")


def test_of_two_choices_at_the_same_time_the_later_in_the_log_counts() -> None:
    off = replace(CHOICE, is_enabled=False)
    for order in ((off, CHOICE), (CHOICE, off)):
        choice = after(*order).choice("refund")
        assert choice is not None
        assert order[-1].is_enabled is choice.is_enabled


@pytest.mark.parametrize(
    ("changes", "is_off"),
    [
        ([STOP], True),
        ([STOP, later(BACK)], False),
        ([later(BACK), STOP], False),
        ([STOP, BACK], False),
        ([BACK, STOP], True),
        ([STOP, later(BACK), later(STOP, 30)], True),
    ],
)
def test_the_newest_word_about_a_channel_counts(changes: list[PreferenceChanged], is_off: bool) -> None:
    assert is_off is after(*changes).is_unsubscribed("sms")


@pytest.mark.spec("NS-DATA-OP-07")
@pytest.mark.parametrize(
    ("changes", "consents"),
    [
        ([GRANT], True),
        ([GRANT, later(REVOKE)], False),
        ([later(REVOKE), GRANT], False),
        ([GRANT, REVOKE], False),
        ([REVOKE, GRANT], True),
        ([GRANT, later(replace(REVOKE, channel="sms"))], False),
        ([later(GRANT), replace(REVOKE, channel="sms")], True),
        ([replace(GRANT, channel="sms"), later(REVOKE)], False),
        ([GRANT, replace(REVOKE, channel="sms")], False),
        ([replace(GRANT, channel="email")], False),
        ([replace(GRANT, purpose="research")], False),
        ([replace(GRANT, purpose=None)], True),
    ],
)
def test_the_newest_word_on_a_channel_or_on_all_of_them_is_the_consent(
    changes: list[PreferenceChanged], consents: bool
) -> None:
    assert consents is after(*changes).consents_to("marketing", "sms")


def test_an_older_fact_changes_nothing_and_the_same_fact_nothing_more() -> None:
    known = after(CHOICE, STOP, GRANT)
    for change in (CHOICE, STOP, GRANT):
        assert known is known.merge(replace(change, changed_at=9))
        assert known == known.merge(change)


def test_a_kind_outside_the_list_is_a_defect() -> None:
    with pytest.raises(ValueError, match="mood"):
        Preferences().merge(chosen(kind="mood"))
