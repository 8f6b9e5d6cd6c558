"""Fixtures of the decisions."""

from __future__ import annotations

import pytest

from tests.requests import Desk


@pytest.fixture
def desk() -> Desk:
    """The recipient stage of one user who is registered nowhere yet."""
    return Desk()
