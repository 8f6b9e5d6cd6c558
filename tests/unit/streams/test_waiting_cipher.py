"""A worker that lacks a key waits for it; what was changed, or ended with its key, does not wait."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from connectors.addresses import AddressBook
from connectors.cipher import Cipher, CipherError
from schemas.errors import UnopenedError
from streams.engine.api import NotYet
from streams.wiring import WaitingCipher
from tests.fakes import MemoryOutside
from tests.requests import REGISTERED, REQUEST, Desk, ending, reference

K1, K2 = bytes(64), bytes(range(64))
OLD = Cipher({"k1": K1}, current="k1")
NEW = Cipher({"k2": K2}, current="k2")
SEALED = NEW.seal(b'{"OrderNumber":"A-1"}')


def test_only_a_missing_key_is_waited_for() -> None:
    """Mutation: whatever cannot be opened waits: changed bytes stop a task for good."""
    waiting = WaitingCipher(OLD)
    with pytest.raises(NotYet, match="crypto_key"):
        waiting.open(SEALED)
    with pytest.raises(CipherError, match="changed"):
        waiting.open(OLD.seal(b"x")[:-1] + b"y")
    with pytest.raises(UnopenedError):
        WaitingCipher(Cipher({"k1": K1}, current="k1", withdrawn=["k2"])).open(SEALED)
    assert (b"x", OLD.digest(b"x")) == (waiting.open(waiting.seal(b"x")), waiting.digest(b"x"))


async def test_a_request_waits_and_is_taken_when_the_key_is_there() -> None:
    """Mutation: the request's own key is taken before its data are opened: it is a repeat of itself."""
    outside: dict[str, Any] = {"reference": reference(), "addresses": AddressBook()}
    desk = Desk(MemoryOutside(cipher=WaitingCipher(OLD), **outside))
    request = replace(REQUEST, data=SEALED)
    for value in (request, replace(REGISTERED, email=NEW.seal(b"anna@example.com"), phone=None)):
        with pytest.raises(NotYet):
            await desk.tell(value)
    assert ({}, {}) == (desk.requests.rows, desk.contacts.rows)
    desk.outside = MemoryOutside(cipher=Cipher({"k2": K2, "k1": K1}, current="k1"), **outside)
    answered = await desk.tell(replace(REGISTERED, email=NEW.seal(b"a@example.com"), phone=None), request)
    assert "accepted" == ending(answered)[0]
