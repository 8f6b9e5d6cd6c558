"""The closed list of what an admin may want of a flow that is held, and the name of a flow (NS-SEC-OP-07)."""

from __future__ import annotations

from enum import StrEnum


class Order(StrEnum):
    """What is to become of a flow and of its requests that wait."""

    RELEASE = "release"  # they go out, and what comes is usual from now on
    REJECT = "reject"  # they end; what comes is held as before
    APPROVE = "approve"  # they go out, and nothing is judged until a time: a planned run


LONGEST_APPROVAL_MS = 366 * 86_400_000


def flow_key(source: str, notification_type: str) -> bytes:
    """Kafka key and table key of a flow. No source has a tab: headers that are not printable are none."""
    return f"{source}\t{notification_type}".encode()
