"""Security headers: on every answer of both ports, errors and refusals included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

SHIELD: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
}
"""What a handler sets itself stays: a page for people needs another policy of contents."""


def shielded(response: web.StreamResponse) -> web.StreamResponse:
    """Add what is missing, unless the headers are on their way already."""
    if not response.prepared:
        headers = response.headers
        for name, value in SHIELD.items():
            if name not in headers:
                headers[name] = value
    return response
