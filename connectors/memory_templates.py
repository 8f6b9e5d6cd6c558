"""Templates in memory: what `connectors.postgres.template_rows` promises, without a server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from connectors.postgres.template_rows import Version, Wanted
from connectors.reference.wire import key_of
from connectors.templates.shelf import Stored, same
from connectors.templates.splicing import is_part
from schemas.ids import derived

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from connectors.access.actor import Actor
    from connectors.templates.shelf import Change
    from schemas.records import Template


@dataclass
class MemoryTemplates:
    """Rows, versions, what workers get. `types`: template name → codes; `data`: by message and name.

    `categories`: those of types by template name.
    """

    now_ms: Callable[[], int] = lambda: 0
    types: dict[str, list[str]] = field(default_factory=dict)
    categories: dict[str, set[str]] = field(default_factory=dict)
    data: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    history: dict[str, list[Version]] = field(default_factory=dict)
    requests: dict[str, Stored] = field(default_factory=dict)
    outbox: list[tuple[str, int, Template | None]] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self, *, writes: bool) -> AsyncIterator[MemoryTemplates]:
        """As `template_rows`: what a block that raises has written is gone."""
        _ = writes
        before = (
            dict(self.stored),
            {key: [*each] for key, each in self.history.items()},
            dict(self.requests),
        )
        sent = len(self.outbox)
        try:
            yield self
        except BaseException:
            self.stored, self.history, self.requests = before
            del self.outbox[sent:]
            raise

    async def by_id(self, template_id: str) -> Stored | None:
        found = [each for each in self.stored.values() if each.template_id == template_id]
        return found[0] if found else None

    async def by_name(self, name: str, channel: str, language: str) -> Stored | None:
        return self.stored.get(f"template:{name}/{channel}/{language}")

    async def by_request(self, request_key: str) -> Stored | None:
        return self.requests.get(request_key)

    async def parts(self, channel: str) -> list[Template]:
        texts = [each.template for each in self.stored.values()]
        return [each for each in texts if is_part(each.name) and each.channel_type == channel]

    async def using(self, part: str, channel: str) -> list[Stored]:
        return [
            each
            for _, each in sorted(self.stored.items())
            if part in each.template.parts and each.template.channel_type == channel
        ]

    async def types_of(self, name: str) -> list[str]:
        return self.types.get(name, [])

    async def categories_of(self, name: str) -> set[str]:
        texts = [each.template for each in self.stored.values()]
        return {each.category for each in texts if each.name == name} | self.categories.get(name, set())

    async def languages_of(self, name: str, channel: str) -> list[str]:
        texts = [each.template for each in self.stored.values()]
        return [each.language_code for each in texts if (each.name, each.channel_type) == (name, channel)]

    async def text(self, template_id: str, version: int) -> Template | None:
        stored = await self.by_id(template_id)
        texts = self._versions(stored) if stored else []
        return next((each.template for each in texts if each.template.version == version), None)

    async def write(self, template: Template, change: Change) -> Stored:
        key = key_of(template)
        stored = self.stored.get(key)
        if stored is None or not same(stored.template, template) or stored.template.parts != template.parts:
            stored = self._next(key, template, change)
        if change.is_filed:
            stored = stored._replace(filed_version=stored.template.version)
        self.stored[key] = stored
        return stored

    async def known_to_files(self, stored: Stored) -> None:
        self.stored[key_of(stored.template)] = stored._replace(filed_version=stored.template.version)

    async def remove(self, stored: Stored, actor: Actor) -> None:  # noqa: ARG002 - nobody audits memory
        key = key_of(stored.template)
        del self.stored[key]
        self.history[key].append(Version(replace(stored.template, version=self._latest(key) + 1), 0, None))
        self.outbox.append((key, self._latest(key), None))

    async def page(self, wanted: Wanted) -> tuple[list[Stored], int]:
        """Some of the templates, and how many there are."""
        asked = (wanted.channel, wanted.language, wanted.name)
        found = sorted((_place(each), each) for each in self.stored.values())
        fitting = [
            (place, each)
            for place, each in found
            if all(
                want in {None, has} for want, has in zip(asked, (place[1], place[2], place[0]), strict=True)
            )
        ]
        behind = [each for place, each in fitting if wanted.behind is None or place > wanted.behind]
        return behind[wanted.skip : wanted.skip + wanted.limit], len(fitting)

    async def versions(self, template_id: str, below: int | None, limit: int) -> list[Version]:
        """Versions of a template, the newest first."""
        stored = await self.by_id(template_id)
        found = self._versions(stored)[::-1] if stored else []
        return [each for each in found if below is None or each.template.version < below][:limit]

    async def data_of(self, message_id: str, name: str) -> dict[str, Any] | None:
        """What a message of the template of this name was rendered with."""
        return self.data.get((message_id, name))

    def _next(self, key: str, template: Template, change: Change) -> Stored:
        before, now = self.stored.get(key), self.now_ms()
        written = replace(template, version=self._latest(key) + 1)
        if before is None:
            stored = Stored(derived("template", key, str(written.version)), written, now)
        else:
            stored = before._replace(template=written, updated_at=now)
        self.history.setdefault(key, []).append(Version(written, now, change.author))
        self.outbox.append((key, written.version, written))
        if change.request_key is not None:
            self.requests[change.request_key] = stored
        return stored

    def _latest(self, key: str) -> int:
        return max((each.template.version for each in self.history.get(key, [])), default=0)

    def _versions(self, stored: Stored) -> list[Version]:
        """Since it was made: what was deleted under this name before had another id."""
        key = key_of(stored.template)
        ends = [number for number, (name, _, text) in enumerate(self.outbox) if name == key and text is None]
        first = self.outbox[ends[-1]][1] + 1 if ends else 1
        return [each for each in self.history[key] if each.template.version >= first]


def _place(stored: Stored) -> tuple[str, str, str]:
    return stored.template.name, stored.template.channel_type, stored.template.language_code
