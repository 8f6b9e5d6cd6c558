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


def test_an_experiment_keeps_to_the_limits_of_what_is_published(tmp_path: Path) -> None:
    filters = ", ".join(f"f{n}: a" for n in range(51))
    values = ", ".join(map(str, range(1001)))
    text = f"- {{name: a, filters: {{{filters}}}}}\n- {{name: b, filters: {{x: [{values}]}}}}"
    text += (
        f"\n- {{name: c, filters: {{x: {2**53}}}}}\n- {{name: d, filters: {{x: .nan, y: [-1, {2**53 - 1}]}}}}"
    )
    told = faults(tmp_path, {"experiments.yaml": text})
    number = "a number lies between -9007199254740991 and 9007199254740991"
    assert [
        "experiments.yaml, entry 1 (a): `filters`: at most 50 of them",
        "experiments.yaml, entry 2 (b): `filters.x`: at most 1000 values",
        f"experiments.yaml, entry 3 (c): `filters.x`: {number}",
        f"experiments.yaml, entry 4 (d): `filters.x`: {number}",
    ] == told
