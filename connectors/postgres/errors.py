"""What can go wrong with Postgres, told apart by what has to happen next.

PostgresError
├── PostgresUnavailableError  away, full, restarting or too slow: try again, without limit
├── SinkFencedError           another writer has the partition: reopen the task, never retry the batch
├── RowsRefusedError          Postgres takes these values in no form: a defect of ours, tied to records
└── MigrationError            the database and this version of the program do not fit together
"""

from __future__ import annotations

import asyncpg
from asyncpg.exceptions import (
    ClientConfigurationError,
    IdleInTransactionSessionTimeoutError,
    InsufficientResourcesError,
    IntegrityConstraintViolationError,
    InvalidAuthorizationSpecificationError,
    InvalidCatalogNameError,
    LockNotAvailableError,
    OperatorInterventionError,
    PostgresConnectionError,
    ProgramLimitExceededError,
    ReadOnlySQLTransactionError,
    TransactionRollbackError,
)


class PostgresError(Exception):
    """Root of what this package raises."""


class PostgresUnavailableError(PostgresError):
    """Postgres cannot be used now. Whether a transaction that ran was committed is unknown."""


class SinkFencedError(PostgresError):
    """The offset of the partition is not where this writer left it; nothing was written."""


class RowsRefusedError(PostgresError):
    """Postgres refused values of a record; nothing was written."""


class MigrationError(PostgresError):
    """Migrations that cannot be run; the text says what to do."""


AWAY = (
    OSError,
    TimeoutError,
    PostgresConnectionError,
    OperatorInterventionError,
    InsufficientResourcesError,
    TransactionRollbackError,
    ReadOnlySQLTransactionError,
    InvalidAuthorizationSpecificationError,
    InvalidCatalogNameError,
    LockNotAvailableError,
    IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
)
REFUSED = (asyncpg.DataError, IntegrityConstraintViolationError, ProgramLimitExceededError)


def translated(error: Exception) -> PostgresError | None:
    """Give our word for an error of asyncpg or the network; None for one that is a plain defect."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, ClientConfigurationError):
        return None  # a wrong DSN: nothing to wait for
    unsendable = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    if unsendable or isinstance(error, (*REFUSED, UnicodeError)):
        return RowsRefusedError(text)
    if isinstance(error, (*AWAY, asyncpg.InterfaceError)):
        return PostgresUnavailableError(text)
    return None


def is_lost(error: BaseException) -> bool:
    """Tell whether the connection an error came from must not be used again."""
    return not isinstance(error, Exception) or isinstance(translated(error), PostgresUnavailableError)
