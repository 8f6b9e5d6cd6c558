"""Templates between Postgres, the topic `reference` and folders of files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import structlog
import yaml
from aiokafka.errors import KafkaError

from connectors.access.actor import PRODUCT, Actor
from connectors.http.ports import BrokerUnavailableError
from connectors.postgres.database import Database
from connectors.postgres.errors import PostgresError
from connectors.postgres.reference import PublishFailedError
from connectors.postgres.template_rows import Wanted, template_rows
from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import TEMPLATES, read_directory
from connectors.reference.known_versions import known_versions, note_versions
from connectors.reference.wire import key_of
from connectors.templates.desk import Desk
from connectors.templates.shelf import Filed, same
from schemas.records import Template
from streams.applying import file_records, relay
from streams.servers import database_of
from streams.settings import Settings

log = structlog.get_logger("templates")
RELAY_EVERY_S = 5.0
EVERY = 1_000_000
FIELDS = (
    "name",
    "channel_type",
    "language_code",
    "category",
    "subject",
    "title",
    "body",
    "body_text",
    "variables",
)


def desk_of(settings: Settings, database: Database) -> Desk:
    """Templates for the HTTP API."""

    async def publish() -> None:
        try:
            await relay(settings, database)
        except (PublishFailedError, KafkaError) as error:
            log.warning("reference_waits", error=str(error))
            raise BrokerUnavailableError(str(error)) from error

    return Desk(partial(template_rows, database), publish)


async def relay_on(settings: Settings, database: Database) -> None:
    """Publish again and again what was written while the broker was away."""
    while True:
        try:
            await relay(settings, database)
        except (PublishFailedError, KafkaError, PostgresError, OSError) as error:
            log.warning("reference_waits", error=str(error))
        await asyncio.sleep(RELAY_EVERY_S)


def templates_in(folder: Path) -> tuple[list[Template], list[str]]:
    """Templates of a folder with what is remarked of them; `ReferenceFilesError` tells every fault."""
    loaded = read_directory(folder)
    remarks = [each for each in loaded.warnings if each.startswith(f"{TEMPLATES}/")]
    return [record for record in loaded.records if isinstance(record, Template)], remarks


async def push(settings: Settings, folder: Path, *, force: bool = False, actor: Actor = PRODUCT) -> Filed:
    """Write the folder's templates, and note which versions they are now."""
    templates, _ = templates_in(folder)
    filed = await file_records(settings, folder, templates, force=force, actor=actor)
    note_versions(folder, known_versions(folder) | filed.versions)
    return filed


async def pull(settings: Settings, folder: Path) -> list[str]:
    """Write the templates in force to a folder, one file each; the names of the files that changed."""
    in_force = await templates_in_force(settings)
    changed = write_files(folder, in_force.values())
    note_versions(folder, {key: each.version for key, each in in_force.items()})
    return changed


async def templates_in_force(settings: Settings) -> dict[str, Template]:
    """All of them, by key."""
    database = database_of(settings)
    try:
        async with template_rows(database, writes=False) as rows:
            found, _ = await rows.page(Wanted(limit=EVERY))
    finally:
        await database.close()
    return {key_of(each.template): each.template for each in found}


def write_files(folder: Path, templates: Iterable[Template]) -> list[str]:
    """Write the files of templates, but for those that say the same; the names of what was written."""
    (folder / TEMPLATES).mkdir(parents=True, exist_ok=True)
    said = _said(folder)
    found = {key_of(each): each for each in templates}
    different = [each for key, each in found.items() if key not in said or not same(said[key], each)]
    return [_written(folder / TEMPLATES, each) for each in different]


def _written(folder: Path, template: Template) -> str:
    """Write the file of a template; its name."""
    name = f"{template.name}.{template.channel_type}.{template.language_code}.yaml"
    said = {field: value for field in FIELDS if (value := getattr(template, field)) not in (None, {})}
    text = yaml.dump(said, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
    (folder / name).write_text(text, encoding="utf-8")
    return name


def _said(folder: Path) -> dict[str, Template]:
    """What the folder's files say, by key; nothing when they have faults: then they are written anew."""
    try:
        templates, _ = templates_in(folder)
    except ReferenceFilesError:
        return {}
    return {key_of(each): each for each in templates}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if not all(letter == "\n" or letter.isprintable() for letter in text):
        style = '"'  # PyYAML writes U+0085 as it is, and reads a blank
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
