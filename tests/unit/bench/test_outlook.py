"""The outlook multiplies what was measured, names the scarcest first, and says where each figure is from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.outlook import Cluster, Measured, Outlook, measured_of
from bench.outlook_text import told

MEASURED = Measured(
    fewest=1,
    most=64,
    keys=1_000_000,
    broker_us_per_transaction=4_000,
    client_us_per_transaction=2_000,
    per_transaction=1.5,
    idle_broker_us=100,
    idle_client_us=200,
    memory_kib=512,
    handles=3,
    open_s=0.05,
    restored_per_s=500_000,
)
OUTLOOK = Outlook(MEASURED, Cluster())


def row(partitions: int, **figures: float) -> dict[str, float]:
    return {"partitions": partitions, **figures}


def test_a_task_costs_the_difference_between_few_and_many_partitions() -> None:
    common = {"transaction_broker_us": 1.0, "transaction_us": 2.0, "per_transaction": 3.0}
    few = row(1, idle_us=1_000, idle_broker_us=500, rss_mib=60, handles=30, open_s=0.5, **common)
    some = row(4, idle_us=9, idle_broker_us=9, rss_mib=9, handles=9, open_s=9, **common)
    many = row(11, idle_us=3_000, idle_broker_us=400, rss_mib=80, handles=50, open_s=2.2, **common)
    found = measured_of(
        [many, few, some], [{"keys": 10, "restore_rate": 7.0}, {"keys": 5, "restore_rate": 9.0}]
    )
    assert (1, 11, 10) == (found.fewest, found.most, found.keys)
    assert (200, 0, 2_048, 2) == (
        found.idle_client_us,
        found.idle_broker_us,
        found.memory_kib,
        found.handles,
    )
    assert pytest.approx(0.2) == found.open_s
    assert 7.0 == found.restored_per_s


def test_what_is_needed_and_what_there_is() -> None:
    found = {one.name: one for one in OUTLOOK.limits()}
    transactions = found["transactions, brokers' CPU"]
    assert (20_000, 6_000) == (transactions.need, transactions.have)
    assert (0.8, 24) == (
        found["idle producers, brokers' CPU"].need,
        found["idle producers, brokers' CPU"].have,
    )
    assert (1.6, 64) == (found["idle tasks, workers' CPU"].need, found["idle tasks, workers' CPU"].have)
    assert 250 == found["memory of a worker"].need
    assert 1_500 == found["open handles of a worker"].need
    assert 12.5 == found["restore of a lost disk"].need
    assert pytest.approx(10 + 8_000 / 16 / 15 * 0.05) == found["rebalance after a lost worker"].need


def test_the_scarcest_comes_first() -> None:
    shares = [one.used for one in OUTLOOK.limits()]
    assert sorted(shares, reverse=True) == shares
    slow = Outlook(replace(MEASURED, restored_per_s=1_000), Cluster())
    assert "restore of a lost disk" == slow.limits()[0].name


def test_the_pace_is_that_at_which_busy_tasks_fit_the_brokers() -> None:
    assert pytest.approx(8_000 / 6_000) == OUTLOOK.pace_s


def test_so_many_workers_share_the_rows_that_one_restores_in_time() -> None:
    assert 14 == OUTLOOK.workers_to_restore


def test_every_line_says_from_which_figure_it_comes() -> None:
    text = told(OUTLOOK)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "%" in line]
    assert 8 == len(rows)
    for one, line in zip(OUTLOOK.limits(), rows, strict=True):
        assert one.source
        assert line.endswith(f"| {one.source} |")
    assert "**First breaks: transactions, brokers' CPU (333%).**" in text
