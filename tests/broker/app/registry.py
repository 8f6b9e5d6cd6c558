"""Scenarios by name: each gives the stages that one worker process runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streams.engine.api import Stage


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scenario knows: the app's prefix, the broker, the worker's name, and free parameters."""

    app: str
    bootstrap: str
    worker: str
    params: dict[str, Any] = field(default_factory=dict)

    def topic(self, name: str) -> str:
        """A topic of this test alone."""
        return f"{self.app}.{name}"


Scenario = Callable[[Setting], list[Stage]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(build: Scenario) -> Scenario:
    """Register a function under its own name."""
    assert build.__name__ not in SCENARIOS, f"two scenarios are called {build.__name__}"
    SCENARIOS[build.__name__] = build
    return build
