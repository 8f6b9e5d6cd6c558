"""W3C trace context, accepted or begun."""

from __future__ import annotations

import pytest

from connectors.http.traces import traced

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.spec("NS-OPS-063")
@pytest.mark.parametrize("parent", [f"00-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-the-future-adds"])
def test_callers_trace_goes_on_under_a_span_of_ours(parent: str) -> None:
    trace = traced({"traceparent": parent})
    assert (TRACE, "01") == (trace.trace_id, trace.flags)
    assert trace.span_id != SPAN


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_unusable_parent_begins_a_sampled_trace(parent: str) -> None:
    trace = traced({"traceparent": parent})
    assert trace.trace_id != TRACE
    assert (32, 16, "01") == (len(trace.trace_id), len(trace.span_id), trace.flags)


def test_request_id_is_the_callers_uuid_else_the_trace_as_one() -> None:
    parent = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    given = "7B1D0B2E-3A52-4C0E-9D5F-2F4B1F0A9C11"
    ids = [traced({**parent, "X-Request-Id": text}).request_id for text in (given, "7; drop table", "")]
    ours = "0af76519-16cd-43dd-8448-eb211c80319c"
    assert [given.lower(), ours, ours] == ids
