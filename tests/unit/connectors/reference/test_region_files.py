"""Files that forbid foreign providers: what `carillon apply` remarks."""

from __future__ import annotations

from pathlib import Path

import pytest

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
