"""Where servers are: a given address wins, then a running `up`, and nothing is started that is given."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.cipher import Cipher
from connectors.embedded.process import EmbeddedError
from streams.outside import links_of
from streams.running import check_free, on_free_ports, servers, with_links
from streams.servers import located
from streams.settings import Settings, load_settings

BROKER, DSN = "broker.test:9092", "postgresql://carillon@database.test/carillon"


def given(folder: Path, *, kafka: bool = True, postgres: bool = True) -> Settings:
    """Settings with the addresses that are given."""
    flags = {
        "data_dir": folder / "data",
        "kafka.bootstrap": BROKER if kafka else None,
        "crypto.keys": Cipher.new_key("k1"),
        "postgres.dsn": DSN if postgres else None,
    }
    return load_settings(flags)


def addresses(settings: Settings) -> tuple[str | None, str | None]:
    dsn = settings.postgres.dsn
    return settings.kafka.bootstrap, dsn.get_secret_value() if isinstance(dsn, SecretStr) else None


async def test_up_and_demo_start_no_server_that_is_given(tmp_path: Path) -> None:
    said: list[str] = []
    async with servers(given(tmp_path), said.append) as (found, ends):
        assert (BROKER, DSN) == addresses(found)
        assert {} == ends
    assert [] == said
    assert [] == list(tmp_path.iterdir())


def test_commands_use_given_servers(tmp_path: Path) -> None:
    assert (BROKER, DSN) == addresses(located(given(tmp_path)))


@pytest.mark.parametrize(
    ("kafka", "postgres", "variable"),
    [
        (False, True, "CARILLON_KAFKA__BOOTSTRAP"),
        (True, False, "CARILLON_POSTGRES__DSN"),
        (False, False, "CARILLON_KAFKA__BOOTSTRAP"),
    ],
)
def test_without_a_server_the_command_names_up_and_the_variable(
    tmp_path: Path, variable: str, *, kafka: bool, postgres: bool
) -> None:
    with pytest.raises(EmbeddedError, match=r"Start `carillon up` in another terminal") as told:
        located(given(tmp_path, kafka=kafka, postgres=postgres))
    assert variable in str(told.value)


@pytest.fixture
def busy() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield int(taken.getsockname()[1])


def test_a_busy_port_is_told_with_the_settings_that_change_it(busy: int) -> None:
    with pytest.raises(EmbeddedError, match=rf"Port {busy} of this machine is in use.*CARILLON_HTTP__PORT"):
        check_free(busy)


def test_the_demo_takes_other_ports_than_busy_ones(tmp_path: Path, busy: int) -> None:
    http = given(tmp_path).http.model_copy(update={"port": busy})
    moved = on_free_ports(given(tmp_path).model_copy(update={"http": http})).http
    assert busy not in {moved.port, moved.ops_port, moved.ops_port + 1}
    assert moved.port not in {moved.ops_port, moved.ops_port + 1}


def test_links_of_an_installation_of_its_own_lead_to_this_machine_and_stay_valid(tmp_path: Path) -> None:
    """Mutation: a key made at each start. The links of yesterday's mails are then strangers'."""
    first, again = (links_of(with_links(given(tmp_path))) for _ in range(2))
    user = "7b0f6c1e-5d3a-4c55-9a0e-2f1d9b8c7a61"
    link = first.preferences(user, 0)
    assert link is not None
    assert link.startswith("http://127.0.0.1:8080/")
    assert link == again.preferences(user, 0)


@pytest.mark.parametrize("changes", [{"host": "0.0.0.0"}, {"public_url": "https://notify.example.com"}])  # noqa: S104
def test_no_links_are_made_up_for_others(tmp_path: Path, changes: dict[str, str]) -> None:
    settings = given(tmp_path)
    settings = settings.model_copy(update={"http": settings.http.model_copy(update=changes)})
    assert settings is with_links(settings)
