"""Joins the words' codecs to the engine's descriptions: decoders, tables, routes. Nothing is decided here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from agents.ports import Cipher
from connectors.cipher import MissingKeyError
from schemas.codec import Decoder, SchemaBook, encode
from schemas.errors import DecodeError, UnknownSchemaError
from schemas.ids import subject_key
from streams.engine.api import NotYet, TableSpec, ToTopic, Undecodable

KEY = "crypto_key"


class WaitingCipher:
    """The cipher of a stage that opens only what we sealed: a key that this worker lacks is waited for.

    A dead letter would do for a record; a request that waited as a timer, or an answer, is not sent again.
    """

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def seal(self, clear: bytes) -> bytes:
        """Encrypt with the current key."""
        return self._cipher.seal(clear)

    def digest(self, clear: bytes) -> str:
        """A keyed hash."""
        return self._cipher.digest(clear)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt; `NotYet` while the key is missing."""
        try:
            return self._cipher.open(sealed)
        except MissingKeyError as error:
            raise NotYet(KEY) from error


class Reading:
    """Makes the engine's decoders out of the words' ones.

    A record of an unknown schema waits until `carillon.schemas` has been read to its end; only if its schema
    is not there either is the record unreadable (design, section 4).
    """

    def __init__(self, book: SchemaBook, catch_up: Callable[[], Awaitable[bool]]) -> None:
        self._book = book
        self._catch_up = catch_up
        self._asked: dict[bytes, asyncio.Future[bool]] = {}

    def records(self, *types: type[Struct]) -> Callable[[bytes], object]:
        """Decoder of an internal topic with these records."""
        return self.of(Decoder(*types, book=self._book))

    def table(self, name: str, number: int, value: type[Struct]) -> TableSpec:
        """A table of records, keyed by bytes; rows of earlier versions of its schema are read too."""
        return TableSpec(name, number, bytes, encode, self.records(value))

    def of(self, decode: Callable[[bytes], object]) -> Callable[[bytes], object]:
        """`decode`, speaking the engine's exceptions."""

        def read(raw: bytes) -> object:
            try:
                return decode(raw)
            except DecodeError as error:
                raise Undecodable(str(error)) from error
            except UnknownSchemaError as error:
                self._wait_for(error)
                raise

        return read

    def _wait_for(self, error: UnknownSchemaError) -> None:
        asked = self._asked.get(error.fingerprint)
        if asked is not None and asked.done():
            asked = self._asked.pop(error.fingerprint)
            if asked.result():  # the topic was read to its end, and it is not there
                raise Undecodable(str(error)) from error
            asked = None
        if asked is None:
            self._asked[error.fingerprint] = asyncio.ensure_future(self._catch_up())
        raise NotYet("schema") from error


def to(
    topic: str | Callable[[Any], str],
    *,
    key: Callable[[Any], bytes | None] = lambda record: subject_key(record.user_id),
    encoder: Callable[[Any], bytes | None] = encode,
    same_partition: bool = False,
    spread: Callable[[Any], int] | None = None,
) -> ToTopic:
    """A route to a topic; keyed by the user unless said otherwise."""
    name = topic if callable(topic) else lambda _record: topic
    return ToTopic(name, key, encoder, same_partition, spread)
