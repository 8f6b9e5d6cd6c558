"""`carillon send` refuses what no stage could use before it looks for a broker."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from streams.cli.app import app

USER = "7b0f6c1e-5d3a-4c55-9a0e-2f1d9b8c7a61"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["nobody", "welcome"], "no UUID"),
        ([USER, "welcome", "--data", "{bad"], "no JSON"),
        ([USER, "welcome", "--data", "[1]"], "must be a JSON object"),
        ([USER], "notification_type"),
    ],
)
def test_what_cannot_be_a_request_is_told_and_ends_with_2(words: list[str], problem: str) -> None:
    result = CliRunner().invoke(app, ["send", *words], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert 2 == result.exit_code
    assert problem in result.output
