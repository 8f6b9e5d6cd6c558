"""Files of marketing: a text that need not offer the way out is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import read_directory
from tests.unit.connectors.reference.test_files import TYPE, written


def test_a_marketing_type_without_a_marketing_template_is_a_remark(tmp_path: Path) -> None:
    """Its text need not offer the way out then (NS-SEC-OP-09)."""
    files = {
        "types.yaml": TYPE.replace("transactional", "marketing"),
        "templates/hello.email.ru.yaml": "{subject: s, body: x}",
    }
    remark = "template hello.email.ru: a marketing type uses it, and its category is not `marketing`"
    assert [remark] == read_directory(written(tmp_path, files)).warnings


@pytest.mark.parametrize(("hours", "is_taken"), [("22:00-09:00", True), ("22-9", False), ("", False)])
def test_quiet_hours_of_a_type_have_a_form(tmp_path: Path, hours: str, is_taken: bool) -> None:
    files = {
        "types.yaml": TYPE + f"      quiet_hours: '{hours}'",
        "templates/hello.email.ru.yaml": "{subject: s, body: x}",
    }
    if is_taken:
        assert [] == read_directory(written(tmp_path, files)).warnings
        return
    with pytest.raises(ReferenceFilesError, match="quiet_hours"):
        read_directory(written(tmp_path, files))
