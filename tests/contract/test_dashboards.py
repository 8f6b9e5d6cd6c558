"""Dashboards ask for metrics and labels that exist, and the chart installs them when it is told to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from connectors.metrics import METRICS
from streams.docs import metric_labels
from streams.engine.meters import Meters

CHART = Path(__file__).parents[2] / "helm" / "carillon"
FILES = sorted((CHART / "dashboards").glob("*.json"))
NAMED = re.compile(r"(carillon_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!=|=|!~)")
SERIES = re.compile(r"_(bucket|count|sum)$")


def known() -> dict[str, set[str]]:
    """Labels of each metric, the engine's included."""
    registry = CollectorRegistry()
    Meters(registry)
    names = [f"{one.name}_total" if one.type == "counter" else one.name for one in registry.collect()]
    engine = {name: set(metric_labels(registry, name)) for name in names}
    return engine | {metric.name: set(metric.labels) for metric in METRICS}


def panels() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{path.stem}: {panel['title']}", panel)
        for path in FILES
        for panel in json.loads(path.read_text())["panels"]
    ]


@pytest.mark.spec("NS-OPS-064")
@pytest.mark.parametrize("panel", [panel for _, panel in panels()], ids=[name for name, _ in panels()])
def test_a_panel_names_metrics_and_labels_that_exist(panel: dict[str, Any]) -> None:
    metrics = known()
    assert panel["targets"]
    assert panel["description"]
    for target in panel["targets"]:
        found = [(SERIES.sub("", name), matchers) for name, matchers in NAMED.findall(target["expr"])]
        assert found
        for name, matchers in found:
            assert set(LABEL.findall(matchers)) <= metrics[name], name
        by = {
            one.strip() for some in re.findall(r"by \(([^)]*)\)", target["expr"]) for one in some.split(",")
        }
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert by | shown <= {"le"}.union(*(metrics[name] for name, _ in found))


@pytest.mark.spec("SEEN-075 SEEN-076 SEEN-078 SEEN-079")
def test_every_metric_of_seen_facts_is_on_the_dashboard_and_charts_are_not_split_by_consumer() -> None:
    """SEEN-075, SEEN-076, SEEN-078."""
    text = (CHART / "dashboards" / "seen.json").read_text()
    wanted = {metric.name for metric in METRICS if metric.name.startswith("carillon_seen_")}
    assert set() == {name for name in wanted if name not in text}
    assert "{{destination}}" not in text


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_panels_have_ids_and_places_of_their_own(path: Path) -> None:
    found = json.loads(path.read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in found]
    assert len(found) == len({panel["id"] for panel in found}) == len(set(places))


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_chart_installs_them_when_it_is_told_to(is_enabled: bool) -> None:
    helm = pytest.importorskip("helm_python", reason="Helm's package has no build for macOS on Intel")
    values = {"settings": {"kafka": {"bootstrap": "kafka:9092"}}, "dashboards": {"enabled": is_enabled}}
    with helm.Chart.load(CHART) as chart:
        files = chart.render(values, name="prod", namespace="default")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    made = [one for text in texts for one in yaml.safe_load_all(text) if one]
    maps = [one for one in made if "grafana_dashboard" in one["metadata"].get("labels", {})]
    data = {name: json.loads(text) for one in maps for name, text in one["data"].items()}
    expected = {path.name: json.loads(path.read_text()) for path in FILES} if is_enabled else {}
    assert expected == data
