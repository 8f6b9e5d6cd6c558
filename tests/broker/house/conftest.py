"""The one house of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.broker.house.house import House, running_house


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running pipeline. Each test has users, keys and addresses of its own, and leaves all running."""
    with running_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened
