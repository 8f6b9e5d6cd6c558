"""Files about the choice of providers: what `carillon apply` refuses and remarks."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import read_directory

TYPE = """
    - code: payout
      title: Payout
      category: transactional
      default_channels: [sms]
      template_name: payout
      domestic_only: true
"""
ASLEEP = """
    - {name: a, channel_type: sms, kind: smsc, is_active: false}
    - {name: b, channel_type: sms, kind: twilio}
"""
REMARK = "type payout: `domestic_only`, and no provider of sms is known to be"


@pytest.mark.spec("NS-SEC-OP-08")
@pytest.mark.parametrize(
    ("entries", "remarks"),
    [
        ("- {name: a, channel_type: sms, kind: twilio}", [REMARK]),
        (ASLEEP, [REMARK]),
        ("- {name: a, channel_type: sms, kind: smsc, region: foreign}", [REMARK]),
        ("- {name: a, channel_type: sms, kind: twilio}\n- {name: b, channel_type: sms, kind: smsc}", []),
        ("- {name: a, channel_type: email, kind: ses}", []),
    ],
)
def test_a_type_that_nobody_may_carry_is_remarked(tmp_path: Path, entries: str, remarks: list[str]) -> None:
    (tmp_path / "types.yaml").write_text(TYPE, encoding="utf-8")
    (tmp_path / "providers.yaml").write_text(entries, encoding="utf-8")
    told = read_directory(tmp_path).warnings
    assert remarks == [one for one in told if "domestic_only" in one]


@pytest.mark.spec("NS-SEC-OP-08")
@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("region: abroad", "`region`: 'abroad' is none of domestic, foreign"),
        ("weight: 0", "`weight`: must be at least 1"),
    ],
)
def test_a_region_or_a_weight_that_is_none_is_a_fault(tmp_path: Path, entry: str, fault: str) -> None:
    text = f"- {{name: p, channel_type: sms, kind: smsc, {entry}}}"
    (tmp_path / "providers.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ReferenceFilesError) as refused:
        read_directory(tmp_path)
    assert f"providers.yaml, entry 1 (sms/p): {fault}" in str(refused.value)
