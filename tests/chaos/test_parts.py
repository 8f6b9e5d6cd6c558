"""The parts of the harness: gate, coordinators' answers, recovery times, the page's plots."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from pathlib import Path

import pytest

from bench.curves import Mark, curves
from connectors.embedded.kafka import HOST, free_port
from tests.broker.faults.system import ROOT
from tests.chaos.blows.releases import NEXT, next_release
from tests.chaos.figures import rate, recovery
from tests.chaos.gate import Gate
from tests.chaos.plan import Blow
from tests.chaos.strike import Effect, Struck
from tests.chaos.transactions import Transaction, answer, request
from tests.chaos.watch import Sample, Task


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(100):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def test_a_gate_passes_delays_and_cuts() -> None:
    real, port = free_port(0), free_port(0)
    server, gate = await asyncio.start_server(echo, HOST, real), Gate(port, real)
    await gate.open()
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"one")
    assert b"one" == await reader.readexactly(3)
    assert 0 == gate.delayed
    gate.delay_s = 0.01
    writer.write(b"two")
    assert b"two" == await reader.readexactly(3)
    assert 6 == gate.delayed  # there and back
    assert 1 == gate.drop()
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    await gate.close()
    server.close()
    await server.wait_closed()


def test_a_request_names_its_ids() -> None:
    frame = request(["carillon.intake.0"])
    assert len(frame) - 4 == struct.unpack_from(">i", frame)[0]
    assert b"\x02\x12carillon.intake.0\0" == frame[-20:]


def test_ids_that_a_broker_does_not_keep_are_left_out() -> None:
    kept = struct.pack(">h", 0) + b"\x02a" + b"\x08Ongoing" + bytes(12) + struct.pack(">qh", 7, 3)
    kept += b"\x02" + b"\x02t" + b"\x02" + bytes(4) + b"\0" + b"\0"
    foreign = struct.pack(">h", 16) + b"\x02b" + b"\x01" + bytes(12) + struct.pack(">qh", -1, -1) + b"\x01\0"
    frame = struct.pack(">i", 1) + b"\0" + bytes(4) + b"\x03" + kept + foreign + b"\0"
    assert {"a": Transaction(2, 7, 3, "Ongoing")} == answer(2, frame)


A, B = ("carillon.status", 0), ("carillon.status", 1)


def recovered(*looks: tuple[set[Task], set[Task]]) -> float | None:
    """Of a blow at 10 that was over at 12.5, by looks (who moved, who stood) at 12, 13 and so on."""
    struck = Struck(Blow("worker killed", "worker-a", 0.0, 1), 10.0, 12.5, Effect(proven=True, told=""))
    samples = [
        Sample(12.0 + at, 0, 0, 0, frozenset(moved), frozenset(still))
        for at, (moved, still) in enumerate(looks)
    ]
    return recovery(struck, [Sample(11.0, 0, 0, 0, frozenset({A, B}), frozenset()), *samples])


def test_recovery_lasts_until_each_task_that_stood_has_moved() -> None:
    assert recovered((set(), {A, B}), ({B}, {A}), ({A}, set())) == 4.0


def test_who_stands_again_after_it_has_moved_is_struck_by_another_blow() -> None:
    assert recovered((set(), {A}), ({A}, {B}), ({B}, {A}), (set(), {A})) == 4.0


def test_who_never_stood_needs_no_recovery() -> None:
    assert recovered(({A}, set()), ({A, B}, set())) is None


def test_who_never_moves_again_counts_to_the_end() -> None:
    assert recovered((set(), {A}), ({B}, {A})) == 62.5


def test_a_rate_counts_by_the_second() -> None:
    assert [(0, 0.4), (5, 0.0), (10, 0.2)] == rate([100.0, 104.0, 111.0, 90.0], 100.0)


def test_a_plot_shows_its_lines_and_marks() -> None:
    picture = curves("lag", {"records": [(0.0, 1.0), (5.0, 3.0)]}, [Mark(2.5, "a <blow>")], 5.0)
    assert 1 == picture.count("<polyline")
    assert "a &lt;blow&gt;" in picture


def test_the_next_release_differs_from_this_one_as_its_blow_says(tmp_path: Path) -> None:
    """It is made by replacing text: when the text moves, this fails and not a run of ten minutes."""
    made = next_release(tmp_path / "next")
    for change in NEXT:
        assert (made / change.file).read_text(encoding="utf-8") != (ROOT / change.file).read_text(
            encoding="utf-8"
        )
