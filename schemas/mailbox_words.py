"""The words of the channel in the app: what a user does with a message in his mailbox (NS-CH-OP-09)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

IN_APP_PROVIDER: Final = "in_app"
"""Under this name the mailbox stands where other channels have a provider."""
MOST_IDS: Final = 200
"""Messages that one act may name."""
LONGEST_ID: Final = 64


class Act(StrEnum):
    """What was done; each but the last takes the ones before it along.

    `ack`: a client has it. `seen`: it was in the list that the user looked at. `read`: he opened it.
    `archive`: he put it away, read or not.
    """

    ACK = "ack"
    SEEN = "seen"
    READ = "read"
    ARCHIVE = "archive"
