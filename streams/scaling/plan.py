"""Whether a stage can be changed, and what belongs to it. Decided before anything is touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.catalogue import catalogue
from streams.engine.layout import Layout, Phase
from streams.stages import input_topics, stage_names, stateful_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


UNFENCED = ("trials", "crypto reseal")
"""Trials of templates: each is a user of its own, so at worst its own status stays `pending`. What is sealed
anew: the command does not begin during a change, and a fact of it that comes to a task without the user makes
no row there."""


class ScaleError(RuntimeError):
    """The stage cannot be changed so; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A change: `writers` are the stages that write the inputs."""

    stage: str
    old: int
    new: int
    inputs: tuple[str, ...]
    writers: tuple[str, ...]

    def layout(self, phase: Phase) -> Layout:
        """What everyone is told."""
        return Layout(self.old, self.new, phase)


def writers_of(stage: str) -> tuple[str, ...]:
    """The stages that write its inputs; `ScaleError` when others do, for they cannot be fenced."""
    if stage not in stateful_stages():
        raise ScaleError(f"{stage} cannot be scaled; there are {', '.join(_scalable())}")
    inputs = input_topics(stage)
    writers = sorted({writer for topic in catalogue() if topic.name in inputs for writer in topic.writers})
    if foreign := [writer for writer in writers if writer not in {*stage_names(), *UNFENCED}]:
        text = f"{stage} cannot be scaled: {', '.join(inputs)} is written by {', '.join(foreign)}, too,"
        raise ScaleError(f"{text} which nothing makes notice new partitions at once")
    return tuple(writer for writer in writers if writer not in UNFENCED)


def _scalable() -> Iterable[str]:
    for stage in stateful_stages():
        try:
            writers_of(stage)
        except ScaleError:
            continue
        yield stage


def plan(
    stage: str, new: int, counts: Mapping[str, int], changelog: str, known: Mapping[str, Layout]
) -> Plan:
    """The change to `new` partitions. `counts`: of topics; `known`: changes so far, by stage. `ScaleError`.

    One that was interrupted goes on.
    """
    writers, inputs = writers_of(stage), input_topics(stage)
    if missing := [topic for topic in (*inputs, changelog) if topic not in counts]:
        raise ScaleError(f"no topic {', '.join(missing)}; see `carillon topics create`")
    for other, layout in known.items():
        if layout.is_under_way and (other, layout.new) != (stage, new):
            again = f"carillon topics scale {other} --partitions {layout.new}"
            raise ScaleError(f"{other} is on its way from {layout.old} to {layout.new}: first `{again}`")
    before = known.get(stage)
    if before is not None and before.is_under_way:
        return Plan(stage, before.old, new, inputs, writers)
    found = {counts[topic] for topic in (*inputs, changelog)}
    if len(found) > 1:
        raise ScaleError(f"{stage}: partition counts differ: {found}")
    (old,) = found
    if new < old or new % old:
        raise ScaleError(f"{stage} has {old} partitions: a new count must be a multiple of that")
    return Plan(stage, old, new, inputs, writers)
