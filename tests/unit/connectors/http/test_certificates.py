"""Certificates of vendors: few at a time, one question at a time, and only what is one."""

from __future__ import annotations

import asyncio

from connectors.http.certificates import MOST, PAUSE_MS, CertificateBook
from tests.vendor_posts import certificate


class Vendor:
    """Gives one certificate under every address; and the time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        await self.may_answer.wait()
        return certificate()


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
