"""Hypothesis strategies that make any record of the product out of its struct."""

from __future__ import annotations

from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin

import msgspec
from hypothesis import strategies as st

INT64 = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    bytes: st.binary(max_size=200),
    int: INT64,
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    Any: JSON,
    NoneType: st.none(),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return records(kind)
    if get_origin(kind) is list:
        return st.lists(values(get_args(kind)[0]), max_size=3)
    if get_origin(kind) is dict:
        return st.dictionaries(st.text(max_size=8), values(get_args(kind)[1]), max_size=3)
    if get_args(kind):
        return st.one_of(*(values(each) for each in get_args(kind)))
    return _PLAIN[kind]


@cache
def records(record_type: type[Any]) -> st.SearchStrategy[Any]:
    """Whole records, every field drawn."""
    fields = {each.name: values(each.type) for each in msgspec.structs.fields(record_type)}
    return st.builds(record_type, **fields)
