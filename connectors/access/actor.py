"""Who changes something, as the audit log names him."""

from __future__ import annotations

from typing import NamedTuple


class Actor(NamedTuple):
    """`actor_id`: `user:<subject>`, `key:<id>` or `cli:<account>@<host>`; `ip`: of an HTTP client."""

    actor_id: str
    role: str
    ip: str | None = None


PRODUCT = Actor("carillon", "product")
"""A change that nobody asked for: a first start, a demo, a test."""
