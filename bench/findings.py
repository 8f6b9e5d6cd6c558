"""Findings of a bench as they come, a line of JSON each."""

from __future__ import annotations

import json
from typing import Any


def tell(what: str, **figures: Any) -> None:
    """One finding."""
    told = {name: round(value, 2) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps({"what": what, **told}), flush=True)
