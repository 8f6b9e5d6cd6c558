"""Commands that run something: `up`, `demo`, `worker`, `http`, `migrate`, `apply`."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from streams.access import operator
from streams.applying import file_directory, filed_told
from streams.demo.run import run_demo
from streams.http import run_http
from streams.keeping import first_of
from streams.logs import configure, hide_retries
from streams.migrating import bring_tables_up
from streams.running import pipeline
from streams.servers import located
from streams.settings import Settings, load_settings
from streams.stages import chosen, stage_names
from streams.worker import run_worker

DataDir = Annotated[
    Path | None, typer.Option(help="Folder of table stores and of the embedded servers' data.")
]


def up(data_dir: DataDir = None) -> None:
    """Run everything on this machine: embedded servers, all stages, HTTP. Ctrl-C drains and stops all of it.

    Example: carillon up --data-dir .carillon
    """
    settings = _settings(data_dir)
    hide_retries()
    console = Console(highlight=False)

    async def main() -> int:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with pipeline(settings, console.print) as running:
            at = running.at
            console.print(f"HTTP      {at.http}  (operations {at.http_ops})")
            console.print(f"Worker    operations {at.worker_ops}")
            console.print(f"Providers {at.fake_url}, SMTP {at.smtp}")
            console.print(f"Database  {at.dsn}")
            console.print("Ready. Ctrl-C stops all of it.")
            ended = await first_of(_asked(stop), running.keep(console.print))
            console.print(ended or "Draining…")
            return int(ended is not None)

    raise typer.Exit(asyncio.run(main()))


async def _asked(stop: asyncio.Event) -> None:
    await stop.wait()


def demo(
    examples: Annotated[Path, typer.Option(help="Folder of the sample data.")] = Path("examples"),
    keep: Annotated[bool, typer.Option(help="Use the data folder of the settings and keep it.")] = False,
) -> None:
    """Feed the sample data through the whole pipeline, show what happened, and check the books.

    Example: carillon demo
    """
    hide_retries()
    if keep:
        raise typer.Exit(run_demo(_settings(None), examples))
    with tempfile.TemporaryDirectory(prefix="carillon-demo-") as folder:
        raise typer.Exit(run_demo(_settings(Path(folder)), examples))


def worker(
    stages: Annotated[str, typer.Option(help="Stages to run, with commas between.")] = "all",
) -> None:
    """Run stages against given servers, or those of a running `carillon up`.

    SIGTERM and Ctrl-C drain and stop it. SIGUSR1 does so for good: with a static id, its tasks are then free
    at once.

    A name stands for all stages that begin with it: `delivery` for every channel's, `intake` for both.

    Example: carillon worker --stages intake,recipient
    """
    try:
        wanted = stage_names() if stages == "all" else chosen(stages.split(","))
    except LookupError as error:
        there_are = ", ".join(stage_names())
        raise typer.BadParameter(f"no stage {error.args[0]}; there are {there_are}") from error
    raise typer.Exit(run_worker(located(_settings(None)), wanted))


def http() -> None:
    """Run the HTTP server against given servers, or those of a running `carillon up`.

    Example: carillon http
    """
    raise typer.Exit(run_http(located(_settings(None))))


def migrate() -> None:
    """Bring Postgres to the tables of this version, before its workers start; `up` does it by itself.

    Example: carillon migrate
    """
    done = asyncio.run(bring_tables_up(located(_settings(None))))
    typer.echo(f"{len(done)} applied" + "".join(f"\n  {name}" for name in done))


def apply(
    directory: Annotated[Path, typer.Option("-f", "--file", help="Folder of YAML files.")],
    force: Annotated[bool, typer.Option(help="Write over templates that were edited elsewhere.")] = False,
) -> None:
    """Load types, templates, rules, providers and seen tags; only what changed gets a new version.

    Example: carillon apply -f examples
    """
    filed = asyncio.run(file_directory(located(_settings(None)), directory, force=force, actor=operator()))
    typer.echo(filed_told(filed))


def _settings(data_dir: Path | None) -> Settings:
    settings = load_settings({"data_dir": data_dir})
    configure(settings.log)
    hide_retries()
    return settings
