"""The reference book: everything of the topic `reference` in memory, by name (design rule 16)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from schemas.records import NotificationType, Provider, Rule, SeenTag, Template

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS: dict[str, type[msgspec.Struct]] = {
    "type": NotificationType,
    "template": Template,
    "rule": Rule,
    "provider": Provider,
    "tag": SeenTag,
}
_log = structlog.get_logger(__name__)


def key_of(record: msgspec.Struct) -> str:
    """Key of a record in the topic: `<kind>:<name>`."""
    match record:
        case NotificationType():
            return f"type:{record.code}"
        case Template():
            return f"template:{record.name}/{record.channel_type}/{record.language_code}"
        case Rule():
            return f"rule:{record.topic}/{record.event_type}"
        case Provider():
            return f"provider:{record.channel_type}/{record.name}"
        case SeenTag():
            return f"tag:{record.tag}"
        case _:
            raise TypeError(f"{type(record).__name__} is no reference data")


class ReferenceBook:
    """The synchronous half of `agents.ports.Reference`, fed with the topic's records in order."""

    def __init__(self) -> None:
        self._records: dict[str, Any] = {}
        self._providers: dict[str, tuple[Provider, ...]] = {}
        self._secrets: dict[str, frozenset[str]] = {}

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the topic; None removes. A lower version than the known one changes nothing."""
        name = key.decode(errors="replace")
        kind = KINDS.get(name.partition(":")[0])
        if kind is None:
            return
        if value is None:
            self._records.pop(name, None)
        else:
            try:
                record: Any = msgspec.json.decode(value, type=kind)
            except msgspec.MsgspecError as error:
                _log.warning("reference_ignored", key=name, error=str(error))
                return
            known = self._records.get(name)
            if known is not None and record.version < known.version:
                return
            self._records[name] = record
        self._providers.clear()
        self._secrets.clear()

    def type(self, code: str) -> NotificationType | None:
        """A notification type by its code."""
        return self._records.get(f"type:{code}")

    def template(self, name: str, channel: str, language: str) -> Template | None:
        """A template of exactly this channel and language."""
        return self._records.get(f"template:{name}/{channel}/{language}")

    def rule(self, topic: str, event_type: str) -> Rule | None:
        """What an event of a topic is mapped to."""
        return self._records.get(f"rule:{topic}/{event_type}")

    def tag(self, tag: str) -> SeenTag | None:
        """Where seen facts of a tag go."""
        return self._records.get(f"tag:{tag}")

    def providers(self, channel: str) -> Iterable[Provider]:
        """Active providers of a channel: higher priority first, then lower cost, then name (NS-DATA-OP-19)."""
        found = self._providers.get(channel)
        if found is None:
            by_channel: defaultdict[str, list[Provider]] = defaultdict(list)
            for record in self._records.values():
                if isinstance(record, Provider) and record.is_active:
                    by_channel[record.channel_type].append(record)
            chosen = sorted(by_channel[channel], key=lambda p: (-p.priority, p.cost, p.name))
            found = self._providers[channel] = tuple(chosen)
        return found

    def secret_variables(self, code: str) -> frozenset[str]:
        """Variables that any template of the type marks as secret (NS-EVT-OP-09)."""
        found = self._secrets.get(code)
        if found is None:
            kind = self.type(code)
            names = () if kind is None else self._secret_names(kind.template_name)
            found = self._secrets[code] = frozenset(names)
        return found

    def _secret_names(self, template_name: str) -> Iterable[str]:
        for record in self._records.values():
            if isinstance(record, Template) and record.name == template_name:
                yield from (name for name, about in record.variables.items() if about.get("secret"))
