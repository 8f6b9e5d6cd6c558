"""Derived ids."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from schemas.ids import derived, subject_key


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
