"""The command: schemas of rows, lines for a person, and the change itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from connectors.kafka_admin import topics_of
from schemas import topics as t
from schemas.codec import SchemaBook
from streams.engine.reference import GlobalTable
from streams.outside import engine_config
from streams.scaling.course import Course, Report
from streams.scaling.homes import homes
from streams.scaling.plan import writers_of
from streams.topics import wanted

if TYPE_CHECKING:
    from streams.settings import Settings


async def scale_stage(settings: Settings, stage: str, new: int, most_behind: int) -> Report:
    """Change a stage to `new` partitions. `ScaleError` and `ValueError` say why it cannot be done."""
    writers_of(stage)
    config, book = engine_config(settings), SchemaBook()
    layout = [spec for spec in wanted(settings) if spec.name == config.layout]

    def learn(_key: bytes, value: bytes | None) -> None:
        if value is not None:
            book.learn(value)

    schemas = GlobalTable(config, t.SCHEMAS, learn)
    try:
        await schemas.start()
    finally:
        await schemas.stop()
    async with topics_of(config.brokers) as topics:
        await topics.create_missing(layout)
        return await Course(config, topics, stage, new, homes(stage, book), _tell, most_behind).run()


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def told(report: Report) -> str:
    """The report in a sentence."""
    opened = "no worker has told that all tasks are open"
    if report.opened_s is not None:
        opened = f"after {report.opened_s:.1f} s all {report.new} tasks were open"
    moved = f"{report.moved} rows moved in {report.total_s:.1f} s"
    return (
        f"{report.stage} {report.old} → {report.new}: {moved}; stopped for {report.stopped_s:.1f} s; {opened}"
    )
