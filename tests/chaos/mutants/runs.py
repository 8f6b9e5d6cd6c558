"""Runs a course in a copy of the tree, patched or not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from tests.chaos.mutants.outcomes import Came
from tests.chaos.mutants.patches import ROOT, apply, copy_tree

if TYPE_CHECKING:
    from tests.chaos.mutants.patches import Mutant

LONGEST_S: Final = 600
COPY, LIBRARIES = "copy", "libraries"
"""Stand for the folder a run had to itself and for its interpreter's: results name no path of a machine."""


def run_course(course: str, seed: int, mutant: Mutant | None) -> Came:
    """Copy, patch, run; what came of it. RuntimeError when the course itself broke, or ran other source."""
    with tempfile.TemporaryDirectory(prefix="carillon-mutant-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        copy_tree(ROOT, folder)
        if mutant is not None:
            apply(mutant, folder)
        out = folder / "came.json"
        argv = [sys.executable, "-m", "tests.chaos.mutants.course", course, str(seed), str(out)]
        try:
            done = subprocess.run(
                argv, cwd=folder, env=os.environ | {"PYTHONPATH": made}, timeout=LONGEST_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{course} had not ended after {LONGEST_S} s") from None
        if done.returncode or not out.exists():
            raise RuntimeError(f"{course} broke with {done.returncode}")
        raw = out.read_bytes().replace(made.encode(), COPY.encode())  # stacks name folders, too
        raw = raw.replace(sys.prefix.encode(), LIBRARIES.encode())
    came = msgspec.json.decode(raw, type=Came)
    if came.source != COPY:
        raise RuntimeError(f"{course} ran {came.source}, not its copy")
    return msgspec.structs.replace(came, source="")
