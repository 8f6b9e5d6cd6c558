"""The kept key: one per folder, readable by its owner only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from connectors.cipher import Cipher
from connectors.embedded.key import kept_key


def test_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    key = kept_key(tmp_path / "new")
    assert key == kept_key(tmp_path / "new")
    assert 0o600 == (tmp_path / "new" / "crypto.key").stat().st_mode & 0o777
    cipher = Cipher.of_text(key)
    assert b"clear" == cipher.open(cipher.seal(b"clear"))


def test_folders_have_different_keys(tmp_path: Path) -> None:
    assert kept_key(tmp_path / "a") != kept_key(tmp_path / "b")


def test_a_key_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: kept_key(tmp_path), range(8)))
    assert 1 == len(keys)
    assert ["crypto.key"] == [path.name for path in tmp_path.iterdir()]
