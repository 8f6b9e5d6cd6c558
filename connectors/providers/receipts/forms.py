"""Forms that vendors post, and what stands behind a path: names and values, as they came."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from schemas.errors import DecodeError, Fault

MOST_FIELDS = 200
DASHES, BREAK = b"--", b"\r\n"
LONGEST_BOUNDARY = len(DASHES) + 70
"""RFC 2046."""
_NAME = re.compile(rb'[;\s]name="([^"\r\n]{1,200})"')


def form_in(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in order, urlencoded or in parts; `DecodeError` for what is none.

    Which of both it is shows in the body: the headers are not kept.
    """
    try:
        return _parts(body) if body.startswith(DASHES) else _urlencoded(body.decode())
    except ValueError as error:
        raise DecodeError(Fault.WRONG_FIELD, f"no form: {type(error).__name__}") from None


def query_in(query: str) -> dict[str, str]:
    """What stands behind a path; the last of two of one name, nothing when there are too many."""
    try:
        return dict(_urlencoded(query))
    except ValueError:
        return {}


def _urlencoded(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)


def _parts(body: bytes) -> list[tuple[str, str]]:
    """A form in parts (RFC 7578): each has a name among its headers, the value behind an empty line."""
    boundary = body.partition(BREAK)[0].rstrip()
    if not len(DASHES) < len(boundary) <= LONGEST_BOUNDARY:
        raise ValueError("no boundary")
    _, *parts, end = (BREAK + body).split(BREAK + boundary, MOST_FIELDS + 1)
    if not end.startswith(DASHES):
        raise ValueError("no end, or too many parts")
    return [_part(part) for part in parts]


def _part(part: bytes) -> tuple[str, str]:
    head, _, value = part.partition(BREAK + BREAK)
    name = _NAME.search(head)
    if name is None:
        raise ValueError("a part without a name")
    return name[1].decode(), value.decode()
