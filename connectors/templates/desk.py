"""What the HTTP API does with templates: each change is durable for readers and workers before its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from connectors.access.actor import PRODUCT
from connectors.templates import shelf
from connectors.templates.apart import apart
from connectors.templates.faults import UnknownTemplateError
from connectors.templates.preview import Preview, preview

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from connectors.access.actor import Actor
    from connectors.postgres.template_rows import Version, Wanted
    from connectors.templates.shelf import Change, Stored
    from schemas.records import Template

    class Rows(shelf.Rows, Protocol):
        """Rows that can be listed, too."""

        async def page(self, wanted: Wanted) -> tuple[list[Stored], int]: ...
        async def versions(self, template_id: str, below: int | None, limit: int) -> list[Version]: ...
        async def data_of(self, message_id: str, name: str) -> dict[str, Any] | None: ...

    class Opened(Protocol):
        """One transaction; of those that write there is one at a time."""

        def __call__(self, *, writes: bool) -> AbstractAsyncContextManager[Rows]: ...


class Desk:
    """Templates by id. `publish` hands what was written to the workers and returns when the broker has it.

    When it raises, the change stays written and goes out later; whoever repeats it is told so.
    """

    def __init__(self, opened: Opened, publish: Callable[[], Awaitable[object]]) -> None:
        self._opened = opened
        self._publish = publish

    async def create(self, template: Template, change: Change) -> tuple[Stored, bool]:
        """Make one; the flag says that the same request has made it before."""
        async with self._opened(writes=True) as rows:
            made = await shelf.create(rows, template, change)
        await self._publish()
        return made

    async def edit(
        self, template_id: str, template: Template, change: Change, expected: int | None
    ) -> Stored:
        """Write the next version."""
        async with self._opened(writes=True) as rows:
            stored = await shelf.edit(rows, template_id, template, change, expected)
        await self._publish()
        return stored

    async def roll_back(self, template_id: str, version: int, change: Change, expected: int | None) -> Stored:
        """Write the next version with the text of an older one."""
        async with self._opened(writes=True) as rows:
            stored = await shelf.roll_back(rows, template_id, version, change, expected)
        await self._publish()
        return stored

    async def remove(self, template_id: str, expected: int | None, actor: Actor = PRODUCT) -> None:
        """Mark as deleted."""
        async with self._opened(writes=True) as rows:
            await shelf.remove(rows, template_id, expected, actor)
        await self._publish()

    async def find(self, template_id: str) -> Stored:
        """One in force; `UnknownTemplateError` when there is none."""
        async with self._opened(writes=False) as rows:
            stored = await rows.by_id(template_id)
        if stored is None:
            raise UnknownTemplateError
        return stored

    async def page(self, wanted: Wanted) -> tuple[list[Stored], int]:
        """Some of those in force, and how many there are."""
        async with self._opened(writes=False) as rows:
            return await rows.page(wanted)

    async def versions(self, template_id: str, below: int | None, limit: int) -> list[Version]:
        """Versions of one in force, the newest first."""
        async with self._opened(writes=False) as rows:
            if await rows.by_id(template_id) is None:
                raise UnknownTemplateError
            return await rows.versions(template_id, below, limit)

    async def text(self, template_id: str, version: int | None) -> Template:
        """One version, or the one in force."""
        if version is None:
            return (await self.find(template_id)).template
        async with self._opened(writes=False) as rows:
            found = await rows.text(template_id, version)
        if found is None:
            raise UnknownTemplateError
        return found

    async def data_of(self, message_id: str, template: Template) -> dict[str, Any]:
        """What a message of the template was rendered with, secrets masked; of others nothing is shown."""
        async with self._opened(writes=False) as rows:
            found = await rows.data_of(message_id, template.name)
        if found is None:
            raise UnknownTemplateError
        return found

    async def preview(self, template: Template, data: Mapping[str, Any], *, with_samples: bool) -> Preview:
        """Render in a thread: a large one must not hold up what else this process answers."""
        return await apart(preview, template, data, with_samples=with_samples)
