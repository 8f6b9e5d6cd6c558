"""`python -m streams.cli` is `carillon`."""

from __future__ import annotations

from streams.cli import main

main()
