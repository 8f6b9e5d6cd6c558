"""Fuzzing what foreign bytes and texts reach: `python -m tests.fuzz --seconds 60 TARGET…`."""
