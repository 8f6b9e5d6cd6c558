"""How users are reached: Account Service, and the devices that take pushes."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr

from streams.settings_sections import SECTION, Count


class Accounts(BaseModel):
    """Account Service, which is asked for contacts that no event has told."""

    model_config = SECTION

    url: str | None = None
    """Its address, before `/api/v1/users/`; without it nobody is asked."""
    token: SecretStr | None = None
    """What it asks for, as `Authorization: Bearer`."""
    timeout_ms: Count = 300
    """How long one question may take, from connecting to the end of the answer."""
    cache_s: Count = 900
    """How long an answer is believed; while the service is away, for longer."""
    connections: Count = 100
    """The most questions one process has open; beyond that requests go on without."""


class Devices(BaseModel):
    """Devices that take pushes."""

    model_config = SECTION

    stale_days: Count = 270
    """A device that has not registered for so long gets no more pushes."""
    forget_days: Count = 90
    """A device that has been off for so long is deleted."""
