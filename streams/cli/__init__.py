"""The command line: `carillon --help`.

Exit codes: 0 done, 1 failed, 2 wrong settings, files or usage, or a person must act.
"""

from __future__ import annotations

import sys

from aiokafka.errors import KafkaError

from connectors.embedded.process import EmbeddedError
from connectors.postgres.errors import PostgresError
from connectors.reference.faults import ReferenceFilesError
from streams.cli.app import app
from streams.refused import advised, is_refused
from streams.settings import SettingsError


def main() -> None:
    """Run one command; what a person must know is one message, not a stack."""
    try:
        app(standalone_mode=True)
    except (SettingsError, ReferenceFilesError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except (EmbeddedError, PostgresError, KafkaError, ConnectionError) as error:
        sys.stderr.write(f"{type(error).__name__}: {advised(error)}\n")
        sys.exit(2 if is_refused(error) else 1)
