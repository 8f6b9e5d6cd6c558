"""Changes of templates: over HTTP by id and version, from files by comparing three ways.

Every change reads and writes in one transaction that no other change overlaps. Whoever writes over a version
he cannot know is refused, so neither side loses what the other wrote (DECISIONS.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec.structs import replace

from connectors.access.actor import PRODUCT, Actor
from connectors.reference.checks import record_checks
from connectors.reference.wire import key_of
from connectors.templates import faults as f
from connectors.templates.apart import apart
from connectors.templates.bundle import among, bundled
from connectors.templates.rights import check_rights
from connectors.templates.splicing import is_part
from schemas.languages import DEFAULT_LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from schemas.records import Template

FILES = "files"


class Stored(NamedTuple):
    """A template in force. `filed_version`: the version that the files know. Times in ms."""

    template_id: str
    template: Template
    created_at: int
    updated_at: int | None = None
    filed_version: int | None = None

    @property
    def is_filed(self) -> bool:
        """Whether the files wrote what is in force."""
        return self.filed_version == self.template.version


class Change(NamedTuple):
    """Who writes, as versions and as the audit log name him. `request_key`: his idempotency key.

    `is_filed`: the files will know the new version. `only`: he may write templates of this category alone.
    """

    author: str
    request_key: str | None = None
    is_filed: bool = False
    actor: Actor = PRODUCT
    only: str | None = None


class Rows(Protocol):
    """Templates as one transaction sees and writes them; only those in force, but for `text`."""

    async def by_id(self, template_id: str) -> Stored | None: ...
    async def by_name(self, name: str, channel: str, language: str) -> Stored | None: ...
    async def by_request(self, request_key: str) -> Stored | None:
        """The template that a request made, as it made it."""

    async def parts(self, channel: str) -> list[Template]: ...
    async def using(self, part: str, channel: str) -> list[Stored]: ...
    async def types_of(self, name: str) -> list[str]:
        """Codes of the notification types that use a template's name."""
        ...

    async def categories_of(self, name: str) -> set[str]:
        """Those of all templates of a name, and of the notification types that use it."""
        ...

    async def languages_of(self, name: str, channel: str) -> list[str]: ...
    async def text(self, template_id: str, version: int) -> Template | None: ...
    async def write(self, template: Template, change: Change) -> Stored:
        """Put in force under the next version and leave word for the workers; nothing, when it is so."""
        ...

    async def known_to_files(self, stored: Stored) -> None:
        """Note that the files hold what is in force."""

    async def remove(self, stored: Stored, actor: Actor) -> None: ...


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of templates out of files, by key. `kept`: edited elsewhere, and not in the files.

    `versions`: what the files hold now.
    """

    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)


async def create(rows: Rows, template: Template, change: Change) -> tuple[Stored, bool]:
    """Make a new one; the flag says that the same request has made it before."""
    await check_rights(rows, template, change)
    if change.request_key is not None:
        made = await rows.by_request(change.request_key)
        if made is not None:
            if not same(made.template, template):
                raise f.OtherRequestError(change.request_key)
            return made, True
    there = await rows.by_name(template.name, template.channel_type, template.language_code)
    if there is not None:
        raise f.DuplicateTemplateError(there.template_id)
    return await _write(rows, template, change), False


async def edit(
    rows: Rows, template_id: str, template: Template, change: Change, expected: int | None
) -> Stored:
    """Write the next version; what is so already stays, whatever version is expected (RFC 9110, 13.1.1)."""
    stored = await _known(rows, template_id)
    if key_of(stored.template) != key_of(template):
        raise f.RenamedTemplateError
    await check_rights(rows, template, change)
    if same(stored.template, template):
        return stored
    check_version(stored, expected)
    return await _write(rows, template, change)


async def roll_back(
    rows: Rows, template_id: str, version: int, change: Change, expected: int | None
) -> Stored:
    """Write the next version with the text of an older one, and the parts of today."""
    text = await rows.text(template_id, version)
    if text is None:
        raise f.UnknownTemplateError
    return await edit(rows, template_id, text, change, expected)


async def remove(rows: Rows, template_id: str, expected: int | None, actor: Actor = PRODUCT) -> Stored:
    """Mark as deleted, unless a send would then find no text (NS-TPL-OP-04)."""
    stored = await _known(rows, template_id)
    if expected is not None:
        check_version(stored, expected)
    users = await _users(rows, stored.template)
    if users:
        raise f.TemplateInUseError(users)
    await rows.remove(stored, actor)
    return stored


async def file_in(
    rows: Rows,
    templates: Iterable[Template],
    known: Mapping[str, int],
    *,
    force: bool = False,
    actor: Actor = PRODUCT,
) -> Filed:
    """Write what files say, bundled. `known`: versions by key that the files started from, where they say.

    A template edited elsewhere since then is kept while its file says what it said; else it is a conflict.
    """
    filed = Filed()
    for template in sorted(templates, key=_order):
        key = key_of(template)
        stored = await rows.by_name(template.name, template.channel_type, template.language_code)
        base = known.get(key) or (stored.filed_version if stored else None)
        if stored is not None and same(stored.template, template):
            await rows.known_to_files(stored)
            filed.versions[key] = stored.template.version
            continue
        text = await rows.text(stored.template_id, base) if stored and base else None
        if stored is None or force or (text is not None and same(text, stored.template)):
            written = await _write(rows, template, Change(FILES, is_filed=True, actor=actor))
            filed.versions[key] = written.template.version
            filed.changed.append(key)
        else:
            unedited = text is not None and same(text, template)
            (filed.kept if unedited else filed.conflicts).append(key)
    return filed


def same(one: Template, other: Template) -> bool:
    """Whether an author wrote the same: versions and parts aside."""
    return replace(one, version=0, parts={}) == replace(other, version=0, parts={})


def check_version(stored: Stored, expected: int | None) -> None:
    """Refuse a writer who knows another version; without one, what the files wrote is not written over."""
    is_blind = expected is None and stored.is_filed
    if is_blind or expected not in {None, stored.template.version}:
        raise f.StaleTemplateError(stored.template.version, is_filed=is_blind)


def _order(template: Template) -> tuple[bool, int]:
    """Parts before what uses them: files are read with their parts, and a part has fewer than its user."""
    return not is_part(template.name), len(template.parts)


async def _known(rows: Rows, template_id: str) -> Stored:
    stored = await rows.by_id(template_id)
    if stored is None:
        raise f.UnknownTemplateError
    return stored


async def _users(rows: Rows, template: Template) -> Sequence[str]:
    """Who would miss it. Another language than the default is missed by nobody: sends fall back."""
    name, channel = template.name, template.channel_type
    if is_part(name):
        return [key_of(each.template) for each in await rows.using(name, channel)]
    others = set(await rows.languages_of(name, channel)) - {template.language_code}
    if DEFAULT_LANGUAGE in others:
        return []
    return [f"type:{code}" for code in await rows.types_of(name)]


async def _write(rows: Rows, template: Template, change: Change) -> Stored:
    parts = await rows.parts(template.channel_type)
    stored = await rows.write(await _checked(template, parts), change)
    if is_part(template.name):
        await _pass_on(rows, template, change)
    return stored


async def _pass_on(rows: Rows, part: Template, change: Change) -> None:
    """Give every template that uses a part its new text, as a version of its own."""
    parts = await rows.parts(part.channel_type)
    for user in await rows.using(part.name, part.channel_type):
        whole = await _checked(user.template, parts)
        if whole != user.template:
            await rows.write(whole, change._replace(request_key=None, is_filed=user.is_filed))


async def _checked(template: Template, parts: Sequence[Template]) -> Template:
    """The template with its parts; read and checked in a thread, for it may be large."""
    whole = await apart(bundled, template, among([*parts, template]))
    found, _ = await apart(record_checks, whole)
    if found:
        raise f.InvalidTemplateError([f"{key_of(template)}: {fault}" for fault in found])
    return whole
