"""Drives an application by its OpenAPI document: schemathesis writes the requests and judges the answers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain

import schemathesis
from aiohttp import web
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import StopReason, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from connectors.http.server import listening

START, AHEAD = datetime(2026, 11, 22, tzinfo=UTC), timedelta(days=60)
"""No schema says how far ahead a time may be: these all may."""
schemathesis.openapi.format(
    "date-time",
    st.integers(0, int(AHEAD.total_seconds())).map(lambda s: (START + timedelta(seconds=s)).isoformat()),
)

TAKEN = ("2xx", "3xx", "401", "403", "404", "409", "429", "5xx")
"""What schemathesis expects of a request that the document allows."""


@dataclass
class Found:
    """`faults`: check, operation and what was wrong, once each; `answered`: operations and their statuses."""

    faults: dict[tuple[str, str], str] = field(default_factory=dict)
    answered: set[tuple[str, int]] = field(default_factory=set)


def driven(
    app: web.Application,
    document: bytes,
    examples: int,
    headers: Mapping[str, str] | None = None,
    also_taken: Sequence[str] = (),
) -> Found:
    """Send what the document allows and forbids: each example and bound, and so many drawn requests.

    The same requests in every run. `headers` go with each of them. All checks of schemathesis are on; of the
    statuses above 499 the documented 503 is no fault by itself. `also_taken`: statuses that a request may get
    which the document allows, where more is asked than a schema can say.
    """
    with _serving(app) as port:
        options = {
            "base-url": f"http://127.0.0.1:{port}",
            "headers": dict(headers or {}),
            "seed": 1,
            "generation": {
                "deterministic": True,
                "max-examples": examples,
                "database": "none",
                "allow-x00": False,  # no schema can say that no text inside of any object holds one
            },
            "checks": {
                "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
                "positive_data_acceptance": {"expected-statuses": [*TAKEN, *also_taken]},
            },
            "cache": {"enabled": False},
            "suppress-health-check": ["too_slow"],  # of a busy machine, not of the application
            "continue-on-failure": True,
        }
        schema = schemathesis.openapi.from_dict(
            json.loads(document), config=SchemathesisConfig.from_dict(options)
        )
        found = Found()
        for event in from_schema(schema).execute():
            _note(event, found)
    return found


def _note(event: events.EngineEvent, found: Found) -> None:
    match event:
        case events.ScenarioFinished(label=str() as label, recorder=recorder):
            _judged(label, recorder, found)
        case events.NonFatalError(label=label, value=error):
            found.faults[type(error).__name__, label] = str(error)
        case events.FatalError(exception=error):
            raise error
        case events.EngineFinished(stop_reason=reason):
            assert reason is StopReason.COMPLETED
        case _:
            pass


def _judged(label: str, recorder: ScenarioRecorder, found: Found) -> None:
    for check in chain.from_iterable(recorder.checks.values()):
        if check.failure_info is not None:
            found.faults[check.name, label] = str(check.failure_info.failure)
    answers = [sent.response for sent in recorder.interactions.values() if sent.response is not None]
    found.answered |= {(label, answer.status_code) for answer in answers}


@contextmanager
def _serving(app: web.Application) -> Iterator[int]:
    """The application on a loop in a thread, for a client that blocks; yields the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = listening(app, "127.0.0.1", 0)
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
