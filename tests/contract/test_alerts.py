"""Alert rules ask for metrics that exist, and the chart installs them when it is told to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.metrics import METRICS

CHART = Path(__file__).parents[2] / "helm" / "carillon"
FILES = sorted((CHART / "alerts").glob("*.yaml"))
NAMED = re.compile(r"(carillon_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!=|=|!~)")
HISTOGRAM = re.compile(r"_(bucket|count|sum)$")


def rules() -> list[tuple[str, dict[str, Any]]]:
    return [
        (rule["alert"], rule)
        for path in FILES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


@pytest.mark.spec("NS-OPS-062")
@pytest.mark.parametrize("rule", [rule for _, rule in rules()], ids=[name for name, _ in rules()])
def test_a_rule_names_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    known = {metric.name: set(metric.labels) for metric in METRICS}
    found = NAMED.findall(rule["expr"])
    assert found
    for name, matchers in found:
        labels = known[HISTOGRAM.sub("", name)]
        assert set(LABEL.findall(matchers)) <= labels, name
    by = {
        label.strip() for labels in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in labels.split(",")
    }
    assert by <= {"le"}.union(*(known[HISTOGRAM.sub("", name)] for name, _ in found))
    assert rule["annotations"]["summary"]


@pytest.mark.spec("SEEN-OP-19 SEEN-079")
def test_the_three_failures_that_no_client_repairs_raise_an_alert() -> None:
    """SEEN-OP-19."""
    wanted = {"CarillonSeenDeliveriesFail", "CarillonSeenLate", "CarillonSeenGivenUp"}
    assert wanted <= {name for name, _ in rules()}


@pytest.mark.spec("CRM-041 CRM-OP-10")
def test_late_labelling_and_failing_requests_of_audiences_raise_an_alert() -> None:
    """CRM-041, CRM-OP-10. Late is told while it lasts, not only once the last user is labelled."""
    wanted = {"CarillonAudienceLabellingLate", "CarillonAudienceRequestsFail"}
    found = dict(rules())
    assert wanted <= set(found)
    assert "carillon_audience_oldest_age_seconds" in found["CarillonAudienceLabellingLate"]["expr"]


@pytest.mark.spec("NS-SEC-OP-05")
def test_mandatory_requests_beyond_the_limit_raise_an_alert_from_the_first_one_on() -> None:
    """Mutation tried: `increase` alone: a counter that begins at 1 has not increased."""
    assert "unless" in dict(rules())["CarillonMandatoryOverLimit"]["expr"]


@pytest.mark.spec("NS-SEC-OP-07")
def test_a_service_that_suddenly_asks_for_too_much_raises_an_alert_whether_it_is_held_or_not() -> None:
    found = dict(rules())
    assert 'kind="held"' in found["CarillonFlowHeld"]["expr"]
    assert 'kind="told"' in found["CarillonFlowAnomalous"]["expr"]


@pytest.mark.spec("NS-SND-OP-14 NS-OPS-041")
def test_providers_that_fail_or_refuse_us_raise_an_alert() -> None:
    found = dict(rules())
    assert 'cause="misconfigured"' in found["CarillonProviderRefusesUs"]["expr"]
    assert 'cause="failures"' in found["CarillonProviderDown"]["expr"]


@pytest.mark.spec("NS-OPS-OP-12")
def test_a_budget_raises_an_alert_from_four_fifths_on_and_when_it_has_no_room() -> None:
    found = dict(rules())
    assert "(carillon_budget_used_ratio) >= 0.8" in found["CarillonBudgetNearlySpent"]["expr"]
    assert "carillon_budget_refusals_total" in found["CarillonBudgetSpent"]["expr"]


@pytest.mark.spec("SEEN-OP-19")
def test_what_outsiders_post_raises_none() -> None:
    assert not [name for name, rule in rules() if "carillon_seen_decisions_total" in rule["expr"]]
    assert not [name for name, rule in rules() if 'status=~"4' in rule["expr"]]


def test_what_is_given_up_for_a_destination_that_is_gone_is_told_too() -> None:
    """It counts under `unknown`."""
    (rule,) = (rule for name, rule in rules() if name == "CarillonSeenGivenUp")
    assert "destination!=" not in rule["expr"]


@pytest.mark.spec("NS-OPS-064")
def test_the_chart_installs_them_when_it_is_told_to() -> None:
    helm = pytest.importorskip("helm_python", reason="Helm's package has no build for macOS on Intel")
    values = {"settings": {"kafka": {"bootstrap": "kafka:9092"}}, "alerts": {"enabled": True}}
    with helm.Chart.load(CHART) as chart:
        files = chart.render(values, name="prod", namespace="default")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    made = [one for text in texts for one in yaml.safe_load_all(text) if one]
    installed = [one for one in made if one["kind"] == "PrometheusRule"]
    assert [path.stem for path in FILES] == [
        one["metadata"]["name"].removeprefix("prod-carillon-") for one in installed
    ]
    assert [yaml.safe_load(path.read_text()) for path in FILES] == [one["spec"] for one in installed]
