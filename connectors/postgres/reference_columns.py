"""Reference records as columns: the name of their kind first, then the content in the upsert's order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from connectors.postgres.template_rows import template_columns
from connectors.reference.wire import Sealer, sealed_config
from schemas.budgets import Period
from schemas.records import (
    AudienceFilter,
    Communication,
    Experiment,
    NotificationType,
    Provider,
    Rule,
    SeenTag,
    SpendingBudget,
    Template,
)

if TYPE_CHECKING:
    from connectors.reference.wire import ReferenceRecord

NAMED_BY: dict[type, tuple[str, ...]] = {
    NotificationType: ("code",),
    Template: ("name", "channel_type", "language_code"),
    Rule: ("topic", "event_type"),
    Provider: ("channel_type", "name"),
    SpendingBudget: ("of",),
    SeenTag: ("tag",),
    Communication: ("id",),
    AudienceFilter: ("filter_id",),
    Experiment: ("name",),
}


def name_columns(record: ReferenceRecord) -> tuple[str, ...]:
    """Columns of the kind's name."""
    return tuple(getattr(record, name) for name in NAMED_BY[type(record)])


def columns_of(record: ReferenceRecord, cipher: Sealer) -> tuple[Any, ...]:
    """Columns of the kind's upsert, in the order of the query."""
    return (*name_columns(record), *_CONTENT[type(record)](record, cipher))


def _type(record: NotificationType, _cipher: Sealer) -> tuple[Any, ...]:
    return (
        record.title,
        record.category,
        record.default_channels,
        record.fallback_channels,
        record.default_priority,
        record.is_mandatory,
        record.template_name,
        timedelta(seconds=record.dedup_window_s),
        timedelta(seconds=record.ttl_s),
        record.unknown_policy,
        record.allowed_senders,
        None if record.fallback_after_s is None else timedelta(seconds=record.fallback_after_s),
        record.quiet_hours,
        record.domestic_only,
    )


def _provider(record: Provider, cipher: Sealer) -> tuple[Any, ...]:
    config = _json(sealed_config(record.config, cipher))
    order = (record.is_active, record.priority, record.rate_limit, record.cost)
    price = _amount(record.cost_per_message)
    return (record.kind, config, *order, record.platforms, record.weight, record.region, price)


def _tag(record: SeenTag, _cipher: Sealer) -> tuple[Any, ...]:
    rollout = (record.is_enabled, record.percentage, _json(record.targets))
    return (record.destinations, timedelta(seconds=record.remember_for_s), *rollout)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_CONTENT: dict[type, Callable[[Any, Sealer], tuple[Any, ...]]] = {
    NotificationType: _type,
    Template: lambda record, _: template_columns(record),
    Rule: lambda record, _: (record.notification_type, record.priority, _json(record.data)),
    Provider: _provider,
    SpendingBudget: lambda record, _: tuple(_amount(getattr(record, each)) for each in Period),
    SeenTag: _tag,
    Communication: lambda record, _: (record.kind, _json(record.content)),
    AudienceFilter: lambda record, _: (record.value_type,),
    Experiment: lambda record, _: (_json(record.filters),),
}
