"""Metrics and logs of four real processes: few labels, no foreign words in them, no secrets.

What was looked at stands in `tests.deploy.real_run`.
"""

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bus.streams import STREAMS
from tests.deploy.real_run import GROUP, MADE_UP, Evidence
from tests.deploy.redis_users import SERVICES
from tests.deploy.test_alerts import series
from tests.house.sources import ROOT

pytestmark = [GROUP, pytest.mark.timeout(240)]
LABELS = {
    *("answer", "changed", "check", "door", "ended", "group", "kind", "le", "method", "model"),
    *("outcome", "server", "status", "stream", "tool", "useful", "verdict"),
}
"""Every label there is. Each has few values, which settings, code and the reviewed lock name."""
ADDED = {"otel_scope_name", "otel_scope_version", "otel_scope_schema_url"}
MOST_VALUES = 40
KEYS = {"at", "level", "service", "message"}
MORE_KEYS = {"trace_id", "incident_id", "server", "error"}


def test_labels_are_few_and_hold_nothing_from_outside(real_run: Evidence) -> None:
    values: dict[str, set[str]] = {}
    for found in series(tuple(real_run.pages.values())).values():
        for labels in found:
            for label in labels.keys() - ADDED:
                values.setdefault(label, set()).add(labels[label])
    assert values.keys() <= LABELS
    assert {label: len(each) for label, each in values.items() if len(each) > MOST_VALUES} == {}
    streams = {stream.name for stream in STREAMS}
    assert values["stream"] <= streams | {f"{name}.dead" for name in streams}
    assert "unknown" in values["tool"], "the tool that the model made up"
    pages = "".join(real_run.pages.values())
    for foreign in (real_run.secret, real_run.incident, real_run.trace_id, MADE_UP, "cartservice"):
        assert foreign not in pages


def test_the_page_has_every_metric_with_its_labels(real_run: Evidence) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`nightshift_[^|]+) \| ([a-z, ]*) ?\|", page, re.MULTILINE)
    told = {
        name: set(labels.replace(",", " ").split())
        for names, labels in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    exposed: dict[str, set[str]] = {}
    for name, found in series(tuple(real_run.pages.values())).items():
        own = {label for labels in found for label in labels} - ADDED - {"le"}
        exposed.setdefault(re.sub("_(bucket|sum|count)$", "", name), set()).update(own)
    assert exposed.keys() == told.keys()
    assert {name for name, labels in exposed.items() if not labels <= told[name]} == set()


def test_what_went_wrong_in_the_run_was_counted(real_run: Evidence) -> None:
    model = samples(real_run.pages["reasoner"])
    assert model["nightshift_model_errors_total", "overloaded"] == 1
    assert model["nightshift_model_retries_total", ""] == 1
    assert samples(real_run.pages["reasoner"])["nightshift_first_look_duration_seconds_count", ""]
    doors = samples(real_run.pages["ingest"])
    assert doors["nightshift_doors_total", "401"] == 3
    denied = samples(real_run.pages["toolrunner"])
    assert denied["nightshift_decisions_total", "deny"] >= 1


def samples(page: str) -> dict[tuple[str, str], float]:
    """Sums over the series of a metric, by the one label that tells them apart here."""
    found: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = sample.labels
            told = labels.get("kind") or labels.get("status") or labels.get("verdict") or ""
            key = (sample.name, told)
            found[key] = found.get(key, 0.0) + sample.value
    return found


def test_otlp_is_sent_what_is_scraped(real_run: Evidence) -> None:
    ends = re.compile(r"_(total|bucket|sum|count|seconds|bytes|USD)$")
    scraped = {ends.sub("", ends.sub("", name)) for name in series(tuple(real_run.pages.values()))}
    sent = {name.replace(".", "_") for name in real_run.exported}
    assert len(scraped) >= 35
    assert scraped - sent == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_line_of_a_log_is_json_and_the_incidents_bear_its_ids(
    real_run: Evidence, service: str
) -> None:
    lines = [json.loads(line) for line in real_run.logs[service]]
    assert lines
    for line in lines:
        assert line.keys() >= KEYS
        assert line.keys() <= KEYS | MORE_KEYS
        assert line["service"].startswith(service)
    about = [line for line in lines if line.get("incident_id") == real_run.incident]
    assert {line.get("trace_id") for line in about} <= {real_run.trace_id}
    assert real_run.secret not in "\n".join(real_run.logs[service])


def test_what_is_logged_about_an_incident_names_it_wherever_it_is_logged(
    real_run: Evidence,
) -> None:
    """Lines from inside a call of the model bore no incident, nor did those of ingest."""
    (told,) = (json.loads(line) for line in real_run.logs["ingest"] if "cartservice-error" in line)
    assert told["incident_id"] == real_run.incident
    assert told["trace_id"] == real_run.trace_id
    assert "[secret:" in told["message"], "the alarm's name holds one"
