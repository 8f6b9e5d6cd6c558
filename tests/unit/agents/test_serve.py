"""Which providers may take a message, and in which order."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from agents.begin import Moment
from agents.deliver import decide
from agents.serve import ALL_WELL, Choice, moment_of
from schemas.records import NotificationType, Provider, SendTask
from tests.calls import words
from tests.fakes import MemoryReference
from tests.messages import T0, TASK

MANY = 4_000


class Sunk:
    """Health of providers of which one has a quarter of its weight."""

    def __init__(self, name: str) -> None:
        self._name = name

    def paused_until(self, provider: Provider, now: int) -> int:  # noqa: ARG002 - the port's
        return 0

    def share(self, provider: Provider, now: int) -> float:  # noqa: ARG002 - the port's
        return 0.25 if provider.name == self._name else 1.0


def mail(name: str, kind: str = "postbox", **changes: object) -> Provider:
    return replace(Provider(name=name, channel_type="email", kind=kind), **changes)


def moment(
    providers: list[Provider],
    task: SendTask = TASK,
    choice: Choice = ALL_WELL,
    *,
    domestic_only: bool = False,
) -> Moment:
    known = NotificationType(
        code=task.notification_type,
        title="",
        category="transactional",
        default_channels=["email"],
        template_name="t",
        domestic_only=domestic_only,
    )
    return moment_of(task, T0, MemoryReference(types=[known], active=providers), choice)


def order(providers: list[Provider], task: SendTask = TASK, choice: Choice = ALL_WELL) -> list[str]:
    return list(moment(providers, task, choice).providers)


def firsts(providers: list[Provider], choice: Choice = ALL_WELL) -> list[str]:
    """Who is tried first with each of many messages."""
    tasks = (replace(TASK, message_id=f"m-{number}") for number in range(MANY))
    return [order(providers, task, choice)[0] for task in tasks]


@pytest.mark.spec("NS-DATA-OP-19 NS-DATA-125")
def test_without_weights_priority_then_cost_then_name_decide() -> None:
    providers = [mail("d", cost=1.0), mail("c"), mail("b"), mail("a", priority=-1), mail("z", priority=9)]
    assert ["z", "b", "c", "d", "a"] == order(providers)


def test_of_the_same_priority_those_with_a_weight_share_by_it() -> None:
    found = Counter(firsts([mail("a", weight=3), mail("b", weight=1), mail("c"), mail("z", priority=-1)]))
    assert {"a", "b"} == set(found)
    assert 0.72 < found["a"] / MANY < 0.78


def test_a_weight_does_not_reach_beyond_its_priority() -> None:
    assert ["high", "low"] == order([mail("low", weight=1_000), mail("high", priority=1, weight=1)])


def test_a_replay_draws_the_same_order() -> None:
    providers = [mail(name, weight=weight) for weight, name in enumerate("abcdef", 1)]
    assert order(providers) == order(list(reversed(providers)))


def test_only_messages_of_one_that_loses_weight_go_to_others() -> None:
    providers = [mail("a", weight=1), mail("b", weight=1)]
    before, after = firsts(providers), firsts(providers, Choice(Sunk("a")))
    assert 0.17 < after.count("a") / MANY < 0.23
    assert {("a", "b")} == {(old, new) for old, new in zip(before, after, strict=True) if old != new}


@pytest.mark.spec("NS-SEC-OP-08")
@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("email", ["home", "abroad", "where"]),
        ("sms", ["home", "abroad", "where"]),
        ("push", ["abroad", "home", "where"]),
    ],
)
def test_mail_and_texts_go_to_domestic_providers_first(channel: str, expected: list[str]) -> None:
    task = replace(TASK, channel=channel)
    kinds = {"abroad": "twilio", "home": "smsc", "where": "smtp"}
    providers = [Provider(name=name, channel_type=channel, kind=kind) for name, kind in kinds.items()]
    assert expected == order(providers, task)


def test_priority_stands_above_the_region() -> None:
    assert ["abroad", "home"] == order([mail("home"), mail("abroad", "ses", priority=1)])


@pytest.mark.spec("NS-SEC-OP-08")
def test_a_type_can_forbid_foreign_providers_and_those_of_whom_nobody_said() -> None:
    providers = [
        mail("ses", "ses"),
        mail("any", "smtp"),
        mail("ours", "smtp", region="domestic"),
        mail("postbox"),
    ]
    assert ["ours", "postbox"] == moment(providers, domestic_only=True).providers


@pytest.mark.spec("NS-SEC-OP-08")
def test_a_channel_can_forbid_them_too() -> None:
    providers = [mail("ses", "ses"), mail("postbox"), mail("abroad", region="foreign")]
    choice = Choice(domestic_channels=frozenset({"email"}))
    assert ["postbox"] == order(providers, choice=choice)
    assert ["abroad", "postbox", "ses"] == sorted(
        order(providers, choice=Choice(domestic_channels=frozenset({"sms"})))
    )


@pytest.mark.spec("NS-SEC-OP-08")
def test_a_message_for_which_only_foreign_ones_are_left_fails_for_a_reason_of_its_own() -> None:
    forbidden = moment([mail("ses", "ses")], domestic_only=True)
    assert [("failed", "no_domestic_provider")] == words(decide(TASK, forbidden))
    assert [("failed", "no_provider")] == words(decide(TASK, moment([], domestic_only=True)))
