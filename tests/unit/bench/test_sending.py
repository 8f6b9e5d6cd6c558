"""The client and the shares of the bench of `POST /send`."""

from __future__ import annotations

from bench.engines.posting import Posting
from bench.sections import Row
from bench.sending import BARE, SEND, with_shares
from connectors.http.send import PATH, read


def test_what_is_posted_is_a_request_that_is_taken() -> None:
    posting = Posting("ck_live_bench", lambda _client: None, what="send")
    bodies = []
    for _ in range(2):
        head, _, body = posting.request().partition(b"\r\n\r\n")
        assert head.startswith(f"POST {PATH} HTTP/1.1\r\n".encode())
        assert b"Authorization: Bearer ck_live_bench" in head
        assert f"Content-Length: {len(body)}".encode() in head
        bodies.append(read(body, 0))
    assert 2 == len({body.idempotency_key for body in bodies}) == len({body.user_id for body in bodies})


def test_a_share_is_of_the_bare_handler_under_the_same_load() -> None:
    rows: list[Row] = [
        {"subject": subject, "offered": offered, "rate": rate}
        for subject, offered, rate in (
            (BARE, "5000/s", 5000.0),
            (BARE, "as it can", 10_000.0),
            (SEND, "5000/s", 4000.0),
            (SEND, "as it can", 6000.0),
        )
    ]
    assert [1.0, 1.0, 0.8, 0.6] == [row["of_bare"] for row in with_shares(rows)]
