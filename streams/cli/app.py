"""All commands, joined."""

from __future__ import annotations

import typer

from streams.cli import dead, doctor, look, run, send, topic

app = typer.Typer(
    name="carillon",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A notification pipeline on Kafka: nothing lost, nothing repeated, and the answer to every why.",
    epilog="Example: `carillon up`, then in another terminal `carillon send …` and `carillon why ID`.",
)
app.command()(run.up)
app.command()(run.demo)
app.command()(run.worker)
app.command()(run.http)
app.command()(run.apply)
app.command()(send.send)
app.command()(look.why)
app.command()(doctor.doctor)
app.add_typer(topic.app, name="topics")
app.add_typer(dead.app, name="dlq")
app.add_typer(topic.offsets, name="offsets")
