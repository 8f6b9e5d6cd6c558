"""Which version of each template a folder of files holds: `.versions.json` beside the templates.

`template pull` and `push` write it, `apply` keeps it up to date. A folder without it, such as a release that
CI applies, goes by the version that files wrote last, whoever's they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = ".versions.json"


def known_versions(folder: Path) -> dict[str, int]:
    """Key of a template → version; empty when nothing is noted, or nothing that can be read."""
    try:
        return msgspec.json.decode((folder / "templates" / FILE).read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}


def note_versions(folder: Path, versions: Mapping[str, int]) -> None:
    """Note what the folder holds now."""
    text = msgspec.json.format(msgspec.json.encode(dict(sorted(versions.items()))), indent=2)
    (folder / "templates" / FILE).write_bytes(text + b"\n")
