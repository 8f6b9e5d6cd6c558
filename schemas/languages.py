"""In which order texts of several languages are looked for (NS-SND-OP-04)."""

from __future__ import annotations

from functools import lru_cache

DEFAULT_LANGUAGE = "ru"


@lru_cache(1024)
def languages(wanted: str | None) -> tuple[str, ...]:
    """`en-GB`, `en`, then the default."""
    exact = (wanted or DEFAULT_LANGUAGE).replace("_", "-")
    short = exact.partition("-")[0].lower()
    return tuple(dict.fromkeys((exact, exact.lower(), short, DEFAULT_LANGUAGE)))
