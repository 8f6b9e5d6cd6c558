"""`python -m connectors.postgres`: run once after a backup was put back (`docs/restore-drill.md`)."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.cipher import Cipher
from connectors.clock import now_ms
from connectors.kafka_access import Sasl, Tls, security
from connectors.postgres.after_restore import after_restore
from connectors.postgres.database import Database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.kafka_clients import Brokers


def main(arguments: Sequence[str] | None = None) -> None:
    """Migrations, partitions, reference data. `arguments`: those of the command line by default."""
    options = _parser().parse_args(arguments)
    asyncio.run(_run(options.dsn, Cipher.of_text(options.keys_file.read_text()), brokers_of(options)))


async def _run(dsn: str, cipher: Cipher, brokers: Brokers) -> None:
    database = Database(dsn)
    try:
        for line in await after_restore(database, cipher, brokers, now_ms()):
            sys.stdout.write(f"{line}\n")
    finally:
        await database.close()


def brokers_of(options: argparse.Namespace) -> Brokers:
    """What the options say of the brokers, as `kafka` of the settings does for everything else."""
    sasl = tls = None
    if options.sasl_mechanism:
        sasl = Sasl(options.sasl_mechanism, options.username, options.password_file.read_text().strip())
    if options.tls:
        tls = Tls(options.tls_ca_file, options.tls_certificate_file, options.tls_key_file)
    return {"bootstrap_servers": options.bootstrap, **security(sasl, tls)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connectors.postgres", description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="Kafka, host:port")
    parser.add_argument("--sasl-mechanism", help="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
    parser.add_argument("--username", help="user of the brokers")
    parser.add_argument("--password-file", type=Path, help="holds what CARILLON_KAFKA__PASSWORD holds")
    parser.add_argument("--tls", action="store_true", help="speak TLS with the brokers")
    for name in ("ca", "certificate", "key"):
        parser.add_argument(
            f"--tls-{name}-file", type=Path, help=f"as CARILLON_KAFKA__TLS_{name.upper()}_FILE"
        )
    parser.add_argument("--dsn", required=True, help="Postgres")
    parser.add_argument(
        "--keys-file", required=True, type=Path, help="holds what CARILLON_CRYPTO__KEYS holds"
    )
    return parser


if __name__ == "__main__":
    main()
