"""What audiences need: communications, filters and stored filter expressions, as files give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.reference.files import read_directory
from tests.unit.connectors.reference.test_files import faults, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.spec("AUD-OP-30")
def test_the_id_of_a_communication_can_be_part_of_a_label(tmp_path: Path) -> None:
    files = {"communications.yaml": "- {id: 'a:b', kind: fullscreen, content: {}}"}
    assert ["communications.yaml, entry 1 (a:b): `id`: only letters of ASCII, digits, `_`, `.` and `-`"] == (
        faults(tmp_path, files)
    )


def test_a_filter_compares_booleans_texts_or_numbers(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, {"filters.yaml": "- {filter_id: since, value_type: date}"})
    assert "`value_type`: 'date' is none of boolean, string, number" in fault


@pytest.mark.spec("AUD-OP-24 CRM-021")
def test_an_experiment_must_restrict_somebody_and_keep_to_one_type_of_value(tmp_path: Path) -> None:
    text = "- {name: a, filters: {}}\n- {name: b, filters: {x: []}}\n- {name: c, filters: {x: [1, true]}}"
    text += "\n- {name: d, filters: {x: {y: 1}}}"
    told = faults(tmp_path, {"experiments.yaml": text})
    assert [
        "experiments.yaml, entry 1 (a): `filters`: name at least one filter with a value",
        "experiments.yaml, entry 2 (b): `filters`: name at least one filter with a value",
        "experiments.yaml, entry 3 (c): `filters.x`: its values must be of one type",
        "experiments.yaml, entry 4 (d): `filters.x`: a value is a boolean, a string or a number",
    ] == told


def test_filters_of_experiments_that_lead_nowhere_are_remarks(tmp_path: Path) -> None:
    files = {
        "filters.yaml": "- {filter_id: trips, value_type: number}",
        "experiments.yaml": "- {name: a, filters: {gone: 1, trips: many}}",
    }
    assert read_directory(written(tmp_path, files)).warnings == [
        "experiment a: filter `gone` is not in filters.yaml",
        "experiment a: filter `trips` compares a number",
    ]
