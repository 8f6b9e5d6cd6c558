"""The chart, rendered by Helm itself: what it installs fits together, and starts with settings that exist."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.cipher import Cipher
from connectors.http.audience.slots import most_memory
from streams.settings import Settings, load_settings
from streams.settings_reading import leaves

helm = pytest.importorskip("helm_python", reason="Helm's package has no build for macOS on Intel")

CHART = Path(__file__).parents[2] / "helm" / "carillon"
GIVEN = {"settings": {"kafka": {"bootstrap": "kafka:9092"}}}
OF_HTTP_ITSELF = 320 << 20
"""Interpreter, clients, seen posts in flight, and some 100 000 labels with their progress."""
SECRETS = {
    "postgres-dsn": "postgresql://carillon@database/carillon",
    "crypto-keys": Cipher.new_key("k1"),
    "api-keys": f"shop:{'0f' * 32}:send",
}
LINK_KEYS = f"k1:{b64encode(bytes(32)).decode()}"
Object = dict[str, Any]


def rendered(values: Object) -> list[Object]:
    """All objects that an installation with these values makes."""
    with helm.Chart.load(CHART) as chart:
        files = chart.render(values, name="prod", namespace="default")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def of_kind(kind: str, values: Object = GIVEN) -> list[Object]:
    return [found for found in rendered(values) if found["kind"] == kind]


def pods(values: Object = GIVEN) -> Iterator[Object]:
    """Pod templates of everything that runs."""
    for found in rendered(values):
        if found["kind"] in ("StatefulSet", "Deployment"):
            yield found["spec"]["template"]


def container(pod: Object) -> Object:
    (only,) = pod["spec"]["containers"]
    found: Object = only
    return found


def variables(pod: Object) -> dict[str, str]:
    """A container's environment; the pod's name stands for what Kubernetes fills in."""
    return {row["name"]: row.get("value", "prod-carillon-0") for row in container(pod)["env"]}


@pytest.mark.spec("NS-OPS-092")
def test_chart_has_nothing_to_complain_about() -> None:
    findings = helm.lint(CHART, GIVEN, strict=True)
    assert [] == findings["errors"]
    assert ["icon is recommended"] == [row["error"] for row in findings["messages"]]


@pytest.mark.spec("NS-OPS-031 NS-OPS-033 NS-OPS-091")
def test_installation_is_what_it_is_meant_to_be() -> None:
    expected = {
        ("ConfigMap", "prod-carillon"),
        ("Service", "prod-carillon-http"),
        ("Deployment", "prod-carillon-http"),
        ("PodDisruptionBudget", "prod-carillon-http"),
        ("Service", "prod-carillon-worker-all"),
        ("StatefulSet", "prod-carillon-worker-all"),
        ("PodDisruptionBudget", "prod-carillon-worker-all"),
    }
    assert expected == {(found["kind"], found["metadata"]["name"]) for found in rendered(GIVEN)}


def test_each_group_of_stages_is_a_stateful_set_of_its_own() -> None:
    group = {"replicas": 1, "storage": "1Gi", "resources": {}}
    groups = [{"name": "fast", "stages": ["intake", "recipient"], **group}, {"name": "rest", **group}]
    sets = of_kind("StatefulSet", {**GIVEN, "workers": groups})
    arguments = {found["metadata"]["name"]: container(found["spec"]["template"])["args"] for found in sets}
    expected = {
        "prod-carillon-worker-fast": ["worker", "--stages", "intake,recipient"],
        "prod-carillon-worker-rest": ["worker"],
    }
    assert expected == arguments


@pytest.mark.spec("NS-OPS-092")
def test_every_setting_in_the_values_exists() -> None:
    known = {leaf.path for leaf in leaves(Settings)}
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    named = {(section, name) for section, rows in values["settings"].items() for name in rows}
    named |= {tuple(setting.split(".")) for setting in values["secret"]["keys"]}
    assert set() == named - known


@pytest.mark.spec("NS-OPS-097")
def test_no_secret_setting_stands_in_the_open_values() -> None:
    secret = {leaf.path for leaf in leaves(Settings) if leaf.secret}
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert secret.isdisjoint((section, name) for section, rows in values["settings"].items() for name in rows)
    assert secret.issuperset(tuple(setting.split(".")) for setting in values["secret"]["keys"])


@pytest.mark.spec("NS-OPS-OP-02 NS-OPS-096")
def test_every_pod_starts_with_settings_that_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (configuration,) = of_kind("ConfigMap")
    for name, text in {**configuration["data"], **SECRETS}.items():
        (tmp_path / name).write_text(text)
    for pod in pods():
        with monkeypatch.context() as environment:
            for name, value in variables(pod).items():
                mounted = value.startswith("/etc/carillon/")
                environment.setenv(name, str(tmp_path / Path(value).name) if mounted else value)
            settings = load_settings()
        assert ("kafka:9092", 48, 3) == (
            settings.kafka.bootstrap,
            settings.kafka.partitions,
            settings.kafka.replication,
        )
        assert settings.postgres.dsn is not None
        assert "prod-carillon-0" == settings.engine.worker_name
        ports = {row["name"]: row["containerPort"] for row in container(pod)["ports"]}
        assert settings.http.ops_port == ports["ops"]
        assert settings.http.port == ports.get("http", settings.http.port)
        assert "0.0.0.0" == settings.http.host  # noqa: S104 - inside a pod


def test_issuer_and_keys_of_links_come_as_the_values_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines of values.yaml that are comments there. The keys stand in the Secret only."""
    jwt = {
        "issuer": "https://id.example.com",
        "audience": "carillon",
        "jwks_url": "https://id.example.com/.well-known/jwks.json",
    }
    kept = (CHART / "values.yaml").read_text()
    assert [] == [value for value in jwt.values() if value not in kept]
    values = {
        "settings": {**GIVEN["settings"], "http": {"jwt": jwt}},
        "secret": {"keys": {"http.link_keys": "link-keys"}},
    }
    (configuration,) = of_kind("ConfigMap", values)
    for name, text in {**configuration["data"], **SECRETS, "link-keys": LINK_KEYS}.items():
        (tmp_path / name).write_text(text)
    for pod in pods(values):
        with monkeypatch.context() as environment:
            for name, value in variables(pod).items():
                mounted = value.startswith("/etc/carillon/")
                environment.setenv(name, str(tmp_path / Path(value).name) if mounted else value)
            http = load_settings().http
        assert jwt == http.jwt.model_dump(include=set(jwt))
        assert http.link_keys is not None
        assert LINK_KEYS == http.link_keys.get_secret_value()
        assert LINK_KEYS not in str(rendered(values))


