"""Alert rules and dashboard ask for what the services really expose, and each alert has a runbook.

What is exposed is what four real processes answered at `/metrics` (`tests.deploy.real_run`).
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bus.seals import Verdict
from bus.streams import STREAMS
from tests.deploy import promql
from tests.deploy.manifests import COMPOSED, K8S, Object, kind_of, named, needs_kubectl
from tests.deploy.real_run import GROUP, Evidence

pytestmark = [GROUP, pytest.mark.timeout(240)]
PROMTOOL = shutil.which("promtool")
RULES = K8S / "components" / "prometheus" / "alerts.yaml"
BOARD = K8S / "components" / "prometheus" / "dashboard.json"
SHOWN_LABEL = re.compile(r"\$labels\.(\w+)")
DURATION = re.compile(r"[1-9]\d*[smhd]")
Series = dict[str, list[dict[str, str]]]


@cache
def rules() -> dict[str, Object]:
    """Every alert by its name."""
    spec = yaml.load(RULES.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["spec"]
    each = [rule for group in spec["groups"] for rule in group["rules"]]
    found = {rule["alert"]: rule for rule in each}
    assert len(found) == len(each) >= 30
    return found


def queries() -> Iterator[tuple[str, promql.Node]]:
    """Everything that rules and panels ask, by where it stands."""
    for name, rule in rules().items():
        yield name, promql.read(rule["expr"])
    for panel in json.loads(BOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            yield panel["title"], promql.read(target["expr"])


@cache
def series(pages: tuple[str, ...]) -> Series:
    """The labels of every series of ours, by the name under which a query finds it."""
    found: Series = {}
    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                if sample.name.startswith("nightshift_"):
                    found.setdefault(sample.name, []).append(sample.labels)
    return found


@pytest.fixture
def exposed(real_run: Evidence) -> Series:
    return series(tuple(real_run.pages.values()))


def test_every_rule_has_what_a_person_on_call_needs() -> None:
    for name, rule in rules().items():
        assert re.fullmatch(r"Nightshift[A-Z][A-Za-z]+", name)
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}, name
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
        assert DURATION.fullmatch(rule.get("for", "1m")), name
        shown = set(SHOWN_LABEL.findall(json.dumps(rule["annotations"])))
        assert shown <= {label for label, _ in promql.groupings(promql.read(rule["expr"]))}, name


def test_every_query_asks_for_series_that_the_services_expose(exposed: Series) -> None:
    missing = []
    for where, query in queries():
        for selector in promql.selectors(query):
            missing += [f"{where}: {what}" for what in lacking(selector, exposed)]
        for label, selector in promql.groupings(query):
            if not all(label in labels for labels in exposed.get(selector.name, [{}])):
                missing.append(f"{where}: {selector.name} has no label {label}")
    assert missing == []


def lacking(selector: promql.Selector, exposed: Series) -> Iterator[str]:
    """What of a selector no series has."""
    found = exposed.get(selector.name)
    if not found:
        yield selector.name
        return
    for matcher in selector.matchers:
        values = {labels.get(matcher.label) for labels in found}
        wanted = set(matcher.wanted) - values
        if None in values or wanted:
            yield f"{selector.name}{{{matcher.label}}} {sorted(wanted)}"


def test_a_counter_that_a_rule_watches_stands_there_before_its_first_event(
    real_run: Evidence,
) -> None:
    """Else `increase` takes the first event for the beginning of the series, and nothing fires.

    So it was with dead letters: a process that set one aside told nobody.
    """
    at_start = series(tuple(real_run.first_pages.values()))
    watched = [
        (name, selector)
        for name, rule in rules().items()
        for selector in promql.selectors(promql.read(rule["expr"]))
        if selector.over and selector.name.endswith("_total")
    ]
    assert len({name for name, _ in watched}) >= 10
    missing = [f"{name}: {what}" for name, one in watched for what in lacking(one, at_start)]
    assert missing == []
    dead = {labels["stream"] for labels in at_start["nightshift_dead_letters_total"]}
    assert dead == {stream.name for stream in STREAMS if stream.readers}
    looked_at = at_start["nightshift_envelopes_total"]
    heard = [stream.name for stream in STREAMS if stream.heard_by]
    assert {(labels["stream"], labels["verdict"]) for labels in looked_at} == set(
        product(heard, get_args(Verdict))
    )


def test_rules_and_panels_leave_no_metric_out(exposed: Series) -> None:
    asked = {selector.name for _, query in queries() for selector in promql.selectors(query)}
    shown = {name.removesuffix("_bucket").removesuffix("_count") for name in asked}
    ends = re.compile(r"_(bucket|sum|count|created)$")
    assert {ends.sub("", name) for name in exposed} - shown == set()


def test_a_bound_of_a_histogram_that_a_rule_names_is_one(exposed: Series) -> None:
    bounds = {labels["le"] for found in exposed.values() for labels in found if "le" in labels}
    named_bounds = {
        matcher.value
        for _, query in queries()
        for selector in promql.selectors(query)
        for matcher in selector.matchers
        if matcher.label == "le"
    }
    assert named_bounds
    assert named_bounds <= bounds


@needs_kubectl
@pytest.mark.parametrize("name", COMPOSED)
def test_rules_and_dashboard_stand_in_the_rendered_manifests(name: str) -> None:
    (rendered,) = kind_of(name, "PrometheusRule")
    given = [rule["alert"] for group in rendered["spec"]["groups"] for rule in group["rules"]]
    assert given == list(rules())
    config = named(name, "ConfigMap", "nightshift-dashboard")
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    panels = json.loads(config["data"]["dashboard.json"])["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 10


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not on PATH")
def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    spec = yaml.load(RULES.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["spec"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    command = [PROMTOOL or "promtool", "check", "rules", str(tmp_path / "rules.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        "sum(",
        "rate(a)",
        "a[5m]",
        "sum by (x (a)",
        "foo(a)",
        'a{b~"c"}',
        "a > > b",
        'a{b="c"',
        "sum(a))",
        "histogram_quantile(sum(a))",
        'a{b=~"("}',
    ],
)
def test_a_query_that_is_written_wrong_is_told(wrong: str) -> None:
    with pytest.raises((promql.NotPromQL, re.error)):
        promql.read(wrong)
