"""Magic recipients and scripts, without a server."""

from __future__ import annotations

import pytest

from connectors.fake.judge import Call, End, Word, judged
from connectors.fake.scripts import Script, Scripts


def call(channel: str, recipient: str, account: str = "main") -> Call:
    return Call(channel, account, recipient, "m-1:0", "m-1")


@pytest.mark.parametrize(
    ("channel", "recipient", "word"),
    [
        ("email", "anna@example.com", Word.ACCEPTED),
        ("email", "bounce@example.com", Word.ACCEPTED),
        ("email", "delivered@carillon.test", Word.ACCEPTED),
        ("email", "Bounce+17@Carillon.Test", Word.INVALID_RECIPIENT),
        ("email", "429@carillon.test", Word.RATE_LIMITED),
        ("email", "flaky+1@carillon.test", Word.UNAVAILABLE),
        ("email", "stranger@carillon.test", Word.ACCEPTED),
        ("sms", "+79161234567", Word.ACCEPTED),
        ("sms", "+79000000000", Word.DELIVERED),
        ("sms", "+79000000199", Word.INVALID_RECIPIENT),
        ("sms", "+79000000401", Word.RATE_LIMITED),
        ("sms", "+79000000501", Word.UNAVAILABLE),
        ("sms", "+79000000601", Word.ACCEPTED),
        ("push", "f3a9c1", Word.ACCEPTED),
        ("push", "bounce-f3a9c1", Word.UNREGISTERED),
        ("push", "429-f3a9c1", Word.RATE_LIMITED),
    ],
)
def test_recipient_decides_the_first_reaction(channel: str, recipient: str, word: Word) -> None:
    assert word == judged(call(channel, recipient), 0).word


@pytest.mark.parametrize("recipient", ["429@carillon.test", "flaky@carillon.test"])
def test_second_call_of_the_same_key_is_taken(recipient: str) -> None:
    assert judged(call("email", recipient), 1).taken


def test_timeout_takes_the_message_and_hangs() -> None:
    reaction = judged(call("email", "timeout+3@carillon.test"), 0)
    assert (True, End.HANG) == (reaction.taken, reaction.end)


def test_script_acts_as_often_as_it_says_on_calls_that_match() -> None:
    scripts = Scripts()
    scripts.add(Script(fault="refuse", times=2, channel="sms", account="main"))
    calls = [
        call("email", "a@example.com"),
        call("sms", "+1"),
        call("sms", "+1", "reserve"),
        call("sms", "+2"),
        call("sms", "+3"),
    ]
    assert [False, True, False, True, False] == [scripts.react(one) is not None for one in calls]
    assert scripts.rules() == []


def test_first_matching_script_acts_and_one_without_a_count_stays() -> None:
    scripts = Scripts()
    scripts.add(Script(fault="drop", recipient="+1"))
    scripts.add(Script(fault="late", after_ms=5))
    reactions = [scripts.react(call("sms", phone)) for phone in ("+1", "+2", "+1")]
    assert [End.DROP, End.ANSWER, End.DROP] == [reaction and reaction.end for reaction in reactions]
    scripts.clear()
    assert scripts.react(call("sms", "+1")) is None


def test_a_rule_for_first_calls_leaves_later_ones_of_the_same_key_alone() -> None:
    scripts = Scripts()
    scripts.add(Script(fault="refuse", first=2))
    assert [True, True, False] == [scripts.react(call("sms", "+1"), n) is not None for n in range(3)]
