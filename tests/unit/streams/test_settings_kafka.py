"""Settings of the cluster: who we are there is told to every client, and what cannot be is refused."""

from __future__ import annotations

import datetime as dt
import os
import ssl
from pathlib import Path

import pytest

from connectors.cipher import Cipher
from connectors.postgres.__main__ import _parser, brokers_of
from streams.demo.run import run_demo
from streams.outside import engine_config
from streams.settings import SettingsError, load_settings
from streams.settings_reading import PREFIX
from tests.certificates import authority, certified

pytestmark = pytest.mark.spec("NS-SEC-031 NS-SEC-OP-06")
GIVEN = {"kafka.bootstrap": "kafka:9093", "crypto.keys": Cipher.new_key("k1")}
SCRAM = {"kafka.sasl_mechanism": "SCRAM-SHA-512", "kafka.username": "carillon", "kafka.password": "s3cret"}


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_open_brokers_are_told_nothing() -> None:
    assert {"bootstrap_servers": "kafka:9093"} == load_settings(GIVEN).kafka.brokers()


def test_a_user_is_told_to_every_client_of_the_engine_and_shown_nowhere() -> None:
    settings = load_settings({**GIVEN, **SCRAM})
    expected = {
        "bootstrap_servers": "kafka:9093",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "carillon",
        "sasl_plain_password": "s3cret",
    }
    config = engine_config(settings)
    assert (expected, expected) == (settings.kafka.brokers(), config.brokers)
    assert "s3cret" not in f"{settings!r} {settings.model_dump_json()} {config!r}"


def test_the_password_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    monkeypatch.setenv("CARILLON_KAFKA__PASSWORD_FILE", str(tmp_path / "password"))
    settings = load_settings({**GIVEN, **SCRAM, "kafka.password": None})
    assert "s3cret" == settings.kafka.brokers()["sasl_plain_password"]


def test_tls_checks_certificate_and_name_and_shows_our_own(tmp_path: Path) -> None:
    file = certified(tmp_path)
    flags = {"kafka.tls": True, "kafka.tls_ca_file": file, "kafka.tls_certificate_file": file}
    found = load_settings({**GIVEN, **flags}).kafka.brokers()
    assert "SSL" == found["security_protocol"]
    assert (ssl.CERT_REQUIRED, True) == (
        found["ssl_context"].verify_mode,
        found["ssl_context"].check_hostname,
    )
    assert "SASL_SSL" == load_settings({**GIVEN, **SCRAM, **flags}).kafka.security()["security_protocol"]


def test_our_name_is_that_of_sasl_else_of_our_certificate(tmp_path: Path) -> None:
    file = authority(tmp_path, "ca").sign(tmp_path, "carillon-workers")
    flags = {"kafka.tls": True, "kafka.tls_certificate_file": file}
    found = [load_settings({**GIVEN, **each}).kafka.user for each in ({}, SCRAM, flags, {**SCRAM, **flags})]
    assert [None, "carillon", "CN=carillon-workers", "carillon"] == found


def test_a_certificate_that_has_ended_is_refused_with_its_times(tmp_path: Path) -> None:
    """Mutation: it is left to the brokers, who say "unknown certificate"."""
    file = authority(tmp_path, "ca").sign(tmp_path, "ours", lasting=dt.timedelta(days=30))
    with pytest.raises(SettingsError, match=r"ours.pem is valid from 2020-01-01T00:00Z to 2020-01-31T00:00Z"):
        load_settings({**GIVEN, "kafka.tls": True, "kafka.tls_certificate_file": file})


def test_a_password_goes_in_clear_to_this_machine_only() -> None:
    plain = {**SCRAM, "kafka.sasl_mechanism": "PLAIN"}
    here = load_settings({**GIVEN, **plain, "kafka.bootstrap": "127.0.0.1:9092,localhost:9093"})
    assert "SASL_PLAINTEXT" == here.kafka.security()["security_protocol"]
    assert (
        "SASL_SSL"
        == load_settings({**GIVEN, **plain, "kafka.tls": True}).kafka.security()["security_protocol"]
    )
    with pytest.raises(SettingsError, match="PLAIN sends the password as it is"):
        load_settings({**GIVEN, **plain, "kafka.bootstrap": "127.0.0.1:9092,kafka:9093"})


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"kafka.username": "carillon"}, "sasl_mechanism, username and password belong together"),
        ({**SCRAM, "kafka.password": None}, "sasl_mechanism, username and password belong together"),
        ({**SCRAM, "kafka.bootstrap": None}, "an embedded broker knows no SASL and no TLS"),
        ({"kafka.tls_ca_file": "ca.pem"}, "need tls"),
        ({"kafka.tls": True, "kafka.tls_key_file": "key.pem"}, "tls_key_file needs tls_certificate_file"),
        ({"kafka.tls": True, "kafka.tls_ca_file": "nowhere.pem"}, "a file of tls cannot be used"),
        ({**SCRAM, "kafka.sasl_mechanism": "GSSAPI"}, "Input should be"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(flags: dict[str, object], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load_settings({**GIVEN, **flags})


def test_the_command_after_a_restore_takes_the_same(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    words = [
        "--bootstrap",
        "kafka:9093",
        "--dsn",
        "postgresql://",
        "--keys-file",
        "keys",
        "--username",
        "carillon",
    ]
    words += ["--sasl-mechanism", "SCRAM-SHA-512", "--password-file", str(tmp_path / "password")]
    assert load_settings({**GIVEN, **SCRAM}).kafka.brokers() == brokers_of(_parser().parse_args(words))


def test_the_demo_says_that_its_books_read_open_brokers_only(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="without SASL and TLS"):
        run_demo(load_settings({**GIVEN, **SCRAM}), tmp_path)
