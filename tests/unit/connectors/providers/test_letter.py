"""What a mail looks like on the wire."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest

from connectors.providers.letter import Sender, letter
from schemas.records import Content

SENDER = Sender("no-reply@carillon.test", "Карильон")


def mail(content: Content, key: str = "m-1:2") -> EmailMessage:
    raw = letter(SENDER, "anna@example.com", content, key, 1_800_000_000_000)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


@pytest.mark.spec("NS-CH-001")
def test_text_and_html_are_alternatives_the_text_first() -> None:
    parts = list(mail(Content(body="<p>Привет</p>", body_text="Привет", subject="x")).iter_parts())
    assert [("text/plain", "Привет"), ("text/html", "<p>Привет</p>")] == [
        (part.get_content_type(), part.get_content()) for part in parts if isinstance(part, EmailMessage)
    ]


def test_body_alone_is_html_when_it_begins_with_a_tag() -> None:
    kinds = [mail(Content(body=body)).get_content_type() for body in ("\n<p>a</p>", "a < b")]
    assert kinds == ["text/html", "text/plain"]


def test_headers_carry_ids_and_the_message_id_names_no_epoch() -> None:
    headers = mail(Content(body="x", subject="x"))
    assert {
        "Message-ID": "<m-1@carillon.test>",
        "Carillon-Message-Id": "m-1",
        "Carillon-Idempotency-Key": "m-1:2",
        "From": "Карильон <no-reply@carillon.test>",
        "To": "anna@example.com",
        "Date": "Fri, 15 Jan 2027 08:00:00 -0000",
    } == {
        name: str(headers[name])
        for name in ("Message-ID", "Carillon-Message-Id", "Carillon-Idempotency-Key", "From", "To", "Date")
    }


@pytest.mark.spec("NS-CH-022 NS-SEC-040 NS-SEC-OP-09")
def test_ns_sec_op_09_marketing_has_the_one_click_of_rfc_8058() -> None:
    url = "https://notify.example.com/unsubscribe?token=k1.YQ.c2ln"
    headers = mail(Content(body="x", subject="x", unsubscribe_url=url))
    assert (f"<{url}>", "List-Unsubscribe=One-Click") == (
        str(headers["List-Unsubscribe"]),
        str(headers["List-Unsubscribe-Post"]),
    )


def test_one_click_is_offered_over_https_only() -> None:
    headers = mail(Content(body="x", subject="x", unsubscribe_url="http://127.0.0.1/u"))
    assert ("<http://127.0.0.1/u>", None) == (headers["List-Unsubscribe"], headers["List-Unsubscribe-Post"])


@pytest.mark.spec("NS-CH-022")
def test_other_mail_has_no_header_of_lists() -> None:
    raw = letter(SENDER, "anna@example.com", Content(body="x", subject="x"), "m-1:0", 0)
    assert b"List-" not in raw


def test_line_breaks_in_a_rendered_subject_make_no_header() -> None:
    parsed = mail(Content(body="x", subject="Заказ\r\nBcc: all@example.com\n"))
    assert parsed["Subject"] == "Заказ Bcc: all@example.com"
    assert parsed["Bcc"] is None


def test_same_message_is_the_same_bytes() -> None:
    content = Content(body="<p>a</p>", body_text="a", subject="x")
    once, again = (letter(SENDER, "a@example.com", content, "m-1:0", 0) for _ in range(2))
    assert once == again


def test_a_long_subject_is_cut_into_words_that_fit_and_comes_back_whole() -> None:
    """Mutations tried: one word for all: fails; cut at bytes: fails (a character is torn apart)."""
    for subject in (
        "Ваш заказ 🎉 принят " * 30,
        "Your order " * 200,
        "a",
        "=?utf-8?q?no?=",
        "tab\x00bell\x07",
    ):
        raw = letter(SENDER, "anna@example.com", Content(body="x", subject=subject), "m-1:2", 0)
        assert all(len(line) < 998 for line in raw.split(b"\r\n"))
        words = [word for line in raw.split(b"\r\n") for word in line.split() if word.startswith(b"=?")]
        assert all(len(word) <= 75 for word in words)
        parsed = message_from_bytes(raw, policy=policy.compat32)
        assert " ".join(subject.split()) == str(make_header(decode_header(parsed["Subject"])))


def test_lines_end_as_smtp_wants_them_and_no_line_begins_with_a_dot() -> None:
    raw = letter(SENDER, "a@example.com", Content(body="<p>.</p>\n.\n" * 50, body_text=".\n."), "m-1:0", 0)
    lines = raw.split(b"\r\n")
    assert b"" == lines[-1]
    assert not [line for line in lines if line.startswith(b".") or b"\n" in line or b"\r" in line]


def test_an_address_of_other_letters_stays_as_it_is() -> None:
    """Mutation tried: as an encoded word, which no address may be: fails."""
    raw = letter(SENDER, "почта@пример.рф", Content(body="x"), "m-1:0", 0)
    assert "To: почта@пример.рф".encode() in raw.split(b"\r\n")


def test_line_breaks_in_a_senders_name_make_no_header() -> None:
    """Mutation tried: the name as it is: fails."""
    sender = Sender("us@carillon.test", "Shop\r\nBcc: all@example.com")
    parsed = message_from_bytes(letter(sender, "a@example.com", Content(body="x"), "m-1:0", 0))
    assert ("Shop Bcc: all@example.com", "us@carillon.test") == parseaddr(parsed["From"])
    assert parsed["Bcc"] is None


def test_bodies_come_through_unchanged() -> None:
    text = "Строка\n.точка\n" + "long " * 500
    for part in mail(Content(body=f"<p>{text}</p>", body_text=text)).iter_parts():
        assert isinstance(part, EmailMessage)
        is_html = part.get_content_type() == "text/html"
        assert (f"<p>{text}</p>" if is_html else text) == part.get_content()
