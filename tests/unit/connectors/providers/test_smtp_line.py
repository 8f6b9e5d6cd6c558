"""The steps of a mail over one connection: what goes in one write, and what the server's bytes say."""

from __future__ import annotations

import asyncio
import ssl
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from aiosmtplib import SMTP
from hypothesis import given
from hypothesis import strategies as st

from connectors.providers.smtp_line import LONGEST_REPLY, Line, LostError, Reply, SilentError
from schemas.words import Verdict
from tests.certificates import certified
from tests.unit.connectors.providers.smtp_desk import CONTENT, Script, conversation

if TYPE_CHECKING:
    from pathlib import Path

PIPELINING = "250-test\r\n250 PIPELINING"
ENVELOPE = [b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"DATA\r\n"]


class Opened:
    """Stands for the client that opened the connection, and for its transport."""

    is_ehlo_or_helo_needed = False

    def __init__(self) -> None:
        self.transport = self
        self.written: list[bytes] = []
        self.closed = False

    async def connect(self) -> None: ...

    def supports_extension(self, name: str) -> bool:
        return name == "pipelining"

    def set_protocol(self, protocol: object) -> None: ...

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


async def line(timeout_s: float = 5.0) -> tuple[Line, Opened]:
    opened = Opened()
    made = Line(opened, timeout_s)  # type: ignore[arg-type]
    await made.open()
    return made, opened


async def heard(pieces: list[bytes], many: int) -> list[Reply]:
    """What a line makes of these bytes as the replies to so many commands."""
    made, _ = await line()
    asked = asyncio.ensure_future(made.say(ENVELOPE[:many]))
    await asyncio.sleep(0)
    for piece in pieces:
        made.data_received(piece)
    return await asked


@given(st.lists(st.integers(0, 70), max_size=6))
def test_replies_are_read_however_the_network_cuts_them(cuts: list[int]) -> None:
    said = b"250-first\r\n250 2.1.0 ok\r\n550 5.1.1 <c@d>: no such user\r\n503 5.5.1 no\r\n"
    ends = [0, *sorted({cut for cut in cuts if 0 < cut < len(said)}), len(said)]
    pieces = [said[start:end] for start, end in pairwise(ends)]
    expected = [Reply(250, "first 2.1.0 ok"), Reply(550, "5.1.1 <c@d>: no such user"), Reply(503, "5.5.1 no")]
    assert expected == asyncio.run(heard(pieces, 3))


@pytest.mark.parametrize("said", [b"hello\r\n", b"\r\n", b"25x ok\r\n", b"250-" + b"x" * LONGEST_REPLY])
async def test_what_is_no_reply_ends_the_connection(said: bytes) -> None:
    made, opened = await line()
    asked = asyncio.ensure_future(made.say(ENVELOPE[:1]))
    await asyncio.sleep(0)
    made.data_received(said)
    with pytest.raises(LostError):
        await asked
    assert opened.closed


async def test_a_farewell_between_two_mails_is_no_reply_to_the_second() -> None:
    made, _ = await line()
    made.data_received(b"421 4.4.2 idle for too long\r\n")
    assert not made.is_open
    with pytest.raises(LostError):
        await made.say(ENVELOPE)


async def test_what_is_said_beyond_the_replies_is_no_reply_to_the_next_step() -> None:
    """Mutation: it stays; a body that was refused was `accepted` by it."""
    made, opened = await line()
    asked = asyncio.ensure_future(made.say(ENVELOPE))
    await asyncio.sleep(0)
    made.data_received(b"250 ok\r\n250 ok\r\n354 go\r\n250 noise\r\n")
    with pytest.raises(LostError):
        await asked
    assert opened.closed


async def test_the_reply_to_a_body_counts_whatever_is_said_behind_it() -> None:
    made, opened = await line()
    asked = asyncio.ensure_future(made.say_mail(b"Subject: x\r\n\r\n"))
    await asyncio.sleep(0)
    made.data_received(b"250 ok\r\n421 bye\r\n")
    assert Reply(250, "ok") == await asked
    assert opened.closed


async def test_a_server_that_does_not_forget_a_refused_mail_is_left() -> None:
    async with conversation({"RCPT": "550 5.1.1 no", "RSET": "500 what?"}) as (script, carrier):
        for number in range(2):
            await carrier.send("a@example.com", CONTENT, f"m-{number}:0")
    assert 2 == script.greetings


async def test_a_refusal_before_the_end_is_told() -> None:
    made, _ = await line()
    asked = asyncio.ensure_future(made.say(ENVELOPE))
    await asyncio.sleep(0)
    made.data_received(b"421 4.3.2 going down\r\n")
    made.connection_lost(None)
    assert [Reply(421, "4.3.2 going down")] == await asked


async def test_the_envelope_is_one_write_where_the_server_takes_it() -> None:
    made, opened = await line()
    asked = asyncio.ensure_future(made.say(ENVELOPE))
    await asyncio.sleep(0)
    made.data_received(b"250 ok\r\n250 ok\r\n354 go\r\n")
    await asked
    assert [b"".join(ENVELOPE)] == opened.written


