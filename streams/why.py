"""A trace as text: what was asked, what decided, what was sent and how that went."""

from __future__ import annotations

from connectors.postgres.why import Archive, Explanation, MessageFound, RequestFound
from schemas.times import rfc3339
from schemas.words import REASONS, Outcome, Reason
from streams.servers import database_of
from streams.settings import Settings


async def explain(settings: Settings, asked: str, *, is_key: bool = False) -> Explanation:
    """What Postgres knows of an id, or with `is_key` of an idempotency key."""
    database = database_of(settings)
    try:
        return await Archive(database).why(asked, is_key=is_key)
    finally:
        await database.close()


def told(found: Explanation) -> str:
    """The whole trace, for a terminal."""
    if found.is_empty:
        return f"Nothing is known of {found.asked}: never received, not written yet, or too old."
    lines: list[str] = []
    for request in found.requests:
        lines += _request(request)
        lines += [
            line
            for message in found.messages
            if message.request_id == request.request_id
            for line in _message(message)
        ]
    known = {request.request_id for request in found.requests}
    lines += [
        line for message in found.messages if message.request_id not in known for line in _message(message)
    ]
    return "\n".join(lines)


def _request(request: RequestFound) -> list[str]:
    if request.outcome == Outcome.NOTED:
        return [
            f"cancel of {request.request_id}  →  {request.outcome}{_because(request.reason)}",
            f"  from {request.source}, {request.origin}, asked {request.value}",
        ]
    lines = [
        f"request {request.request_id}  {request.notification_type}  →  {request.outcome}"
        + _because(request.reason),
        f"  from {request.source}, key {request.idempotency_key}, {request.origin}",
        f"  for user {request.user_id}, lane {request.lane}",
        f"  received {rfc3339(request.received_at)}, decided {rfc3339(request.decided_at)}",
    ]
    if request.rule:
        value = f" = {request.value}" if request.value else ""
        verb = "waits by" if request.outcome == Outcome.WAITING else "decided by"
        lines.append(f"  {verb} {request.rule}{value}")
    return lines


def _message(message: MessageFound) -> list[str]:
    template = (
        f"{message.template} v{message.template_version} ({message.language})"
        if message.template
        else "no template"
    )
    lines = [
        f"  message {message.message_id}  {message.channel}  →  {message.status}{_because(message.reason)}",
        f"    {template}, lane {message.lane}, attempts {message.attempts}",
        f"    by {message.provider or 'no provider'}{_cost(message)}",
    ]
    for line in message.log:
        details = ", ".join(
            f"{name} {value}" for name, value in line.details.items() if value not in (None, "")
        )
        lines.append(f"    {rfc3339(line.at)}  {line.status}{'  ' + details if details else ''}")
    return lines


def _cost(message: MessageFound) -> str:
    segments = f", {message.segments} segments" if message.segments else ""
    return segments + (f", cost {message.cost.normalize():f}" if message.cost is not None else "")


def _because(reason: str | None) -> str:
    if reason is None:
        return ""
    try:
        return f" ({reason}: {REASONS[Reason(reason)]})"
    except ValueError:
        return f" ({reason})"
