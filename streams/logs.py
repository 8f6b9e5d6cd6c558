"""How log lines look: one event name, then fields; JSON for machines, colours for people."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

import structlog
from structlog.typing import Processor

from streams.settings_sections import Log

WINDOW_S = 10.0
MOST_ALIKE = 5
"""Lines of a library that one place in its code may write in a window. While Kafka is away, each of some
forty clients says so at each try: five megabytes in half a minute, with whatever else happened between."""
MOST_TEXTS = 1_000
"""Texts remembered; a library may put values into its texts itself, and no two are alike then."""


class Repeats(logging.Filter):
    """Leaves out what libraries say again and again; the first line of the next window says how many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: s."""
        super().__init__()
        self._clock = clock
        self._windows: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written. Lines are alike that have the same text before values are put in."""
        alike, now = (record.name, record.levelno, str(record.msg)), self._clock()
        since, many = self._windows.get(alike, (now, 0))
        left_out = many - MOST_ALIKE
        if now - since >= WINDOW_S:
            since, many = now, 0
            if left_out > 0:
                record.msg = f"{record.getMessage()} ({left_out} more like this in {WINDOW_S:.0f} s)"
                record.args = None
        if len(self._windows) >= MOST_TEXTS:
            self._windows.clear()
        self._windows[alike] = (since, many + 1)
        return many < MOST_ALIKE


def configure(log: Log) -> None:
    """Set up structlog and the standard library's loggers (aiokafka, aiohttp) alike, to standard error."""
    console = log.format == "console" or (log.format == "auto" and sys.stderr.isatty())
    level = getattr(logging, log.level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(Repeats())
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def hide_retries() -> None:
    """What aiokafka tries again beside topics just made is no news for people at a screen."""
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
