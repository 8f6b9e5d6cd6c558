"""The section `mailbox` of the settings: messages in the app, and who is connected to hear of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from streams.settings_sections import SECTION, Count


class MailboxSettings(BaseModel):
    """Messages in the app (NS-CH-050…055)."""

    model_config = SECTION

    keep_days: Annotated[int, Field(ge=1, le=30)] = 7
    """How long a message is kept for its user; one that is longer on its way has this time from then on."""
    most: Annotated[int, Field(ge=1, le=1000)] = 200
    """Messages of one user; the oldest goes for one more."""
    gateway: Literal["off", "beside", "needed"] = "beside"
    """Whether an HTTP process serves mailboxes, out of a copy of their tables in `data_dir`: `beside` the
    rest, 503 until the copy is whole; `needed`: not ready before that, either."""
    connections: Count = 20_000
    """Connections of one process."""
    per_user: Count = 10
    """Connections of one user to one process."""
    ping_s: Annotated[int, Field(ge=5, le=300)] = 25
    """How often a client is asked whether it is still there; it has half of that to answer."""
    send_s: Annotated[int, Field(ge=1, le=300)] = 10
    """How long a client may take no frame before it is cut off."""
