"""The encryption key of a machine that runs its own servers: made once, kept beside the data it encrypts."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from connectors.cipher import Cipher


def kept_key(folder: Path) -> str:
    """The folder's key in the form of `crypto.keys`; all who ask at once get the same one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "crypto.key"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=folder) as new:  # only its owner may read it
            new.write(Cipher.new_key("local"))
            new.flush()
            with suppress(FileExistsError):
                path.hardlink_to(new.name)  # unlike a rename, never replaces a key made meanwhile
    return path.read_text()
