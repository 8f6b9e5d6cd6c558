"""Derived ids."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import derived, is_message, key_hash, message_hash, message_named, subject_key


def test_an_id_is_a_uuid_of_version_8() -> None:
    made = UUID(derived("message", "r1", "email"))
    assert (8, "specified in RFC 4122") == (made.version, made.variant)


def test_a_stranger_can_compute_it_again() -> None:
    digest = bytearray(blake2b(b"message\0r1\0email", digest_size=16).digest())
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    assert str(UUID(bytes=bytes(digest))) == derived("message", "r1", "email")


def test_parts_do_not_run_into_each_other() -> None:
    assert derived("m", "ab", "c") != derived("m", "a", "bc")
    assert derived("m", "x") != derived("n", "x")


def test_a_users_key_says_what_kind_of_subject_it_is() -> None:
    assert b"user:u1" == subject_key("u1")


@given(st.binary(max_size=80))
def test_the_hash_of_a_key_is_that_of_kafkas_own_clients(key: bytes) -> None:
    """Else a receipt would look for its message in another task."""
    assert murmur2(key) & 0x7FFFFFFF == key_hash(key)


@given(st.uuids().map(str), st.lists(st.text(max_size=5), max_size=3))
def test_a_messages_id_tells_where_its_user_is(user_id: str, parts: list[str]) -> None:
    made = message_named(user_id, *parts)
    assert key_hash(subject_key(user_id)) == message_hash(made)
    assert derived("message", *parts)[:-8] == made[:-8]
    assert (made, 8) == (str(UUID(made)), UUID(made).version)
    assert is_message(made)


def test_what_is_no_id_of_a_message_is_known() -> None:
    made = message_named("u1", "1")
    others = (
        "",
        made[:-1],
        made.upper(),
        f"{made}\n",
        made.replace("-8", "-4", 1),
        "5d1f5a3e-2f8e-4c51-9b1a-0d1e4f2a6b7c",
    )
    assert not any(is_message(other) for other in others)
