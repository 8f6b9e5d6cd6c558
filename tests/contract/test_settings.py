"""Settings: what wins, what is refused and how it is told; and that the documentation says the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors.cipher import Cipher
from streams.settings import ApiKey, Settings, SettingsError, load_settings
from streams.settings_doc import PAGE, page
from streams.settings_reading import CONFIG, PREFIX, leaves

DIGEST = "0f" * 32


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def refusal(flags: dict[str, object] | None = None) -> list[str]:
    """The lines between the heading and the reference to the documentation."""
    with pytest.raises(SettingsError) as error:
        load_settings(flags)
    heading, *problems, where = str(error.value).splitlines()
    assert "The settings are wrong:" == heading
    assert "Every setting is described in docs/configuration.md." == where
    return [problem.strip() for problem in problems]


def test_everything_has_a_default_that_runs_on_one_machine() -> None:
    settings = load_settings()
    assert settings.kafka.bootstrap is None
    assert settings.postgres.dsn is None
    assert settings.crypto.keys is None
    assert 4 == settings.kafka.partitions
    assert Path(".carillon") == settings.data_dir


@pytest.mark.spec("NS-OPS-096 NS-OPS-098")
def test_flag_wins_over_variable_over_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "carillon.yaml"
    file.write_text("kafka: {app: of-file, partitions: 2, replication: 2}\nlog: {level: debug}\n")
    monkeypatch.setenv(CONFIG, str(file))
    monkeypatch.setenv("CARILLON_KAFKA__APP", "of-variable")
    monkeypatch.setenv("CARILLON_KAFKA__PARTITIONS", "3")
    settings = load_settings({"kafka.partitions": 5, "kafka.app": None})
    kafka = settings.kafka
    assert (5, "of-variable", 2) == (kafka.partitions, kafka.app, kafka.replication)
    assert "debug" == settings.log.level


def test_unknown_variable_is_refused_with_the_likely_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_KAFKA__BOOTSTRP", "broker:9092")
    expected = "CARILLON_KAFKA__BOOTSTRP: there is no such setting; did you mean CARILLON_KAFKA__BOOTSTRAP?"
    assert [expected] == refusal()


def test_variables_of_the_tests_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_TEST_KAFKA", "broker:9092")
    assert 4 == load_settings().kafka.partitions


def test_unknown_name_in_the_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "carillon.yaml"
    file.write_text("http: {prt: 80}\n")
    monkeypatch.setenv(CONFIG, str(file))
    assert ["CARILLON_HTTP__PRT: there is no such setting; did you mean CARILLON_HTTP__PORT?"] == refusal()


@pytest.mark.parametrize(
    ("content", "problem"),
    [("kafka: [", "is not YAML"), ("- kafka", "must hold sections"), (None, "cannot be read")],
)
def test_a_file_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "carillon.yaml"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(CONFIG, str(file))
    assert problem in refusal()[0]


def test_all_wrong_values_are_told_at_once() -> None:
    problems = refusal({"kafka.partitions": "many", "http.port": 0, "engine.worker_name": "a b"})
    expected = ["CARILLON_KAFKA__PARTITIONS", "CARILLON_HTTP__PORT", "CARILLON_ENGINE__WORKER_NAME"]
    assert expected == [line.split(":")[0] for line in problems]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (
            {"kafka.replication": 1, "kafka.min_insync_replicas": 2},
            "min_insync_replicas may not exceed replication",
        ),
        (
            {"engine.session_timeout_ms": 2_000, "engine.heartbeat_interval_ms": 1_000},
            "heartbeat_interval_ms may be at most a third of session_timeout_ms",
        ),
        (
            {"kafka.bootstrap": "broker:9092"},
            "CARILLON_KAFKA__BOOTSTRAP is set, so CARILLON_CRYPTO__KEYS must be set too",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_told(flags: dict[str, object], problem: str) -> None:
    assert [problem] == refusal(flags)


@pytest.mark.spec("NS-OPS-097 NS-OPS-OP-11")
def test_a_secret_comes_from_the_file_its_variable_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("postgresql://u:p@host/db\n")
    monkeypatch.setenv("CARILLON_POSTGRES__DSN_FILE", str(secret))
    dsn = load_settings().postgres.dsn
    assert dsn is not None
    assert "postgresql://u:p@host/db" == dsn.get_secret_value()


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_POSTGRES__DSN", "postgresql://a")
    monkeypatch.setenv("CARILLON_POSTGRES__DSN_FILE", "somewhere")
    assert ["CARILLON_POSTGRES__DSN_FILE: CARILLON_POSTGRES__DSN is set too; keep one of them"] == refusal()


@pytest.mark.spec("NS-OPS-097")
def test_no_secret_is_shown_by_settings_or_refusals() -> None:
    key = Cipher.new_key("k1")
    assert key not in repr(load_settings({"crypto.keys": key, "kafka.bootstrap": "broker:9092"}))
    assert "c2VjcmV0" not in "".join(refusal({"crypto.keys": "k1:c2VjcmV0"}))
    assert DIGEST not in "".join(refusal({"http.api_keys": f"shop:{DIGEST}"}))
    told = "".join(refusal({"crypto.keys": f"{Cipher.new_key('k2')},{key}"}))
    assert "`hash_key`" in told
    assert key.partition(":")[2] not in told


def test_a_key_is_among_the_keys_or_withdrawn() -> None:
    key = Cipher.new_key("k2")
    assert "k1" == load_settings({"crypto.keys": key, "crypto.withdrawn": "k1"}).crypto.withdrawn
    assert "withdrawn as well" in "".join(refusal({"crypto.keys": key, "crypto.withdrawn": "k2"}))


@pytest.mark.parametrize(
    "url",
    [
        "http://notify.example.com",
        "https://",
        "notify.example.com",
        "https://u@n.example.com",
        "https://n.example.com/?a",
        "https://n.example.com/\r\nX: y",
        "https://n.example.com/<>",
    ],
)
def test_a_public_url_that_mail_programs_would_not_follow_is_refused(url: str) -> None:
    assert any("PUBLIC_URL" in line for line in refusal({"http.public_url": url}))


def test_a_public_url_loses_its_slash_and_link_keys_are_checked() -> None:
    assert (
        "https://n.example.com/a"
        == load_settings({"http.public_url": "https://n.example.com/a/"}).http.public_url
    )
    told = "".join(refusal({"http.link_keys": "k1:c2hvcnQ="}))
    assert ("32 bytes" in told, "c2hvcnQ" in told) == (True, False)


def test_api_keys_are_taken_apart() -> None:
    settings = load_settings({"http.api_keys": f"shop:{DIGEST}:send+why,\ncrm:{DIGEST}:send"})
    expected = (
        ApiKey("shop", DIGEST, frozenset({"send", "why"})),
        ApiKey("crm", DIGEST, frozenset({"send"})),
    )
    assert expected == settings.http.keys()


def test_the_secret_of_the_resolver_is_a_key_and_not_shown() -> None:
    told = "whsec_" + "c2VjcmV0" * 4
    settings = load_settings({"resolver.secret": told})
    assert (b"secret" * 4, None) == (settings.resolver.key(), load_settings().resolver.key())
    assert "c2VjcmV0" not in repr(settings)
    (line,) = refusal({"resolver.secret": "c2VjcmV0" * 4})
    assert "CARILLON_RESOLVER__SECRET: it must be whsec_" in line
    assert "c2VjcmV0" not in line


def test_every_setting_has_its_sentence() -> None:
    assert [] == [leaf.variable for leaf in leaves(Settings) if not leaf.field.description]


def test_the_page_of_settings_is_the_generated_one() -> None:
    assert page() == PAGE.read_text(), "run: python -m streams.settings_doc"


def test_secrets_of_consumers_are_taken_apart_and_not_shown() -> None:
    settings = load_settings({"consumers.secrets": "wallet=Bearer 5f7c==\n\n crm = k \n"})
    assert {"wallet": "Bearer 5f7c==", "crm": "k"} == settings.consumers.by_name()
    assert "5f7c" not in f"{settings!r} {settings.model_dump_json()}"
    for wrong in ("a=b\nBearer 5f7c", "a=", "=b", "a=b\x7f"):
        (line,) = refusal({"consumers.secrets": wrong})
        assert "of secrets is not name=value" in line
        assert "5f7c" not in line


@pytest.mark.spec("NS-EVT-OP-08 NS-SEC-OP-05")
def test_users_get_so_much_and_live_in_moscow_unless_the_settings_say_otherwise() -> None:
    found = load_settings().recipients
    assert (10, 100, 1, 3) == (
        found.per_minute,
        found.per_day,
        found.marketing_per_day,
        found.marketing_per_week,
    )
    assert ("Europe/Moscow", True) == (found.timezone, found.are_limited)
