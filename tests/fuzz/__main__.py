"""`python -m tests.fuzz --seconds N [TARGET…]`: look for inputs that the product does not expect.

Without targets all of them, one after the other, N seconds each. `--atheris` takes one target and lets
atheris choose the inputs by the lines they reach (the package is an extra: `pip install atheris`).
Ends with 1 when something was found; hypothesis prints the smallest input that shows it.
"""

from __future__ import annotations

import argparse
import importlib
import secrets
import sys
import traceback
from collections.abc import Sequence
from typing import Any

ROOMS = ["schemas", "connectors", "streams"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; the exit code."""
    options = _parser().parse_args(arguments)
    if options.atheris:
        return _under_atheris(options.targets, int(options.seconds))
    run, targets = _modules()
    if unknown := set(options.targets) - set(targets):
        sys.stderr.write(f"no target {', '.join(sorted(unknown))}; there are {', '.join(targets)}\n")
        return 2
    found = 0
    for name in options.targets or list(targets):
        try:
            run.run_for(targets[name], options.seconds, options.seed, print)
        except Exception:  # noqa: BLE001 - whatever an input raises is a finding
            traceback.print_exc()
            found = 1
    return found


def _modules() -> tuple[Any, Any]:
    return importlib.import_module("tests.fuzz.run"), importlib.import_module("tests.fuzz.targets").TARGETS


def _under_atheris(names: Sequence[str], seconds: int) -> int:
    """Does not come back: libFuzzer ends the process itself."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=ROOMS):
        run, targets = _modules()
    if len(names) != 1 or names[0] not in targets:
        sys.stderr.write(f"--atheris takes one of {', '.join(targets)}\n")
        return 2
    target = targets[names[0]]
    with target.world() as check:
        atheris.Setup([sys.argv[0], f"-max_total_time={seconds}"], run.entry_of(target, check))
        atheris.Fuzz()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="all of them by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="of the first round")
    parser.add_argument("--atheris", action="store_true", help="let atheris choose the inputs of one target")
    return parser


if __name__ == "__main__":
    sys.exit(main())
