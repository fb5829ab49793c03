"""Alert rules and dashboard ask for metrics that the services really expose."""

import ast
import json
import re
from functools import cache

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import generate_latest

from tests.deploy.manifests import COMPOSED, kind_of, named, needs_kubectl
from tests.house.sources import ROOT

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
NAME = re.compile(r"\bnightshift_[A-Za-z0-9_]+")
FACTORIES = ("_counter", "_gauge", "_histogram")


@pytest.mark.parametrize("name", COMPOSED)
def test_every_rule_asks_for_what_there_is(name: str) -> None:
    (rules,) = kind_of(name, "PrometheusRule")
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) >= 10
    for rule in alerts:
        asked = set(NAME.findall(rule["expr"]))
        assert asked, rule["alert"]
        assert asked <= exposed(), rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}


@pytest.mark.parametrize("name", COMPOSED)
def test_every_panel_asks_for_what_there_is(name: str) -> None:
    config = named(name, "ConfigMap", "nightshift-dashboard")
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    board = json.loads(config["data"]["dashboard.json"])
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 10
    for panel in panels:
        for target in panel["targets"]:
            asked = set(NAME.findall(target["expr"]))
            assert asked, panel["title"]
            assert asked <= exposed(), panel["title"]


def test_dashboard_and_alerts_leave_out_no_metric() -> None:
    (rules,) = kind_of(COMPOSED[0], "PrometheusRule")
    board = named(COMPOSED[0], "ConfigMap", "nightshift-dashboard")["data"]["dashboard.json"]
    shown = set(NAME.findall(board + json.dumps(rules)))
    ends = ("_bucket", "_sum", "_count")
    missing = {name for name in exposed() if not name.endswith(ends)} - shown
    missing |= {name for name in exposed() if name.endswith("_bucket")} - shown
    assert missing <= NOT_SHOWN


NOT_SHOWN = {
    "nightshift_feedback_total",
    "nightshift_handling_duration_seconds_bucket",
    "nightshift_servers_pace_wait_seconds_bucket",
}


def test_a_bound_of_a_histogram_that_a_rule_names_is_one() -> None:
    (rules,) = kind_of(COMPOSED[0], "PrometheusRule")
    named_bounds = set(re.findall(r'le="([^"]+)"', json.dumps(rules).replace('\\"', '"')))
    assert named_bounds
    assert named_bounds <= set(re.findall(r'le="([^"]+)"', page()))


def exposed() -> frozenset[str]:
    """What `/metrics` calls our instruments."""
    return frozenset(re.findall(r"^nightshift_\w+", page(), re.MULTILINE))


@cache
def page() -> str:
    """What `/metrics` would show of the instruments of bus/metrics.py, by the exporter itself."""
    reader = PrometheusMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    meter = provider.get_meter("nightshift")
    tree = ast.parse((ROOT / "bus/metrics.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id not in FACTORIES:
                continue
            name, unit = (ast.literal_eval(argument) for argument in node.args[:2])
            if node.func.id == "_counter":
                meter.create_counter(name, unit).add(1)
            elif node.func.id == "_gauge":
                meter.create_gauge(name, unit).set(1)
            else:
                meter.create_histogram(name, unit).record(1)
    text = generate_latest().decode()
    provider.shutdown()
    return text
