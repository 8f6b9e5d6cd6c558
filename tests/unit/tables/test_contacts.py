"""What is known of a user, from facts in any order."""

from __future__ import annotations

import pytest

from tables.contacts import HIMSELF, Address, Contacts

OLD = Address(sealed=b"old", is_valid=True)
NEW = Address(sealed=b"new", is_valid=True)


def test_a_channel_has_its_addresses() -> None:
    known = Contacts(email=OLD, devices=[OLD, NEW])
    found = {channel: known.addresses(channel) for channel in ("email", "sms", "push", "in_app")}
    assert {"email": [OLD], "sms": [], "push": [OLD, NEW], "in_app": [HIMSELF]} == found
    assert [NEW] == Contacts(phone=NEW).addresses("sms")
    assert [] == Contacts(deleted_at=1).addresses("in_app")


@pytest.mark.spec("NS-EVT-OP-07")
def test_a_newer_fact_replaces_and_an_older_does_not() -> None:
    known = Contacts().merge({"email": OLD}, 10)
    assert NEW == known.merge({"email": NEW}, 11).email
    assert OLD == known.merge({"email": NEW}, 9).email


def test_fields_have_each_their_own_time() -> None:
    known = Contacts().merge({"email": NEW}, 20).merge({"email": OLD, "phone": OLD, "language": "en"}, 10)
    assert (NEW, OLD, "en") == (known.email, known.phone, known.language)


def test_a_removed_address_stays_removed_for_an_older_fact() -> None:
    known = Contacts().merge({"email": OLD}, 10).merge({"email": None, "devices": None}, 20)
    assert (None, []) == (known.email, known.devices)
    assert known.merge({"email": OLD}, 15).email is None


def test_a_fact_that_states_nothing_new_changes_nothing() -> None:
    known = Contacts(email_at=10)
    assert known is known.merge({"email": OLD}, 9)
    assert known is known.merge({}, 99)


@pytest.mark.spec("NS-EVT-OP-07 NS-SEC-OP-02")
def test_a_deletion_empties_everything() -> None:
    known = Contacts().register(5).merge({"email": OLD, "language": "ru", "devices": [OLD]}, 30).delete(20)
    assert known.is_deleted
    assert (None, None, []) == (known.email, known.language, known.devices)


@pytest.mark.parametrize("at", [15, 25])
def test_nothing_personal_is_kept_of_a_deleted_user(at: int) -> None:
    known = Contacts().delete(20).merge({"email": OLD, "devices": [OLD]}, at)
    assert (None, []) == (known.email, known.devices)


def test_a_later_registration_brings_a_user_back() -> None:
    known = Contacts().merge({"email": OLD}, 10).delete(20).register(30).merge({"phone": NEW}, 30)
    assert not known.is_deleted
    assert (None, NEW) == (known.email, known.phone)
    assert known.merge({"email": OLD}, 15).email is None


def test_a_late_deletion_does_not_touch_what_is_newer() -> None:
    known = Contacts().merge({"email": OLD}, 10).register(30).merge({"phone": NEW}, 30).delete(20)
    assert not known.is_deleted
    assert (None, NEW) == (known.email, known.phone)


def test_what_a_deletion_emptied_is_missing_again_when_the_user_comes_back() -> None:
    """Mutation: the time of the deletion counts as stated: his phone is never asked for again."""
    back = Contacts().merge({"phone": OLD}, 10).delete(20).register(30).merge({"email": NEW}, 30)
    assert [False, True] == [back.is_missing(name, 31, 100) for name in ("email", "phone")]
    known = back.asked({"email": OLD, "phone": NEW}, 40)
    assert (NEW, NEW) == (known.email, known.phone)
    removed = back.merge({"phone": None}, 35)
    assert not removed.is_missing("phone", 36, 100)


def test_an_answer_of_before_a_deletion_is_no_reason_not_to_ask_again() -> None:
    """Mutation: `delete` keeps `asked_at`."""
    back = Contacts().asked({"phone": OLD}, 10).delete(20).register(30)
    assert back.phone is None
    assert back.is_missing("phone", 31, 100)


def test_a_late_deletion_leaves_what_account_service_said_since() -> None:
    """Mutation: it is emptied, with a time, and never asked for again."""
    asked = Contacts().register(30).asked({"phone": NEW}, 40)
    assert NEW == asked.delete(20).phone
    before = Contacts().asked({"phone": OLD}, 10).register(30)
    assert before.delete(20).phone is None
