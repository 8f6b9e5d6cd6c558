"""A short share of each target, the same in every run; `python -m tests.fuzz` looks further."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.fuzz.run import run_examples
from tests.fuzz.target import NeverEndsError, Target, bounded
from tests.fuzz.targets import TARGETS

EXAMPLES = {"posts": 150, "templates": 150, "apply": 60, "settings": 60, "times": 100}
MANY = 200
ROOT = Path(__file__).parents[2]


@pytest.mark.spec("NS-SEC-013")
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_of_a_target_does_what_nobody_decided(name: str) -> None:
    run_examples(TARGETS[name], EXAMPLES.get(name, MANY))


def test_what_a_check_raises_is_found() -> None:
    def check(value: int) -> None:
        assert value < 1000

    with pytest.raises(AssertionError):
        run_examples(Target.of("odd", "", st.integers(), check), 200)


def test_what_never_ends_is_found() -> None:
    with pytest.raises(NeverEndsError):
        _endless()


def _endless() -> None:
    with bounded(0.05):
        while True:
            pass


def test_what_hears_no_signal_ends_the_process_and_says_where() -> None:
    text = "import time\nfrom tests.fuzz.target import bounded\nwith bounded(stuck_s=0.2):\n  time.sleep(60)"
    ended = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, check=False)
    assert (1, True) == (ended.returncode, b"line 4 in <module>" in ended.stderr)