@pytest.mark.spec("NS-OPS-OP-11")
def test_everything_mounted_is_a_volume_and_every_path_is_mounted() -> None:
    for pod in pods():
        mounts = {row["mountPath"]: row["name"] for row in container(pod)["volumeMounts"]}
        volumes = {row["name"] for row in pod["spec"]["volumes"]} | {"data"}
        assert set(mounts.values()) <= volumes
        paths = [Path(value) for value in variables(pod).values() if value.startswith("/")]
        assert all(any(path.is_relative_to(mount) for mount in mounts) for path in paths)


@pytest.mark.spec("NS-OPS-091")
def test_a_worker_has_a_disk_and_a_static_id_that_is_its_name() -> None:
    (stateful,) = of_kind("StatefulSet")
    pod = stateful["spec"]["template"]
    assert "true" == variables(pod)["CARILLON_ENGINE__STATIC_ID"]
    assert {"fieldRef": {"fieldPath": "metadata.name"}} in [
        row.get("valueFrom") for row in container(pod)["env"]
    ]
    (claim,) = stateful["spec"]["volumeClaimTemplates"]
    assert {claim["metadata"]["name"]: "/var/lib/carillon"}.items() <= {
        row["name"]: row["mountPath"] for row in container(pod)["volumeMounts"]
    }.items()


def test_http_has_the_memory_that_audience_requests_may_take() -> None:
    """Beside what the process takes anyway. Mutation tried: the limit of before, 512 MiB: fails."""
    (deployment,) = of_kind("Deployment")
    limit = container(deployment["spec"]["template"])["resources"]["limits"]["memory"]
    assert int(limit.removesuffix("Mi")) << 20 >= most_memory() + OF_HTTP_ITSELF


@pytest.mark.spec("NS-OPS-033")
def test_selectors_find_exactly_their_own_pods() -> None:
    labels = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod["metadata"]["labels"] for pod in pods()
    }
    chosen = [(found, found["spec"]["selector"]) for found in of_kind("Service")]
    kinds = ("StatefulSet", "Deployment", "PodDisruptionBudget")
    chosen += [(found, found["spec"]["selector"]["matchLabels"]) for kind in kinds for found in of_kind(kind)]
    for found, selector in chosen:
        hits = [part for part, these in labels.items() if selector.items() <= these.items()]
        assert [found["metadata"]["labels"]["app.kubernetes.io/component"]] == hits


def test_probes_ask_the_operations_port() -> None:
    for pod in pods():
        assert {"path": "/livez", "port": "ops"} == container(pod)["livenessProbe"]["httpGet"]
        assert {"path": "/readyz", "port": "ops"} == container(pod)["readinessProbe"]["httpGet"]


def test_no_pod_gets_variables_of_the_namespaces_services() -> None:
    assert [False, False] == [pod["spec"]["enableServiceLinks"] for pod in pods()]


def test_changed_settings_roll_the_pods() -> None:
    other = {"settings": {"kafka": {"bootstrap": "elsewhere:9092"}}}
    before = [pod["metadata"]["annotations"]["checksum/settings"] for pod in pods()]
    after = [pod["metadata"]["annotations"]["checksum/settings"] for pod in pods(other)]
    assert set(before).isdisjoint(after)


def test_an_installation_without_kafka_is_refused_with_the_reason() -> None:
    with pytest.raises(helm.HelmError, match=r"settings\.kafka\.bootstrap must be said"):
        rendered({})


@pytest.mark.spec("NS-OPS-032 NS-OPS-OP-04")
def test_records_are_on_two_of_three_brokers_before_they_count() -> None:
    (configuration,) = of_kind("ConfigMap")
    kafka = yaml.safe_load(configuration["data"]["carillon.yaml"])["kafka"]
    assert (3, 2) == (kafka["replication"], kafka["min_insync_replicas"])
