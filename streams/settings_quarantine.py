"""The settings of what is done about requests that come far too fast."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from streams.settings_sections import SECTION


class Quarantine(BaseModel):
    """Services that suddenly ask for far more of a type than they used to."""

    model_config = SECTION

    mode: Literal["off", "alert", "hold"] = "hold"
    """`hold`: an alert, and requests of types that are not mandatory wait for an admin; `alert`: all pass;
    `off`: nothing is counted. What waits already does so until an admin releases or rejects it."""
    factor: Annotated[int, Field(ge=2, le=1_000)] = 10
    """More than so many times its average in a minute is too much of a service and type."""
    floor_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    """An average below counts as this one: with a factor of 10 less than 600 a minute is never too much."""
    grace_minutes: Annotated[int, Field(ge=0, le=44_640)] = 60
    """A service and type that is new, or was released, is not judged for so long: its average is learned.
    With 0 the minute of a release is not judged, and one that is new is judged at once, by the floor."""
