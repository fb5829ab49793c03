"""Each alert fires at its own sign, and is silent in a run in which all went well.

Looks are those of four real processes (`tests.deploy.real_run`); a sign is put beside them as one
more pod would show it. promtool's own tests of rules would say the same; it is not there.
"""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy import promql
from tests.deploy.promql_values import Looked, Looks
from tests.deploy.real_run import GROUP, Evidence
from tests.deploy.test_alerts import rules

pytestmark = [GROUP, pytest.mark.timeout(240)]
MODEL = {"model": "of-the-test"}
FIRST_LOOK = "nightshift_first_look_duration_seconds_bucket"
TAKES_LONG = "nightshift_diagnosis_duration_seconds"
Sign = tuple[str, dict[str, str], float, float]
"""Metric, labels, its value before, its value now."""
SIGNS: dict[str, list[Sign]] = {
    "NightshiftNoFinalCard": [("nightshift_cards_late", {}, 0, 1)],
    "NightshiftDeadlinesNotKept": [("nightshift_deadlines_overdue_seconds", {}, 0, 31)],
    "NightshiftDown": [],
    "NightshiftNoReasoner": [
        ("nightshift_queue_unread_seconds", {"stream": "turns", "group": "reasoner"}, 0, 46)
    ],
    "NightshiftNoToolrunner": [
        ("nightshift_queue_unread_seconds", {"stream": "tool-calls", "group": "toolrunner"}, 0, 46)
    ],
    "NightshiftTimedOut": [("nightshift_outcomes_total", {"outcome": "timed_out"}, 0, 1)],
    "NightshiftSlow": [
        (f"{TAKES_LONG}_bucket", {"outcome": "diagnosed", "le": "250.0"}, 0, 0),
        (f"{TAKES_LONG}_count", {"outcome": "diagnosed"}, 0, 1),
    ],
    "NightshiftFirstLookLate": [
        (FIRST_LOOK, {"le": bound}, 0, count)
        for bound, count in (("60.0", 0), ("90.0", 5), ("+Inf", 5))
    ],
    "NightshiftWaitsTooLong": [
        ("nightshift_stream_waiting_seconds", {"stream": "diagnoses", "group": "notifier"}, 0, 121)
    ],
    "NightshiftOldestPending": [
        ("nightshift_queue_oldest_pending_seconds", {"stream": "turns", "group": "x"}, 0, 241)
    ],
    "NightshiftLag": [("nightshift_queue_lag", {"stream": "turns", "group": "reasoner"}, 0, 51)],
    "NightshiftDeadLetters": [("nightshift_dead_letters_total", {"stream": "turns"}, 0, 1)],
    "NightshiftSignatures": [
        (
            "nightshift_envelopes_total",
            {"stream": "diagnoses", "verdict": "its sender may not write this"},
            *(0, 1),
        )
    ],
    "NightshiftBacklog": [("nightshift_backlog", {}, 0, 1)],
    "NightshiftStoreRefused": [("nightshift_store_refused", {}, 0, 1)],
    "NightshiftStreamWiped": [("nightshift_stream_wiped_total", {"stream": "turns"}, 0, 1)],
    "NightshiftStreamBlocked": [("nightshift_stream_ahead_seconds", {"stream": "turns"}, 0, 61)],
    "NightshiftRedisMemory": [
        ("nightshift_redis_memory_bytes", {}, 0, 81e9),
        ("nightshift_redis_memory_limit_bytes", {}, 0, 100e9),
    ],
    "NightshiftRedisNotDurable": [("nightshift_redis_not_durable", {}, 0, 1)],
    "NightshiftUnready": [("nightshift_unready", {"check": "redis"}, 0, 1)],
    "NightshiftSlackRefuses": [("nightshift_unready", {"check": "slack"}, 0, 1)],
    "NightshiftModelRefuses": [
        ("nightshift_model_errors_total", MODEL | {"kind": "refused"}, 0, 1)
    ],
    "NightshiftModelErrors": [
        ("nightshift_model_errors_total", MODEL | {"kind": "limited"}, 0, 9),
        ("nightshift_turns_total", MODEL, 0, 1),
    ],
    "NightshiftDoorRefuses": [("nightshift_doors_total", {"door": "/x", "status": "401"}, 0, 21)],
    "NightshiftDoorClosed": [("nightshift_doors_total", {"door": "/x", "status": "503"}, 0, 1)],
    "NightshiftTriggersRejected": [
        ("nightshift_incidents_total", {"outcome": "rejected"}, 0, 1),
    ],
    "NightshiftNotCaughtUp": [("nightshift_incidents_total", {"outcome": "not caught up"}, 0, 1)],
    "NightshiftSecondMessages": [
        ("nightshift_slack_second_messages_total", {"ended": "taken back"}, 0, 1)
    ],
    "NightshiftToolsWithheld": [("nightshift_tools_withheld", {"server": "github"}, 0, 1)],
    "NightshiftServerAway": [("nightshift_servers_away", {"server": "github"}, 0, 1)],
    "NightshiftDenied": [
        ("nightshift_decisions_total", {"verdict": "deny", "tool": "unknown"}, 0, 40)
    ],
    "NightshiftSpend": [("nightshift_cost_USD_total", MODEL, 0, 81)],
    "NightshiftBurn": [("nightshift_cost_USD_total", MODEL, 0, 21)],
    "NightshiftOutOfBudget": [("nightshift_outcomes_total", {"outcome": "out_of_budget"}, 0, 1)],
    "NightshiftUnpriced": [("nightshift_turns_unpriced_total", MODEL, 0, 1)],
}


def looked(pages: dict[str, str]) -> Looked:
    """Every series by its metric; `pod` says whose it is, as Prometheus does."""
    found: Looked = {}
    for pod, page in pages.items():
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                ours = {k: v for k, v in sample.labels.items() if not k.startswith("otel_")}
                labels = frozenset((ours | {"pod": pod}).items())
                found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.fixture(scope="module")
def looks(real_run: Evidence) -> Looks:
    return Looks(looked(real_run.first_pages), looked(real_run.pages))


def fires(name: str, looks: Looks) -> bool:
    answer = looks.answer(promql.read(rules()[name]["expr"]))
    assert isinstance(answer, dict)
    return bool(answer)


def test_in_a_run_in_which_one_entry_was_set_aside_nothing_else_is_told(looks: Looks) -> None:
    assert [name for name in rules() if fires(name, looks)] == ["NightshiftDeadLetters"]


def test_every_alert_has_a_sign() -> None:
    assert SIGNS.keys() == rules().keys()


@pytest.mark.parametrize("name", SIGNS)
def test_an_alert_fires_at_its_sign(looks: Looks, name: str) -> None:
    shown = Looks({**looks.before}, {**looks.now})
    if name == "NightshiftDown":
        del shown.now["nightshift_stream_length"]
    for metric, labels, before, now in SIGNS[name]:
        series = frozenset((labels | {"pod": "one more"}).items())
        shown.before[metric] = {**shown.before.get(metric, {}), series: before}
        shown.now[metric] = {**shown.now.get(metric, {}), series: now}
    assert fires(name, shown)


def test_a_series_that_begins_with_its_first_event_has_no_increase() -> None:
    series = frozenset({"stream": "turns"}.items())
    node = promql.read("sum by (stream) (increase(letters_total[15m])) > 0")
    born = Looks({"letters_total": {series: 0.0}}, {"letters_total": {series: 1.0}})
    assert born.answer(node)
    assert not Looks({}, born.now).answer(node)
