"""`python -m connectors.postgres`: run once after a backup was put back (`docs/restore-drill.md`)."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.cipher import Cipher
from connectors.clock import now_ms
from connectors.postgres.after_restore import after_restore
from connectors.postgres.database import Database

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Migrations, partitions, reference data. `arguments`: those of the command line by default."""
    options = _parser().parse_args(arguments)
    asyncio.run(_run(options.dsn, Cipher.of_text(options.keys_file.read_text()), options.bootstrap))


async def _run(dsn: str, cipher: Cipher, bootstrap: str) -> None:
    database = Database(dsn)
    try:
        for line in await after_restore(database, cipher, bootstrap, now_ms()):
            sys.stdout.write(f"{line}\n")
    finally:
        await database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connectors.postgres", description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="Kafka, host:port")
    parser.add_argument("--dsn", required=True, help="Postgres")
    parser.add_argument(
        "--keys-file", required=True, type=Path, help="holds what CARILLON_CRYPTO__KEYS holds"
    )
    return parser


if __name__ == "__main__":
    main()
