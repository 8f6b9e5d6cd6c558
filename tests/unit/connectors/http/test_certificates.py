"""Certificates of vendors: few at a time, one question at a time, and only what is one."""

from __future__ import annotations

import asyncio

from connectors.http.certificates import ABSENT_MS, MOST, MOST_WAITING, PAUSE_MS, CertificateBook
from connectors.http.ports import AbsentError, UnfetchedError
from tests.vendor_posts import certificate

GENUINE = "https://vendor.example/genuine"
MADE_UP = "made-up"


class Vendor:
    """Gives one certificate under every address but those that it does not know; and the time."""

    def __init__(self, refuses: UnfetchedError | None = None) -> None:
        self.refuses = refuses or AbsentError("it answered 404")
        self.asked: list[str] = []
        self.now = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        await self.may_answer.wait()
        if MADE_UP in url:
            raise self.refuses
        return certificate()


def made_up(at: int) -> str:
    """A name that the vendor does not know."""
    return f"https://vendor.example/{MADE_UP}-{at}"


async def known(book: CertificateBook, vendor: Vendor, url: str) -> bytes | None:
    """Ask once, let a second pass and the vendor answer, and ask again."""
    book.at(url)
    vendor.now += PAUSE_MS
    for _ in range(3):
        await asyncio.sleep(0)
    return book.at(url)


async def test_no_more_are_kept_than_there_is_room_for() -> None:
    vendor = Vendor()
    book = CertificateBook(vendor.fetch, lambda: vendor.now)
    urls = [f"https://vendor.example/{at}" for at in range(MOST + 1)]
    assert [certificate()] * len(urls) == [await known(book, vendor, url) for url in urls]
    assert urls == vendor.asked
    assert [None, certificate()] == [book.at(url) for url in urls[:2]]


async def test_while_one_question_is_open_no_other_is_asked() -> None:
    vendor = Vendor()
    vendor.may_answer.clear()
    book = CertificateBook(vendor.fetch, lambda: vendor.now)
    assert await known(book, vendor, "https://vendor.example/1") is None
    assert await known(book, vendor, "https://vendor.example/2") is None
    vendor.may_answer.set()
    assert certificate() == await known(book, vendor, "https://vendor.example/1")
    assert "https://vendor.example/2" not in vendor.asked


async def test_a_stranger_who_is_always_first_keeps_no_certificate_out() -> None:
    """By lot: that the stranger wins fifty times happens to nobody."""
    vendor = Vendor()
    book = CertificateBook(vendor.fetch, lambda: vendor.now)
    for at in range(50):
        await known(book, vendor, made_up(at))
        book.at(GENUINE)
    assert certificate() == book.at(GENUINE)
    assert len(vendor.asked) == len(set(vendor.asked))


async def test_in_a_flood_no_more_wait_than_there_is_room_for_and_who_comes_last_is_among_them() -> None:
    vendor = Vendor()
    book = CertificateBook(vendor.fetch, lambda: vendor.now, lambda names: names[0])
    for at in range(3 * MOST_WAITING):
        book.at(made_up(at))
    book.at(GENUINE)
    vendor.now += PAUSE_MS
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for _ in range(MOST_WAITING + 2):
        await known(book, vendor, made_up(0))
    assert certificate() == book.at(GENUINE)
    assert [made_up(0), GENUINE] == [vendor.asked[0], vendor.asked[-1]]
    assert MOST_WAITING + 1 == len(vendor.asked)


async def test_a_name_that_the_vendor_does_not_know_is_asked_for_again_after_minutes_only() -> None:
    vendor = Vendor()
    book = CertificateBook(vendor.fetch, lambda: vendor.now)
    for _ in range(5):
        assert await known(book, vendor, made_up(1)) is None
    assert [made_up(1)] == vendor.asked
    vendor.now += ABSENT_MS
    assert await known(book, vendor, made_up(1)) is None
    assert [made_up(1)] * 2 == vendor.asked


async def test_a_vendor_who_is_away_is_asked_again() -> None:
    vendor = Vendor(UnfetchedError("TimeoutError"))
    book = CertificateBook(vendor.fetch, lambda: vendor.now)
    for _ in range(2):
        assert await known(book, vendor, made_up(1)) is None
    assert [made_up(1)] * 2 == vendor.asked
