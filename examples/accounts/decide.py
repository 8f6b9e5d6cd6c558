"""How a request must end, by the spec's decision lists (NS-SND, NS-PREF-OP-05), in plain dicts and tuples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from examples.accounts import reading
from examples.accounts.reading import SEND_TOPIC, Catalogue, Line
from examples.accounts.users import CHANNELS, User, is_address

Key = tuple[str, str, str]  # source, user id, idempotency key
Ending = tuple[str, str | None]  # outcome or status, and the reason
BEFORE_THE_CHANNEL = {"invalid_contact", "no_template", "render_failed"}
LANES = ("high", "normal", "low")
DEFAULT_LANGUAGE = "ru"
MAGIC = {
    "bounce": re.compile(r"bounce(\+\w+)?@carillon\.test|\+790000001\d\d|bounce-.*"),
    "timeout": re.compile(r"timeout(\+\w+)?@carillon\.test|\+790000002\d\d|timeout-.*"),
}
"""Recipients that a fake provider refuses for good, or for which it takes the message and never answers."""
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
FAR_AHEAD = LONG_AGO + timedelta(days=365 * 50)
"""Before the first is surely older than every type's time to live, after the second surely not yet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its sender meant it."""

    key: Key
    kind: str
    data: Line
    request_id: str | None
    language: str | None
    priority: str | None
    is_old: bool
    has_bad_time: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One message that must exist.

    `ending`: `reached` (the provider took it and said so), `failed` or `unknown` with the reason.
    """

    channel: str
    address: str
    ending: Ending

    @property
    def is_taken(self) -> bool:
        """Whether the provider took it, said so or not."""
        return self.ending[0] in {"reached", "unknown"}


def key_of(line: Line, value: Line) -> Key:
    """Scope of deduplication (NS-SND-OP-11): producing service, recipient, key."""
    headers = line["headers"]
    source = headers.get("source") or headers.get("ce_source") or line["topic"]
    own = (
        value["idempotency_key"]
        if line["topic"] == SEND_TOPIC
        else headers.get("event_id") or headers["ce_id"]
    )
    return source, value["user_id"], own


def asked(catalogue: Catalogue, line: Line, value: Line) -> Asked | None:
    """The request in a record; None for an event that no rule maps."""
    rule = catalogue.rules.get((line["topic"], value.get("event_type", "")), {})
    if line["topic"] == SEND_TOPIC:
        kind, data = value["notification_type"], value.get("data", {})
    elif rule:
        kind = rule["notification_type"]
        data = {name: reading.at(value["data"], path) for name, path in rule["data"].items()}
    else:
        return None
    request_id = line["headers"].get("request_id")
    return Asked(
        key=key_of(line, value),
        kind=kind,
        data=data,
        request_id=request_id if reading.is_uuid(request_id) else None,
        language=value.get("language"),
        priority=value.get("priority") or rule.get("priority"),
        is_old=_is_before(line["headers"].get("occurred_at"), LONG_AGO),
        has_bad_time="scheduled_at" in value and not _is_before(value["scheduled_at"], FAR_AHEAD),
    )


def _is_before(text: str | None, limit: datetime) -> bool:
    try:
        return text is not None and datetime.fromisoformat(text) < limit
    except ValueError:
        return False


def refusal(catalogue: Catalogue, asked: Asked) -> Ending | None:
    """Why the request is not even taken; None when it is."""
    kind = catalogue.types.get(asked.kind)
    if asked.has_bad_time:
        return "rejected", "invalid_time"
    if kind is None:
        return "rejected", "unknown_type"
    if kind.get("allowed_senders") and asked.key[0] not in kind["allowed_senders"]:
        return "rejected", "sender_not_allowed"
    return ("expired", "too_late") if asked.is_old else None


def lane(catalogue: Catalogue, asked: Asked) -> str:
    """Priority class (NS-SND-OP-02)."""
    kind = catalogue.types[asked.kind]
    if kind["category"] == "marketing":
        return "low"
    return asked.priority if asked.priority in LANES else kind.get("default_priority", "normal")


def messages(catalogue: Catalogue, asked: Asked, user: User) -> tuple[Ending, list[Message]]:
    """The request's ending and the messages it becomes."""
    kind = catalogue.types[asked.kind]
    channels, reserve, reason = _channels(kind, user)
    if reason is not None:
        return ("skipped", reason), []
    made: list[Message] = []
    for step in (channels, *([channel] for channel in reserve)):
        found = [(channel, address) for channel in step for address in user.addresses(channel)]
        made += [Message(*where, _fate(catalogue, asked, user, where)) for where in found]
        if any(message.ending[1] not in BEFORE_THE_CHANNEL for message in made):
            break
    return (("accepted", None), made) if made else (("skipped", "no_contact"), [])


def _channels(kind: Line, user: User) -> tuple[list[str], list[str], str | None]:
    """NS-PREF-OP-05: the channels and the reserve ones (NS-SND-OP-10), or the reason why there are none."""
    code: str = kind["code"]
    default: list[str] = kind["default_channels"]
    allowed = user.type_channels.get(code, default)
    reserve: list[str] = kind.get("fallback_channels", [])
    if kind.get("is_mandatory"):
        return allowed or default, reserve, None
    if kind["category"] == "marketing":
        if not user.consents:
            return [], [], "no_consent"
        if "all_marketing" in user.unsubscribed:
            return [], [], "unsubscribed_all_marketing"
        allowed = [channel for channel in allowed if channel in user.consents]
    if code in user.types_off:
        return [], [], "type_disabled"
    chosen = user.type_channels.get(code, CHANNELS)
    left = [channel for channel in allowed if channel not in user.unsubscribed]
    spare = [channel for channel in reserve if channel in chosen and channel not in user.unsubscribed]
    return left, spare, None if left else "no_channel_left"


def _fate(catalogue: Catalogue, asked: Asked, user: User, where: tuple[str, str]) -> Ending:
    channel, address = where
    name = catalogue.types[asked.kind]["template_name"]
    wanted = asked.language or user.language
    found = [catalogue.templates.get((name, channel, language)) for language in (wanted, DEFAULT_LANGUAGE)]
    template = found[0] or found[1]
    if not is_address(channel, address):
        return "failed", "invalid_contact"
    if template is None:
        return "failed", "no_template"
    if not reading.fits(template, asked.data):
        return "failed", "render_failed"
    if MAGIC["bounce"].fullmatch(address):
        return "failed", "unregistered_device" if channel == "push" else "provider_refused"
    return ("unknown", "held") if MAGIC["timeout"].fullmatch(address) else ("reached", None)
