"""How log lines look: one event name, then fields; JSON for machines, colours for people."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from streams.settings_sections import Log


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
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def hide_retries() -> None:
    """What aiokafka tries again beside topics just made is no news for people at a screen."""
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
