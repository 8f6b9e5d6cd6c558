"""Amounts of money in YAML: the digits that stand there, or a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import load_directory
from schemas.records import Provider, SpendingBudget

ENTRY = "- {name: p, channel_type: sms, kind: fake_sms, cost_per_message: "


def loaded(folder: Path, written: str) -> str | None:
    (folder / "providers.yaml").write_text(f"{ENTRY}{written}}}")
    (found,) = load_directory(folder)
    assert isinstance(found, Provider)
    return found.cost_per_message


@pytest.mark.spec("NS-OPS-OP-12")
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3.5", "3.5"),
        ("3", "3"),
        ('"3.50"', "3.50"),
        ("0.1", "0.1"),
        ("0.00001", "0.00001"),
        ("0", "0"),
        ("null", None),
    ],
)
def test_a_price_is_what_stands_in_the_file(tmp_path: Path, written: str, expected: str | None) -> None:
    assert expected == loaded(tmp_path, written)


@pytest.mark.parametrize("written", ["-1", ".inf", '"1,5"', "0.0000001", "true", "[1]"])
def test_what_is_no_price_is_a_fault_that_names_its_key(tmp_path: Path, written: str) -> None:
    with pytest.raises(ReferenceFilesError, match="cost_per_message"):
        loaded(tmp_path, written)


@pytest.mark.spec("NS-OPS-OP-12")
def test_a_budget_names_its_scope_and_its_limits(tmp_path: Path) -> None:
    (tmp_path / "budgets.yaml").write_text("- {of: campaign/spring, per_day: 10.5, in_all: '100'}")
    expected = SpendingBudget(of="campaign/spring", per_day="10.5", in_all="100")
    assert [expected] == load_directory(tmp_path)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{of: telegraph, per_day: 1}", "`of`: 'telegraph' is none of"),
        ("{of: sms}", "name one of per_day, per_month, in_all"),
        ("{of: sms, per_month: a lot}", "`per_month`: 'a lot' is no amount"),
    ],
)
def test_what_is_no_budget_is_a_fault(tmp_path: Path, entry: str, fault: str) -> None:
    (tmp_path / "budgets.yaml").write_text(f"- {entry}")
    with pytest.raises(ReferenceFilesError) as refused:
        load_directory(tmp_path)
    assert fault in str(refused.value)
