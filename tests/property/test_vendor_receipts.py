"""What a vendor posts of one message, in any order, any number of times, ends in one state (NS-SND-OP-07)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.providers.receipts.reading import receipts_in
from schemas.records import ReceiptHeard, ReceiptPosted
from tests.messages import QUEUED, T0
from tests.property.test_receipts import ATTEMPTS, course
from tests.receipt_samples import KEYS, SAMPLES, Sample


def heard_in(sample: Sample) -> list[ReceiptHeard]:
    """What a post says of the message, as of a time that is the message's own."""
    posted = ReceiptPosted(provider="first", channel="email", kind=sample.kind, received_at=T0, body=b"")
    return list(receipts_in(posted, sample.post(QUEUED.message_id)).heard)


def courses(kind: str) -> st.SearchStrategy[tuple[list[ReceiptHeard], list[Any]]]:
    """Some posts of a vendor, straight; and each of them twice, anywhere."""
    samples = [each for each in SAMPLES if each.kind == kind]
    return st.lists(st.sampled_from(samples), max_size=6, unique_by=lambda each: each.name).flatmap(
        lambda chosen: st.tuples(
            st.just([fact for each in chosen for fact in heard_in(each)]),
            st.permutations([*ATTEMPTS, *(fact for each in chosen * 2 for fact in heard_in(each))]),
        )
    )


@pytest.mark.spec("NS-SND-OP-07 NS-CH-023 NS-CH-043")
@pytest.mark.parametrize("kind", sorted(KEYS))
def test_double_late_and_out_of_order_is_one_state(kind: str) -> None:
    @given(courses(kind))
    def check(drawn: tuple[list[ReceiptHeard], list[Any]]) -> None:
        straight, mixed = course([*ATTEMPTS, *drawn[0]]), course(drawn[1])
        assert straight[:2] == mixed[:2]
        assert straight[2].sums() == mixed[2].sums()

    check()
