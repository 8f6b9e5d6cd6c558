"""The root of all records."""

from __future__ import annotations

import msgspec

Sealed = bytes
"""Ciphertext with a key id (NS-SEC-OP-01)."""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Root of all records: frozen, by keyword."""