async def test_lines_that_begin_with_a_dot_do_not_end_the_mail() -> None:
    made, opened = await line()
    asked = asyncio.ensure_future(made.say_mail(b"Subject: x\r\n\r\n.\r\n..\r\n"))
    await asyncio.sleep(0)
    made.data_received(b"250 ok\r\n")
    assert Reply(250, "ok") == await asked
    assert [b"Subject: x\r\n\r\n..\r\n...\r\n.\r\n"] == opened.written


async def answered(made: Line) -> None:
    """One step that ends well."""
    asked = asyncio.ensure_future(made.say([b"RSET\r\n"]))
    await asyncio.sleep(0)
    made.data_received(b"250 ok\r\n")
    await asked


async def test_each_step_has_all_of_its_time_and_no_more() -> None:
    """One alarm serves them all. Mutations tried: it is not put off: fails, too early; nor set again."""
    made, opened = await line(timeout_s=0.2)
    await answered(made)
    await asyncio.sleep(0.15)
    began = asyncio.get_running_loop().time()
    with pytest.raises(SilentError):
        await asyncio.wait_for(made.say([b"RSET\r\n"]), 5.0)
    assert asyncio.get_running_loop().time() - began >= 0.199, "uvloop's clock counts whole milliseconds"
    assert opened.closed


async def test_a_step_after_a_long_rest_has_its_time_too() -> None:
    """Mutation tried: the alarm that found nobody waiting is kept: hangs, fails."""
    made, opened = await line(timeout_s=0.1)
    await answered(made)
    await asyncio.sleep(0.15)
    with pytest.raises(SilentError):
        await asyncio.wait_for(made.say([b"RSET\r\n"]), 5.0)
    assert opened.closed


async def test_a_server_that_does_not_say_goodbye_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation tried: the alarm of the steps before stays: fails, it is set for a minute."""
    monkeypatch.setattr("connectors.providers.smtp_line.QUIT_S", 0.05)
    made, opened = await line(timeout_s=60.0)
    await answered(made)
    await asyncio.wait_for(made.quit(), 5.0)
    assert opened.closed


@pytest.mark.spec("NS-SND-OP-14")
async def test_a_server_that_wants_the_body_for_nobody_does_not_get_it() -> None:
    """Mutation: RSET instead, which would be a line of the body."""
    async with conversation({"EHLO": PIPELINING, "RCPT": "550 5.1.1 no"}) as (script, carrier):
        answer = await carrier.send("a@example.com", CONTENT, "m-1:0")
        script.replies["RCPT"] = "250 ok"
        second = await carrier.send("b@example.com", CONTENT, "m-2:0")
    assert [Verdict.PERMANENT, Verdict.ACCEPTED] == [answer.verdict, second.verdict]
    assert [2, 1] == [script.greetings, len(script.bodies)]


async def test_the_connection_stays_where_the_server_wants_no_body_for_nobody() -> None:
    refusing = {"EHLO": PIPELINING, "RCPT": "550 5.1.1 no", "DATA": "554 5.5.1 no valid recipients"}
    async with conversation(refusing) as (script, carrier):
        await carrier.send("a@example.com", CONTENT, "m-1:0")
        script.replies |= {"RCPT": "250 ok", "DATA": "354 go ahead"}
        await carrier.send("b@example.com", CONTENT, "m-2:0")
    assert 1 == script.greetings
    assert ["EHLO", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA"] == script.said[:8]


async def test_a_server_that_takes_one_command_after_the_other_is_told_so() -> None:
    async with conversation({"RCPT": "550 5.1.1 no"}) as (script, carrier):
        await carrier.send("a@example.com", CONTENT, "m-1:0")
    assert ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"] == script.said


@pytest.mark.parametrize("how", ["tls", "starttls"])
async def test_mails_go_through_what_tls_has_opened(tmp_path: Path, how: str) -> None:
    certificate = certified(tmp_path)
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(certificate)
    script = Script({"EHLO": "250-test\r\n250-STARTTLS\r\n250 PIPELINING"}, server_tls)
    server = await asyncio.start_server(
        script.accept, "127.0.0.1", 0, ssl=server_tls if how == "tls" else None
    )
    client = SMTP(
        hostname="127.0.0.1",
        port=server.sockets[0].getsockname()[1],
        use_tls=how == "tls",
        start_tls=how == "starttls",
        tls_context=ssl.create_default_context(cafile=certificate),
    )
    made = Line(client, 5.0)
    await made.open()
    replies = await made.say(ENVELOPE)
    taken = await made.say_mail(b"Subject: hello\r\n\r\nHello\r\n")
    await made.quit()
    server.close()
    await script.end()
    assert [250, 250, 354, 250] == [reply.code for reply in [*replies, taken]]
    assert [b"Subject: hello\r\n\r\nHello\r\n.\r\n"] == script.bodies
