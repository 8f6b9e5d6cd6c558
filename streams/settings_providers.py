"""The settings of providers: the fake one, when one is left alone, which regions may process data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from schemas.topics import DELIVERED_CHANNELS
from streams.settings_sections import SECTION, Count


class Providers(BaseModel):
    """Providers of all channels. Which there are says `providers.yaml`."""

    model_config = SECTION

    fake_url: str | None = None
    """Address of a running fake provider; without it `up` and `demo` start one."""
    breaker_calls: Annotated[int, Field(ge=0)] = 20
    """A provider is left alone when so many calls or more ended within the window and half of them failed by
    its fault; or three in a row refused our credentials. 0: never."""
    breaker_window_ms: Count = 30_000
    """The window of `breaker_calls`."""
    breaker_pause_ms: Count = 30_000
    """How long a provider that fails is left alone; then one call tries; its answer ends the pause."""
    breaker_misconfigured_pause_ms: Count = 300_000
    """The same for a provider that refuses our credentials; a change of its entry ends the pause at once."""
    domestic_only: str = ""
    """Channels with commas between: foreign providers get no messages of these, nor those whose region nobody
    said."""

    @field_validator("domestic_only")
    @classmethod
    def _channels_are_known(cls, text: str) -> str:
        for name in _named(text) - {*DELIVERED_CHANNELS}:
            raise ValueError(f"{name!r} is none of {', '.join(DELIVERED_CHANNELS)}")
        return text

    def domestic_channels(self) -> frozenset[str]:
        """`domestic_only`, taken apart."""
        return frozenset(_named(self.domestic_only))


def _named(text: str) -> set[str]:
    return {name.strip() for name in text.split(",") if name.strip()}
