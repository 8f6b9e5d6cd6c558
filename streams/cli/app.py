"""All commands, joined. A command's module is imported when it is wanted: `why` needs none of the stages."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

if TYPE_CHECKING:
    from collections.abc import Mapping

WHERE: Final[Mapping[str, str]] = {
    "up": "run",
    "demo": "run",
    "worker": "run",
    "http": "run",
    "migrate": "run",
    "apply": "run",
    "send": "send",
    "why": "look",
    "doctor": "doctor",
    "topics": "topic",
    "dlq": "dead",
    "seen": "seen",
    "keys": "keys",
    "audit": "audit",
    "template": "template",
    "consent": "consent",
    "person": "person",
    "quarantine": "quarantine",
    "crypto": "crypto",
    "offsets": "topic",
}
"""Command or group, and the module of this folder that has it under the same name."""


class Commands(TyperGroup):
    """Imports what is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is click's
        """In the order of the help."""
        return list(WHERE)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """The command, or None for an unknown name."""
        if cmd_name not in WHERE:
            return None
        found = getattr(import_module(f"streams.cli.{WHERE[cmd_name]}"), cmd_name)
        if isinstance(found, typer.Typer):
            return get_group(found)
        alone = typer.Typer(add_completion=False)
        alone.command(cmd_name)(found)
        return get_command(alone)


app = typer.Typer(
    name="carillon",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Example: `carillon up`, then in another terminal `carillon send …` and `carillon why ID`.",
)


@app.callback()
def carillon() -> None:
    """A notification pipeline on Kafka: nothing lost, nothing repeated, and the answer to every why."""
