"""Scenarios of errors, effects, timers, reference data and cost (design rules 10, 11, 13 to 18)."""

from __future__ import annotations
