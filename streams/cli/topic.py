"""`carillon topics …` and `carillon offsets …`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import orjson
import typer
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError
from aiokafka.structs import TopicPartition

from connectors.kafka_admin import TopicError, topics_of
from connectors.kafka_clients import Brokers, connected
from connectors.postgres.rows import RowWriter
from schemas.catalogue import catalogue
from streams.outside import engine_config
from streams.rights import RightsError, commands, operator_rights, our_rights, rights_of_others
from streams.scaling.plan import ScaleError
from streams.scaling.run import scale_stage, told
from streams.servers import database_of, located
from streams.settings import Settings, load_settings
from streams.stages import input_topics, stage_names
from streams.topics import DEFAULT_DESTINATIONS, create_topics, wanted

topics = typer.Typer(
    name="topics", no_args_is_help=True, add_completion=False, help="Topics of the pipeline."
)
offsets = typer.Typer(
    name="offsets", no_args_is_help=True, add_completion=False, help="Where stages read on."
)
SINK = "sink"
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@topics.command()
def create() -> None:
    """Create the topics that are missing. Example: carillon topics create."""
    created = asyncio.run(create_topics(located(load_settings())))
    typer.echo(f"{len(created)} created" + "".join(f"\n  {name}" for name in created))


@topics.command("list")
def show(as_json: Json = False) -> None:
    """List topics with their partitions; missing ones are marked. Example: carillon topics list --json."""
    settings = located(load_settings())
    specs = wanted(settings)

    async def counts() -> dict[str, int]:
        async with topics_of(settings.kafka.brokers()) as topics:
            return await topics.partition_counts([spec.name for spec in specs])

    found = asyncio.run(counts())
    if as_json:
        typer.echo(
            orjson.dumps({spec.name: found.get(spec.name) for spec in specs}, option=orjson.OPT_INDENT_2)
        )
        return
    for spec in specs:
        typer.echo(f"{found.get(spec.name, 'missing'):>8}  {spec.name}")


@topics.command()
def scale(
    stage: Annotated[str, typer.Argument(help="Stage that gets more tasks.")],
    partitions: Annotated[
        int, typer.Option(help="Partitions of its inputs: a multiple of the present ones.")
    ],
    max_lag: Annotated[int, typer.Option(help="The most unread records to begin with.")] = 100_000,
    as_json: Json = False,
) -> None:
    """Give a running stage more partitions; run it again if it was interrupted. See docs/scaling.md.

    Example: carillon topics scale recipient --partitions 12
    """
    settings = located(load_settings())
    if stage not in stage_names():
        raise typer.BadParameter(f"no stage {stage}; there are {', '.join(stage_names())}")
    try:
        report = asyncio.run(scale_stage(settings, stage, partitions, max_lag))
    except (ScaleError, TopicError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(orjson.dumps(report))
    elif report.old == report.new:
        typer.echo(f"{stage} has {report.new} partitions")
    else:
        typer.echo(told(report))


@topics.command()
def acls(
    allow: Annotated[
        list[str] | None, typer.Option(help="A user of others and his public topics: user=topic,topic.")
    ] = None,
    destination: Annotated[
        list[str] | None, typer.Option(help="Topic of seen facts that seen.yaml names; more than once.")
    ] = None,
    operator: Annotated[str, typer.Option(help="Who runs these commands.")] = "carillon-operator",
    as_json: Json = False,
) -> None:
    """Print the rights that users need at the brokers, as commands of Kafka's own tool; nothing is asked.

    Ours is the user of CARILLON_KAFKA__USERNAME, else whom our certificate names. See docs/security.md.

    Example: carillon topics acls --allow orders=notification.send.request --allow crm=notification.events
    """
    kafka = load_settings().kafka
    known = catalogue(destinations=destination or DEFAULT_DESTINATIONS)
    try:
        rights = [
            *our_rights(kafka.user or "carillon", kafka.app, known),
            *operator_rights(operator, kafka.app, known),
            *rights_of_others(dict(_user_and_topics(one) for one in allow or ()), known),
        ]
    except RightsError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        typer.echo(orjson.dumps([right._asdict() for right in rights], option=orjson.OPT_INDENT_2))
    else:
        typer.echo("\n".join(commands(rights)))


def _user_and_topics(text: str) -> tuple[str, list[str]]:
    user, _, names = text.rpartition("=")  # a certificate's name has some, too
    if not user or not names:
        raise RightsError(f"{text!r} is not user=topic,topic")
    return user, names.split(",")


@offsets.command("set")
def set_offsets(
    stage: Annotated[str, typer.Argument(help="Stage to move; it must not be running.")],
    to: Annotated[str, typer.Option(help="earliest or latest")],
    topic: Annotated[str | None, typer.Option(help="One input only.")] = None,
) -> None:
    """Decide where a stopped stage reads on. Example: carillon offsets set recipient --to earliest."""
    if to not in {"earliest", "latest"}:
        raise typer.BadParameter("--to is earliest or latest")
    settings = located(load_settings())
    if stage not in stage_names():
        raise typer.BadParameter(f"no stage {stage}; there are {', '.join(stage_names())}")
    topics = input_topics(stage) if topic is None else (topic,)
    config = engine_config(settings)
    try:
        moved = asyncio.run(_move(settings.kafka.brokers(), config.group(stage), topics, to))
    except CommitFailedError:
        held = (
            f"{stage} is still running, or a worker of it ended less than {config.session_timeout_ms} ms ago"
        )
        typer.echo(f"{held}. Stop its workers, wait for as long, and try again.", err=True)
        raise typer.Exit(2) from None
    if stage == SINK:
        asyncio.run(_move_rows(settings, moved))
    for tp, offset in moved.items():
        typer.echo(f"{tp.topic}/{tp.partition} → {offset}")


async def _move_rows(settings: Settings, moved: dict[TopicPartition, int]) -> None:
    """The sink goes by the offsets that stand beside its rows."""
    database = database_of(settings)
    try:
        writer = RowWriter(database, settings.kafka.app)
        for tp, offset in moved.items():
            await writer.move_task(tp.topic, tp.partition, offset)
    finally:
        await database.close()


async def _move(brokers: Brokers, group: str, topics: tuple[str, ...], to: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(**brokers, group_id=group, enable_auto_commit=False)
    async with connected(consumer):
        async with topics_of(brokers) as admin:
            counts = await admin.partition_counts(topics)
        tps = [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
        consumer.assign(tps)
        ends = await (consumer.beginning_offsets(tps) if to == "earliest" else consumer.end_offsets(tps))
        await consumer.commit(dict(ends))
        return dict(ends)
