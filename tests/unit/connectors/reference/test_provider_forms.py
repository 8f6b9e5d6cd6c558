"""The part of a provider's config that is ours: what `carillon apply` refuses and remarks."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import read_directory

JUDGED = (
    "{name: p, channel_type: sms, kind: own, weight: 1, config: {receipts_within_s: 60, webhook_key: %s}}"
)
KEY = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


def given(folder: Path, entry: str) -> Path:
    (folder / "providers.yaml").write_text(f"- {entry}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("seconds", ["0", "3601", "soon", "1.5", "true"])
def test_a_time_for_receipts_that_is_none_is_a_fault(tmp_path: Path, seconds: str) -> None:
    folder = given(
        tmp_path, f"{{name: p, channel_type: sms, kind: smsc, config: {{receipts_within_s: {seconds}}}}}"
    )
    with pytest.raises(ReferenceFilesError) as refused:
        read_directory(folder)
    said = "`config.receipts_within_s`: must be a number of seconds from 1 to 3600"
    assert f"providers.yaml, entry 1 (sms/p): {said}" in str(refused.value)


def test_a_time_for_receipts_that_changes_nothing_is_remarked(tmp_path: Path) -> None:
    entry = "{name: p, channel_type: sms, kind: smsc, config: {receipts_within_s: 60}}"
    said = "`config.receipts_within_s`: "
    assert [
        "changes nothing without a `weight`",
        "without `webhook_key` only what your clients report counts",
    ] == [one.partition(said)[2] for one in read_directory(given(tmp_path, entry)).warnings if said in one]


def test_a_provider_that_shares_and_reports_is_not_remarked(tmp_path: Path) -> None:
    assert [] == read_directory(given(tmp_path, JUDGED % KEY)).warnings
