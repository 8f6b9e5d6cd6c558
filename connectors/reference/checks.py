"""What a reference record must be beyond its types: closed words, lengths of columns, links that lead on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from connectors.reference.expressions import expression_faults, unknown_filters
from connectors.reference.money_forms import amount_checks
from connectors.reference.provider_forms import provider_checks, provider_remarks
from connectors.reference.seen_forms import seen_checks, seen_remarks
from connectors.templates.lint import lint
from connectors.templates.splicing import is_part
from schemas.audience_words import ValueType
from schemas.device_words import Platform
from schemas.provider_words import Region, region_of
from schemas.quiet import hours_of
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
from schemas.records.reference import LONGEST_TTL_S
from schemas.words import Category, Channel, Lane, UnknownPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from enum import StrEnum

    from connectors.reference.wire import ReferenceRecord

WORDS: dict[type, dict[str, type[StrEnum]]] = {
    NotificationType: {
        "category": Category,
        "default_channels": Channel,
        "fallback_channels": Channel,
        "default_priority": Lane,
        "unknown_policy": UnknownPolicy,
    },
    Rule: {"priority": Lane},
    Provider: {"channel_type": Channel, "platforms": Platform, "region": Region},
    Template: {},
    SpendingBudget: {},
    SeenTag: {},
    Communication: {},
    AudienceFilter: {"value_type": ValueType},
    Experiment: {},
}
LONGEST: dict[type, dict[str, int]] = {
    NotificationType: {"code": 100, "title": 255, "template_name": 255},
    Rule: {"topic": 249, "event_type": 100, "notification_type": 100},
    Provider: {"name": 100, "kind": 50},
    Template: {"name": 255, "language_code": 10},
    SpendingBudget: {"of": 137},
    SeenTag: {"tag": 255},
    Communication: {"id": 100, "kind": 100},
    AudienceFilter: {"filter_id": 100},
    Experiment: {"name": 255},
}
PUBLISHED = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
"""Ids of communications: they become part of audience labels."""
AT_LEAST_ONE = ("dedup_window_s", "ttl_s", "remember_for_s", "rate_limit", "fallback_after_s", "weight")


def record_checks(record: ReferenceRecord) -> tuple[list[str], list[str]]:
    """Check one record by itself: (faults, remarks), each naming its key."""
    faults = [*_words(record), *_lengths(record), *_numbers(record), *amount_checks(record)]
    faults += provider_checks(record) if isinstance(record, Provider) else ()
    remarks: list[str] = [*provider_remarks(record)] if isinstance(record, Provider) else []
    if isinstance(record, Template):
        for finding in lint(record):
            (faults if finding.level == "error" else remarks).append(finding.text)
    if isinstance(record, NotificationType):
        faults += [*_fallback(record), *_sendable(record)]
        if record.dedup_window_s < record.ttl_s:
            remarks.append("`dedup_window_s` is shorter than `ttl_s`: a repeat may pass")
    if isinstance(record, SeenTag):
        faults += seen_checks(record)
        remarks += seen_remarks(record) if not faults else ()
    if isinstance(record, Communication) and not PUBLISHED.fullmatch(record.id):
        faults.append("`id`: only letters of ASCII, digits, `_`, `.` and `-`")
    if isinstance(record, Experiment):
        faults += expression_faults(record)
    return faults, remarks


def _fallback(kind: NotificationType) -> Iterator[str]:
    """A reserve channel for what nobody saw must exist, and be in time (SEEN-OP-01)."""
    if kind.fallback_after_s is None:
        return
    if not set(kind.fallback_channels) - set(kind.default_channels):
        yield "`fallback_after_s`: name a channel in `fallback_channels` that `default_channels` has not"
    if kind.fallback_after_s >= kind.ttl_s:
        yield "`fallback_after_s`: must be shorter than `ttl_s`; later nothing of the request is sent"


def _sendable(kind: NotificationType) -> Iterator[str]:
    """A part has no text of its own; hours have a form."""
    if is_part(kind.template_name):
        yield f"`template_name`: {kind.template_name} is a layout or a partial; none is sent by itself"
    if kind.quiet_hours is not None and hours_of(kind.quiet_hours) is None:
        yield "`quiet_hours`: must be two times of the day, such as `22:00-09:00`"


def cross_checks(records: Sequence[ReferenceRecord]) -> Iterator[str]:
    """Remark on links between records that lead nowhere in these files; elsewhere they may be known."""
    types = {each.code: each for each in records if isinstance(each, NotificationType)}
    templates = {(each.name, each.channel_type) for each in records if isinstance(each, Template)}
    used = {each.template_name for each in types.values()}
    for each in records:
        if isinstance(each, Rule) and each.notification_type not in types:
            yield f"rule {each.topic}/{each.event_type}: type `{each.notification_type}` is not in types.yaml"
        if isinstance(each, NotificationType):
            yield from _missing_templates(each, templates)
    advertising = {each.template_name for each in types.values() if each.category == Category.MARKETING}
    for each in (each for each in records if isinstance(each, Template)):
        if each.name in advertising and each.category != Category.MARKETING:
            named = f"{each.name}.{each.channel_type}.{each.language_code}"
            yield f"template {named}: a marketing type uses it, and its category is not `marketing`"
    for name in sorted({name for name, _ in templates if not is_part(name)} - used):
        yield f"template {name}: no type uses it"
    yield from _without_domestic(records)
    yield from unknown_filters(records)


def _without_domestic(records: Sequence[ReferenceRecord]) -> Iterator[str]:
    """A type that forbids foreign providers, on a channel that has no other (NS-SEC-OP-08)."""
    providers = [each for each in records if isinstance(each, Provider) and each.is_active]
    able = {one.channel_type for one in providers if region_of(one.kind, one.region) == Region.DOMESTIC}
    unable = {one.channel_type for one in providers} - able
    for kind in (each for each in records if isinstance(each, NotificationType) and each.domestic_only):
        for channel in dict.fromkeys([*kind.default_channels, *kind.fallback_channels]):
            if channel in unable:
                yield f"type {kind.code}: `domestic_only`, and no provider of {channel} is known to be"


def _missing_templates(kind: NotificationType, templates: set[tuple[str, str]]) -> Iterator[str]:
    for channel in dict.fromkeys([*kind.default_channels, *kind.fallback_channels]):
        if (kind.template_name, channel) not in templates:
            yield f"type {kind.code}: template `{kind.template_name}` has no text for {channel}"


def _words(record: ReferenceRecord) -> Iterator[str]:
    for name, words in WORDS[type(record)].items():
        value: Any = getattr(record, name)
        given: Iterable[str | None] = value if isinstance(value, list) else [value]
        for word in given:
            if word is not None and word not in set(words):
                yield f"`{name}`: {word!r} is none of {', '.join(words)}"


def _lengths(record: ReferenceRecord) -> Iterator[str]:
    for name, longest in LONGEST[type(record)].items():
        if not 1 <= len(getattr(record, name)) <= longest:
            yield f"`{name}`: must have 1 to {longest} characters"


def _numbers(record: ReferenceRecord) -> Iterator[str]:
    for name in AT_LEAST_ONE:
        value = getattr(record, name, None)
        if value is not None and value < 1:
            yield f"`{name}`: must be at least 1"
    if isinstance(record, NotificationType) and record.ttl_s > LONGEST_TTL_S:
        yield f"`ttl_s`: must be at most {LONGEST_TTL_S}, 30 days"
