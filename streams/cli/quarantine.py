"""`carillon quarantine …`: services that ask for far more than they used to, and what becomes of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from connectors.clock import now_ms
from connectors.http.quarantine import among, change_of, is_pointless, shown
from connectors.postgres.audit import AuditLog
from schemas.quarantine_words import LONGEST_APPROVAL_MS, Order
from schemas.records import QuarantineOrdered
from schemas.times import rfc3339
from streams.access import operator
from streams.logs import configure, hide_retries
from streams.quarantine_desk import anomalies, give
from streams.servers import database_of, located
from streams.settings import load_settings

if TYPE_CHECKING:
    from schemas.records import AnomalyFound
    from streams.settings import Settings

quarantine = typer.Typer(no_args_is_help=True, add_completion=False, help="What is far above its average.")
HOUR_MS = 3_600_000
Source = Annotated[str, typer.Argument(help="The service, as `quarantine list` shows it.")]
Type = Annotated[str, typer.Argument(help="The notification type.")]


@quarantine.command("list")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False) -> None:
    """List what is anomalous, and how much waits. Example: carillon quarantine list."""
    found = list(asyncio.run(anomalies(_settings().kafka.brokers())))
    if not found:
        typer.echo("nothing is anomalous, or held", err=True)
    for each in found:
        typer.echo(msgspec.json.encode(shown(each)) if as_json else line_of(each))


@quarantine.command()
def release(source: Source, notification_type: Type) -> None:
    """Let out what waits; as many are usual from now on. Example: carillon quarantine release crm news."""
    _order(QuarantineOrdered(source=source, notification_type=notification_type, order=Order.RELEASE))


@quarantine.command()
def reject(source: Source, notification_type: Type) -> None:
    """End what waits; what comes is held as before. Example: carillon quarantine reject crm news."""
    _order(QuarantineOrdered(source=source, notification_type=notification_type, order=Order.REJECT))


@quarantine.command()
def approve(
    source: Source,
    notification_type: Type,
    hours: Annotated[
        float, typer.Option(min=0.1, max=LONGEST_APPROVAL_MS / HOUR_MS, help="From now on.")
    ] = 24.0,
) -> None:
    """Let a planned run pass, before it begins or when it is held.

    Example: carillon quarantine approve crm marketing_promo --hours 6.
    """
    until = now_ms() + int(hours * HOUR_MS)
    name = {"source": source, "notification_type": notification_type}
    _order(QuarantineOrdered(**name, order=Order.APPROVE, until=until))


def line_of(one: AnomalyFound) -> str:
    """One flow, for people."""
    what = f"held, {one.waiting} wait" if one.is_held else "told only, all pass"
    seen = f"{one.count} in a minute, {one.average} before"
    return f"{one.source}  {one.notification_type}  since {rfc3339(one.since)}  {seen}  {what}"


def _order(order: QuarantineOrdered) -> None:
    settings = _settings()

    async def given() -> bool:
        brokers = settings.kafka.brokers()
        known = among(await anomalies(brokers), order)
        if is_pointless(order, known):
            return False
        database = database_of(settings)
        try:
            await AuditLog(database)(operator(), change_of(order, known))
        finally:
            await database.close()
        await give(brokers, order)
        return True

    if not asyncio.run(given()):
        typer.echo(f"nothing of {order.source} {order.notification_type} is anomalous, or held", err=True)
        raise typer.Exit(1)
    until = f" until {rfc3339(order.until)}" if order.until is not None else ""
    typer.echo(f"{order.order}{until}: {order.source} {order.notification_type}")


def _settings() -> Settings:
    settings = load_settings()
    configure(settings.log)
    hide_retries()
    return located(settings)
