"""Sealed bytes: deterministic, rotated by key id, never opened when changed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cipher import Cipher, CipherError
from schemas.errors import UnopenedError

OLD = bytes(range(64))
NEW = bytes(range(64, 128))
HASH_KEY = base64.b64encode(bytes(32)).decode()


def both(current: str) -> Cipher:
    return Cipher({"k1": OLD, "k2": NEW}, current=current)


@given(st.binary(max_size=300))
def test_what_was_sealed_opens_to_the_same_bytes(clear: bytes) -> None:
    cipher = both("k2")
    assert clear == cipher.open(cipher.seal(clear))


def test_sealing_twice_gives_the_same_bytes() -> None:
    assert both("k1").seal(b"anna@example.com") == both("k1").seal(b"anna@example.com")


def test_sealed_bytes_do_not_hold_the_clear_ones() -> None:
    assert b"anna" not in both("k1").seal(b"anna@example.com")


@pytest.mark.spec("NS-SEC-OP-01")
def test_sealed_bytes_name_their_form_and_key() -> None:
    sealed = both("k2").seal(b"x")
    assert sealed[:4] == b"\x01\x02k2"
    assert both("k1").key_id_of(sealed) == "k2"


@pytest.mark.spec("NS-SEC-OP-01")
def test_a_rotated_cipher_seals_with_the_new_key_and_opens_the_old() -> None:
    sealed = Cipher({"k1": OLD}, current="k1").seal(b"+79001234567")
    rotated = both("k2")
    assert rotated.open(sealed) == b"+79001234567"
    assert rotated.seal(b"+79001234567") != sealed


def test_a_retired_key_is_named_in_the_error() -> None:
    sealed = both("k1").seal(b"x")
    with pytest.raises(CipherError, match="sealed with key 'k1', which is not among the keys"):
        Cipher({"k2": NEW}, current="k2").open(sealed)


@pytest.mark.parametrize("position", [-1, 4, 10])
def test_changed_bytes_do_not_open(position: int) -> None:
    sealed = bytearray(both("k1").seal(b"some longer text"))
    sealed[position] ^= 1
    with pytest.raises(CipherError, match="changed"):
        both("k1").open(bytes(sealed))


def test_the_key_id_cannot_be_exchanged_even_for_the_same_key() -> None:
    twins = Cipher({"k1": OLD, "k2": OLD}, current="k1")
    sealed = bytearray(twins.seal(b"x"))
    sealed[3:4] = b"2"
    with pytest.raises(CipherError, match="changed"):
        twins.open(bytes(sealed))


@pytest.mark.parametrize("junk", [b"", b"\x01", b"\x01\x02k1", b"\x01\xff" + b"x" * 40, b"anna@e.x"])
def test_bytes_that_were_never_sealed_are_refused(junk: bytes) -> None:
    with pytest.raises(CipherError):
        both("k1").open(junk)


def test_a_later_form_asks_for_an_upgrade() -> None:
    with pytest.raises(CipherError, match="form 2"):
        both("k1").open(b"\x02" + both("k1").seal(b"x")[1:])


def test_keys_are_read_from_text_the_first_being_current() -> None:
    text = f"{Cipher.new_key('k2')}, {Cipher.new_key('k1')}"
    cipher = Cipher.of_text(text, HASH_KEY)
    assert cipher.key_id_of(cipher.seal(b"")) == "k2"
    assert Cipher.of_text(text, HASH_KEY).open(cipher.seal(b"x")) == b"x"


def test_two_keys_need_a_key_of_hashes() -> None:
    """Else a key that is added as the last hashes from then on, and every device and person has another name.

    Mutation: the last of the list hashes.
    """
    first, second = Cipher.new_key("k1"), Cipher.new_key("k2")
    for text in (f"{first},{second}", f"{second},{first}"):
        with pytest.raises(CipherError, match="hash_key"):
            Cipher.of_text(text)
    alone = Cipher.of_text(first).digest(b"token")
    given = first.partition(":")[2]
    both = (f"{first},{second}", f"{second},{first}", second)
    assert {alone} == {Cipher.of_text(text, given).digest(b"token") for text in both}


def test_only_a_key_that_is_said_to_be_withdrawn_is_an_end() -> None:
    """Mutation: each unknown key is one: data of a key that comes late are given up."""
    sealed = Cipher({"k1": OLD}, current="k1").seal(b"x")
    with pytest.raises(UnopenedError, match="'k1', which is withdrawn"):
        Cipher.of_text(Cipher.new_key("k2"), withdrawn="k0, k1").open(sealed)
    for withdrawn in ("", "k0"):
        with pytest.raises(CipherError, match="not among the keys") as error:
            Cipher.of_text(Cipher.new_key("k2"), withdrawn=withdrawn).open(sealed)
        assert not isinstance(error.value, UnopenedError)
    with pytest.raises(CipherError, match="changed") as error:
        Cipher.of_text(Cipher.new_key("k1"), withdrawn="k0").open(sealed)
    assert not isinstance(error.value, UnopenedError)


@pytest.mark.parametrize(("withdrawn", "words"), [("k1", "withdrawn as well"), ("no id", "key id 'no id'")])
def test_a_withdrawn_key_is_an_id_and_none_of_the_keys(withdrawn: str, words: str) -> None:
    with pytest.raises(CipherError, match=words):
        Cipher.of_text(Cipher.new_key("k1"), withdrawn=withdrawn)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no encryption key"),
        ("k1", "0 bytes"),
        ("k1:###", "not base64"),
        ("k1:YWJj", "3 bytes, not 32, 48 or 64"),
        (":" + Cipher.new_key("k").partition(":")[2], "key id ''"),
        (f"{Cipher.new_key('a')},{Cipher.new_key('a')}", "same id"),
    ],
    ids=["nothing", "no bytes", "no base64", "three bytes", "no id", "one id twice"],  # the keys are random
)
def test_wrong_keys_are_refused_with_the_reason_and_without_the_key(text: str, words: str) -> None:
    with pytest.raises(CipherError, match=words) as caught:
        Cipher.of_text(text)
    assert not text.partition(":")[2] or text.partition(":")[2] not in str(caught.value)


def test_an_unknown_current_key_lists_the_known_ones() -> None:
    with pytest.raises(CipherError, match=r"'k9' is not among the keys \(k1, k2\)"):
        both("k9")


def test_a_digest_stays_the_same_whichever_key_seals() -> None:
    """Else each device would be another one after a rotation. Mutation: the current key hashes."""
    before = Cipher({"k1": OLD}, current="k1")
    after = Cipher({"k2": NEW, "k1": OLD}, current="k2")
    assert before.digest(b"token") == after.digest(b"token")
    assert before.digest(b"token") != before.digest(b"nekot")


def test_a_key_of_hashes_outlives_all_others() -> None:
    text = base64.b64encode(bytes(32)).decode()
    first = Cipher.of_text(Cipher.new_key("k1"), text)
    second = Cipher.of_text(Cipher.new_key("k2"), text)
    assert first.digest(b"token") == second.digest(b"token")


@pytest.mark.parametrize("text", ["no base64!", base64.b64encode(b"short").decode()])
def test_a_key_of_hashes_that_is_none_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(CipherError) as error:
        Cipher.of_text(Cipher.new_key("k1"), text)
    assert text not in str(error.value)
