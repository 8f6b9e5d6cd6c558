"""The bench of mails on a detour: few of them, through real mail servers of which the first is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.detour.figures import rows
from bench.detour.page import write_page
from bench.detour.run import run

MAILS, RATE = 500, 60.0


@pytest.mark.spec("NS-OPS-041 NS-OPS-043 NS-OPS-OP-06 NS-SND-044")
async def test_no_mail_is_lost_nor_repeated_unlisted_while_the_first_provider_dies_and_returns(
    tmp_path: Path,
) -> None:
    """How soon, the bench measures."""
    ran = await run(tmp_path / "detour", MAILS, RATE, print)
    assert {} == ran.wrong
    assert MAILS == len(ran.told.books.mails) == len(ran.ways)
    assert MAILS == rows(ran.told, ran.ways)[-1]["mails"]
    write_page(ran, tmp_path)
    assert "**None lost, none repeated" in (tmp_path / "detour.md").read_text(encoding="utf-8")
