"""The stages by name, and what each reads. Groups, transactional ids and changelogs have these names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas import topics as t
from schemas.words import Lane
from streams.audiences import AUDIENCE_INPUTS
from streams.intake import EXPRESS, INTAKE, TAKEN
from streams.mailbox import MAILBOX, MAILBOX_INPUTS
from streams.quarantine import QUARANTINE, QUARANTINE_INPUTS

if TYPE_CHECKING:
    from collections.abc import Iterable

DELIVERY = {channel: f"delivery-{channel}" for channel in t.PROVIDED_CHANNELS}


def stage_names() -> tuple[str, ...]:
    """Names of all stages, in the order in which a request meets them."""
    return (INTAKE, EXPRESS, *stateful_stages(), "sink")


def stateful_stages() -> tuple[str, ...]:
    """Names of the stages that have a changelog."""
    kept = (MAILBOX, "rates", "spending", "status", "stats", "seen", "audience", "members")
    return ("recipient", QUARANTINE, *DELIVERY.values(), *kept)


def chosen(words: Iterable[str]) -> tuple[str, ...]:
    """The stages that are meant: a word stands for its stage and for those whose names go on with a hyphen.

    So nobody runs a part of what belongs together by mistake. `LookupError` of a word that stands for none.
    """
    found: list[str] = []
    for word in words:
        meant = [name for name in stage_names() if name == word or name.startswith(f"{word}-")]
        if not meant:
            raise LookupError(word)
        found += [name for name in meant if name not in found]
    return tuple(found)


def input_topics(stage: str) -> tuple[str, ...]:
    """Names of a stage's inputs."""
    inputs: dict[str, tuple[str, ...]] = {
        INTAKE: (*TAKEN, *t.EVENT_TOPICS, t.RECEIPTS),
        EXPRESS: (t.SEND_REQUEST,),
        "recipient": (
            *(t.CONTACTS, t.PREFERENCES, t.DEVICES, t.CANCELS),
            *(t.request_topic(lane) for lane in Lane),
        ),
        "rates": (t.RATE_DEMANDS,),
        "spending": (t.SPENDING_COSTS,),
        "status": (t.OUTCOMES,),
        "stats": (t.PARTIALS,),
        "seen": (t.SEEN,),
        **QUARANTINE_INPUTS,
        **AUDIENCE_INPUTS,
        **MAILBOX_INPUTS,
        "sink": (t.ROWS,),
    }
    for channel, name in DELIVERY.items():
        inputs[name] = (t.veto_topic(channel), *(t.channel_topic(channel, lane) for lane in Lane))
    return inputs[stage]
