"""`carillon template …`: check, show, fetch and store templates as files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from msgspec import to_builtins

from connectors.reference.faults import ReferenceFilesError
from connectors.reference.wire import key_of
from connectors.templates.preview import Preview, preview
from schemas.errors import RenderFailedError
from schemas.records import Template
from streams.access import operator
from streams.applying import filed_told
from streams.logs import hide_retries
from streams.servers import located
from streams.settings import Settings, load_settings
from streams.templates import pull as pull_templates
from streams.templates import push as push_templates
from streams.templates import templates_in

template = typer.Typer(no_args_is_help=True, add_completion=False, help="Templates as files.")
Folder = Annotated[Path, typer.Option("-f", "--file", help="Folder that has `templates/`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@template.command()
def lint(directory: Folder, as_json: Json = False) -> None:
    """Tell what would fail or surprise; needs no server. Example: carillon template lint -f examples."""
    faults: list[str] = []
    remarks: list[str] = []
    count = 0
    try:
        found, remarks = templates_in(directory)
        count = len(found)
    except ReferenceFilesError as error:
        faults = error.faults
    if as_json:
        typer.echo(orjson.dumps({"templates": count, "errors": faults, "warnings": remarks}))
    else:
        lines = [*(f"error    {each}" for each in faults), *(f"warning  {each}" for each in remarks)]
        typer.echo("\n".join([*lines, f"{count} templates, {len(faults)} errors, {len(remarks)} warnings"]))
    raise typer.Exit(2 if faults else 0)


@template.command()
def show(
    name: Annotated[str, typer.Argument(help="<name>.<channel>.<language>, as the file is called.")],
    directory: Folder,
    data: Annotated[str, typer.Option(help="JSON object with the variables.")] = "{}",
    samples: Annotated[bool, typer.Option(help="Fill in examples for what the data lacks.")] = True,
    as_json: Json = False,
) -> None:
    """Render a template of a folder; needs no server. Also called `preview`.

    Example: carillon template show welcome.email.ru -f examples

    Example: carillon template preview welcome.email.ru -f examples --data '{"UserName": "Ann"}'
    """
    found = {_file_name(each): each for each in templates_in(directory)[0]}
    if name not in found:
        raise typer.BadParameter(f"{directory} has no template {name}; it has {', '.join(sorted(found))}")
    try:
        made = preview(found[name], _object(data), with_samples=samples)
    except RenderFailedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(orjson.dumps(_told(made)) if as_json else _text(made))


template.command("preview")(show)


@template.command()
def push(
    directory: Folder,
    force: Annotated[bool, typer.Option(help="Write over templates that were edited elsewhere.")] = False,
    as_json: Json = False,
) -> None:
    """Store a folder's templates; refused where somebody else has edited one since, and the files have, too.

    Example: carillon template push -f examples
    """
    filed = asyncio.run(push_templates(_settings(), directory, force=force, actor=operator()))
    typer.echo(orjson.dumps({"changed": filed.changed, "kept": filed.kept}) if as_json else filed_told(filed))


@template.command()
def pull(directory: Folder, as_json: Json = False) -> None:
    """Write the templates in force over the files that differ. Example: carillon template pull -f DIR."""
    changed = asyncio.run(pull_templates(_settings(), directory))
    told = f"{len(changed)} written" + "".join(f"\n  {name}" for name in changed)
    typer.echo(orjson.dumps({"written": changed}) if as_json else told)


def _settings() -> Settings:
    hide_retries()
    return located(load_settings())


def _object(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"--data is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise typer.BadParameter("--data must be a JSON object")
    return found


def _file_name(found: Template) -> str:
    return key_of(found).partition(":")[2].replace("/", ".")


def _told(made: Preview) -> dict[str, Any]:
    content, sms = made
    texts = {name: getattr(content, name) for name in ("subject", "title", "body", "body_text")}
    counted = sms and {"encoding": sms.encoding, "places": sms.places, "segments": sms.segments}
    return texts | {"sms": counted, "image": content.image, "buttons": to_builtins(content.buttons)}


def _text(made: Preview) -> str:
    content, sms = made
    heads = [f"{name}: {text}" for name in ("subject", "title") if (text := getattr(content, name))]
    lines = [*heads, content.body]
    lines += [f"image: {content.image}"] if content.image else []
    lines += [f"[{each.label}] {each.url}" for each in content.buttons]
    if content.body_text:
        lines += ["--- as text", content.body_text]
    if sms:
        because = f" because of {sms.culprit!r}" if sms.culprit else ""
        lines.append(f"--- {sms.segments} segments, {sms.places} places in {sms.encoding}{because}")
    return "\n".join(lines)
