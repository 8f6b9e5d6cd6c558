"""`python -m tests.spec` writes docs/coverage.md."""

from __future__ import annotations

from tests.spec.coverage import PAGE, page

PAGE.write_text(page(), encoding="utf-8")
