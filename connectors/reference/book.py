"""Reference data as a worker holds it: fed with the records of the topic `reference`, asked by agents.

Fulfils the part of `agents.ports.Reference` that needs no waiting; the engine's global table feeds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from connectors.providers.receipts.registry import WEBHOOK_KEY
from connectors.reference.wire import ReferenceRecord, Sealer, UnreadableError, decode, key_of
from schemas.money import place_of
from schemas.punctuality import within_ms
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
    from collections.abc import Iterator, Sequence

__all__ = ["ReferenceBook", "key_of"]
log = structlog.get_logger("reference")


class ReferenceBook:
    """All reference records, by kind and name. A lower version never replaces a higher one.

    `cipher` opens the configuration of providers. `problems`: key → why its newest record is not used, also
    in the log; the one before it stays in force.
    """

    def __init__(self, cipher: Sealer | None = None) -> None:
        self.problems: dict[str, str] = {}
        self._cipher = cipher
        self._records: dict[str, ReferenceRecord] = {}
        self._secrets: dict[str, frozenset[str] | None] = {}  # by template; emptied by changes
        self._providers: dict[str, tuple[Provider, ...]] = {}  # channel → in order; likewise
        self._reporting: dict[str, tuple[str, ...]] = {}  # channel → names; likewise
        self._within: dict[tuple[str, str], int] | None = None  # of those that have a time; likewise

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the topic in; never raises."""
        name = key.decode("utf-8", "replace")
        self.problems.pop(name, None)
        if value is None:
            self._records.pop(name, None)
        else:
            try:
                record = decode(name, value, self._cipher)
            except UnreadableError as error:
                self.problems[name] = str(error)
                log.warning("reference_not_used", key=name, problem=self.problems[name])
                return
            known = self._records.get(name)
            if known is not None and record.version < known.version:
                return
            self._records[name] = record
        self._secrets.clear()
        self._providers.clear()
        self._reporting.clear()
        self._within = None

    def type(self, code: str) -> NotificationType | None:
        """Find a notification type."""
        found = self._records.get(f"type:{code}")
        return found if isinstance(found, NotificationType) else None

    def template(self, name: str, channel: str, language: str) -> Template | None:
        """Find the template of exactly this language."""
        found = self._records.get(f"template:{name}/{channel}/{language}")
        return found if isinstance(found, Template) else None

    def rule(self, topic: str, event_type: str) -> Rule | None:
        """Find what an event of this topic becomes."""
        found = self._records.get(f"rule:{topic}/{event_type}")
        return found if isinstance(found, Rule) else None

    def budget(self, of: str) -> SpendingBudget | None:
        """Find what may be spent of a scope."""
        found = self._records.get(f"budget:{of}")
        return found if isinstance(found, SpendingBudget) else None

    def tag(self, tag: str) -> SeenTag | None:
        """Find where facts of a tag go; a tag switched off is found too."""
        found = self._records.get(f"tag:{tag}")
        return found if isinstance(found, SeenTag) else None

    def communication(self, communication_id: str) -> Communication | None:
        """Find what can be published to an audience."""
        found = self._records.get(f"communication:{communication_id}")
        return found if isinstance(found, Communication) else None

    def filter(self, filter_id: str) -> AudienceFilter | None:
        """Find an audience filter."""
        found = self._records.get(f"filter:{filter_id}")
        return found if isinstance(found, AudienceFilter) else None

    def experiment(self, name: str) -> Experiment | None:
        """Find a stored filter expression."""
        found = self._records.get(f"experiment:{name}")
        return found if isinstance(found, Experiment) else None

    def tags(self) -> list[SeenTag]:
        """List tags, those switched off too."""
        return [record for record in self._records.values() if isinstance(record, SeenTag)]

    def secret_variables(self, code: str) -> frozenset[str] | None:
        """Name what any template of the type marks as secret (NS-EVT-OP-09); None: none is known yet."""
        found = self.type(code)
        if found is None:
            return None
        if found.template_name not in self._secrets:
            self._secrets[found.template_name] = self._secrets_of(found.template_name)
        return self._secrets[found.template_name]

    def provider(self, channel: str, name: str) -> Provider | None:
        """Find a provider, active or not."""
        found = self._records.get(f"provider:{channel}/{name}")
        return found if isinstance(found, Provider) else None

    def receipts_within_ms(self, channel: str, name: str) -> int | None:
        """How soon a provider has to report, where its entry says so; active or not."""
        if self._within is None:
            providers = (record for record in self._records.values() if isinstance(record, Provider))
            judged = (((each.channel_type, each.name), within_ms(each)) for each in providers)
            self._within = {name: limit_ms for name, limit_ms in judged if limit_ms is not None}
        return self._within.get((channel, name))

    def providers(self, channel: str) -> Sequence[Provider]:
        """List active providers in the order in which they are tried (NS-DATA-OP-19)."""
        if channel not in self._providers:
            self._providers[channel] = self._in_order(channel)
        return self._providers[channel]

    def reporting(self, channel: str) -> Sequence[str]:
        """Name those that have a webhook, active or not: they report what they took before."""
        if channel not in self._reporting:
            found = (each for each in self._providers_of(channel) if each.config.get(WEBHOOK_KEY))
            self._reporting[channel] = tuple(sorted(each.name for each in found))
        return self._reporting[channel]

    def records(self) -> list[ReferenceRecord]:
        """List everything, by key."""
        return [record for _, record in sorted(self._records.items())]

    def _secrets_of(self, template_name: str) -> frozenset[str] | None:
        templates = [record for record in self._records.values() if isinstance(record, Template)]
        described = [each.variables.items() for each in templates if each.name == template_name]
        if not described:
            return None
        return frozenset(name for each in described for name, form in each if form.get("secret"))

    def _in_order(self, channel: str) -> tuple[Provider, ...]:
        serving = (each for each in self._providers_of(channel) if each.is_active)
        return tuple(sorted(serving, key=lambda each: (-each.priority, place_of(each), each.name)))

    def _providers_of(self, channel: str) -> Iterator[Provider]:
        providers = (record for record in self._records.values() if isinstance(record, Provider))
        return (each for each in providers if each.channel_type == channel)
