"""The reference data in `examples/` fits the records it is loaded into and is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from connectors.templates.lint import lint
from connectors.templates.renderer import TemplateRenderer
from schemas.records import (
    AudienceFilter,
    Communication,
    Experiment,
    NotificationType,
    Provider,
    Rule,
    SeenTag,
    SpendingBudget,
    Template,
)
from schemas.words import Category, Channel, Lane, UnknownPolicy

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def entries(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))


def types() -> list[NotificationType]:
    return msgspec.convert(entries("types"), list[NotificationType])


def templates() -> dict[str, Template]:
    files = sorted((EXAMPLES / "templates").glob("*.yaml"))
    return {path.name: msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Template) for path in files}


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("types", NotificationType),
        ("rules", Rule),
        ("providers", Provider),
        ("budgets", SpendingBudget),
        ("seen", SeenTag),
        ("communications", Communication),
        ("filters", AudienceFilter),
        ("experiments", Experiment),
    ],
)
def test_file_holds_only_fields_of_its_record(name: str, record: type[Any]) -> None:
    known = {field.name for field in msgspec.structs.fields(record)}
    assert not [set(entry) - known for entry in entries(name) if set(entry) - known]
    loaded = [msgspec.convert(entry, record) for entry in entries(name)]
    assert len(entries(name)) == len(loaded)


def test_template_file_is_named_after_what_it_holds() -> None:
    loaded = templates()
    assert list(loaded) == [f"{t.name}.{t.channel_type}.{t.language_code}.yaml" for t in loaded.values()]


def test_every_default_channel_has_a_russian_template_to_fall_back_to() -> None:
    have = set(templates())
    wanted = {f"{t.template_name}.{c}.ru.yaml" for t in types() for c in t.default_channels}
    assert set() == wanted - have


def test_types_use_only_words_of_the_closed_lists() -> None:
    for kind in types():
        assert kind.category in set(Category)
        assert kind.default_priority in set(Lane)
        assert set(kind.default_channels) <= set(Channel)
        assert kind.unknown_policy is None or kind.unknown_policy in set(UnknownPolicy)


def test_rules_name_types_that_exist() -> None:
    known = {kind.code for kind in types()}
    assert not [rule["event_type"] for rule in entries("rules") if rule["notification_type"] not in known]


def test_rules_give_every_required_variable_of_their_templates() -> None:
    by_name = {kind.code: kind.template_name for kind in types()}
    for rule in msgspec.convert(entries("rules"), list[Rule]):
        for template in templates().values():
            if template.name == by_name[rule.notification_type]:
                required = {name for name, spec in template.variables.items() if spec["required"]}
                assert set() == required - set(rule.data)


@pytest.mark.spec("NS-EVT-OP-09")
def test_the_code_of_a_password_reset_is_secret() -> None:
    codes = [t.variables["Code"] for t in templates().values() if t.name == "password_reset"]
    assert len(codes) == sum(spec["secret"] for spec in codes)


def test_no_template_has_a_remark_of_the_linter() -> None:
    assert not [remark for template in templates().values() for remark in lint(template)]


SOURCES = ("user", "auth", "library", "payment", "social", "download", "developer", "admin")


@pytest.mark.spec(
    "NS-EVT-034 NS-EVT-035 NS-EVT-036 NS-EVT-037 NS-EVT-038 NS-EVT-039 NS-EVT-072 NS-EVT-073 NS-EVT-045"
    " NS-EVT-055 NS-EVT-058 NS-EVT-061"
)
@pytest.mark.parametrize("source", SOURCES)
def test_every_service_of_the_platform_has_an_event_that_is_told(source: str) -> None:
    told = [rule for rule in entries("rules") if rule["topic"] == f"{source}.events"]
    assert told
    assert all(rule["event_type"].startswith(f"{source}.") for rule in told)


@pytest.mark.spec("NS-EVT-OP-12")
def test_a_sum_without_a_currency_is_in_roubles() -> None:
    order = templates()["order_confirmation.email.ru.yaml"]
    data = {"OrderNumber": "A-1", "Amount": 1500, "Items": []}
    texts = [TemplateRenderer().render(order, data | more).body_text for more in ({}, {"Currency": "EUR"})]
    assert ["1500 RUB", "1500 EUR"] == [str(text).strip().rpartition(": ")[2] for text in texts]
