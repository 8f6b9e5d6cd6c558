"""Who saw it: the identity in a proven gateway's headers (SEEN-OP-09, SEEN-038…SEEN-040, SEEN-OP-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.http.operation import Header
from connectors.http.problems import Code, Fault, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST = 256
HEADERS = (
    Header("X-Auth-Kind", "Kind of session: `client` or `driver`; absent or `none`: no session.", "client"),
    Header("X-User-Id", "Client: the user. Required, 1 to 256 printable characters.", "u-1"),
    Header("X-Uid", "Client: a further id.", "7"),
    Header("X-Bound-Uids", "Client: further ids, with commas between.", "8,9"),
    Header("X-Phone-Id", "Client: the phone's id.", "p-1"),
    Header("X-Driver-Db-Id", "Driver: the fleet. Required.", "db-1"),
    Header("X-Driver-Uuid", "Driver: the driver. Required.", "0d6c3a"),
    Header("X-Device-Id", "Client, or no session: the installation, if the gateway knows it.", "device-1"),
)
"""What is read when the caller proved to be the gateway, and ignored otherwise."""


class Identity(NamedTuple):
    """Event type, the user data it carries, and the key under which its facts are remembered (GEN-OP-03)."""

    kind: str
    user: dict[str, Any]
    user_key: str | None


STRANGER = Identity("unauthorized", {}, None)


def identified(headers: Mapping[str, str]) -> Identity:
    """Read a proven gateway's headers. A session without its required ids is a `ProblemError` (403).

    403 and not 400: a client keeps the fact until its session is renewed; a 400 ends it (SEEN-OP-05).
    """
    kind = headers.get("X-Auth-Kind", "")
    reader = _READERS.get(kind.lower())
    if reader is None:
        raise ProblemError(Code.IDENTITY_INCOMPLETE, [Fault("", "X-Auth-Kind is neither client nor driver")])
    return reader(headers)


def _client(headers: Mapping[str, str]) -> Identity:
    user_id = _required(headers, "X-User-Id")
    bound = headers.get("X-Bound-Uids", "")
    user = {
        "user_id": user_id,
        "uid": _optional(headers, "X-Uid"),
        "bound_uids": [uid.strip() for uid in bound.split(",") if uid.strip().isprintable() and uid.strip()],
        "phone_id": _optional(headers, "X-Phone-Id"),
    }
    device_id = _optional(headers, "X-Device-Id")
    if device_id is not None:  # not part of the envelope: only what was seen is known by it (GEN-OP-08)
        user["device_id"] = device_id
    return Identity("client", user, f"user:{user_id}")


def _driver(headers: Mapping[str, str]) -> Identity:
    db_id, uuid = _required(headers, "X-Driver-Db-Id"), _required(headers, "X-Driver-Uuid")
    return Identity("driver", {"db_id": db_id, "uuid": uuid}, f"driver:{db_id}_{uuid}")


def _nobody(headers: Mapping[str, str]) -> Identity:
    device_id = _optional(headers, "X-Device-Id")
    return Identity("unauthorized", {}, f"device:{device_id}") if device_id else STRANGER


_READERS: dict[str, Callable[[Mapping[str, str]], Identity]] = {
    "client": _client,
    "driver": _driver,
    "": _nobody,
    "none": _nobody,
}


def _required(headers: Mapping[str, str], name: str) -> str:
    value = _optional(headers, name)
    if value is None:
        raise ProblemError(Code.IDENTITY_INCOMPLETE, [Fault("", f"{name} is missing or unusable")])
    return value


def _optional(headers: Mapping[str, str], name: str) -> str | None:
    """Return a usable value: neither empty nor over-long, and nothing that cannot be written as UTF-8."""
    value = headers.get(name, "").strip()
    return value if 0 < len(value) <= LONGEST and value.isprintable() else None
