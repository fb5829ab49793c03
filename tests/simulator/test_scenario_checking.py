"""Whether a scenario is coherent: the shipped ones are, and each way to go wrong is named."""

import inspect
from pathlib import Path

import pytest

from services.toolrunner.servers.cloudwatch import CloudWatch
from services.toolrunner.servers.cluster import Cluster
from services.toolrunner.servers.repository import Repository
from simulator.checking import TOOLS, problems_in
from simulator.matching import TooSlow, is_in_any
from simulator.scenario import load_scenario, read_scenario, scenario_names
from tests.simulator.scenario_file import small_file, with_parts


@pytest.mark.parametrize("name", scenario_names())
def test_shipped_scenario_is_coherent(name: str) -> None:
    scenario = load_scenario(name)
    assert problems_in(scenario) == []
    assert scenario.expected.cause_words
    assert scenario.expected.must_not_claim
    assert scenario.lesson


def test_the_shipped_scenarios_cover_what_an_investigator_must_tell_apart() -> None:
    scenarios = [load_scenario(name) for name in scenario_names()]
    assert len(scenarios) >= 10
    assert {each.expected.verdict for each in scenarios} == {"fault", "healthy", "unknown"}
    waiting = {pod.waiting for each in scenarios for pod in each.cluster.pods}
    assert {"CrashLoopBackOff", "ImagePullBackOff"} <= waiting
    assert [each.name for each in scenarios if each.expected.component != each.service] == [
        "catalog-timeout",
        "loud-ads",
    ]


def test_the_tools_that_a_script_may_call_are_those_that_the_services_offer() -> None:
    for name, arguments in TOOLS.items():
        server, _, tool = name.partition("__")
        kind = {"kubernetes": Cluster, "github": Repository, "cloudwatch": CloudWatch}[server]
        assert arguments == set(inspect.signature(getattr(kind, tool)).parameters) - {"self"}


CHANGED = {
    ("metric: shippingserviceErrorCount", "metric: shippingserviceCount"): (
        "alarm.metric: cloudwatch.metrics has no Microservices/Errors shippingserviceCount"
    ),
    ("service: shippingservice", "service: emailservice"): (
        "alarm.name: must hold 'emailservice', by which the incident gets its service"
    ),
    ("- tool: kubernetes__get_logs", "- tool: kubernetes__logs"): (
        "script.turns[1].calls[kubernetes__logs].tool: there is no such tool; "
        "there are kubernetes__list_pods, "
    ),
    ("{namespace: boutique,", "{namespace: boutique, tail: 10,"): (
        "script.turns[1].calls[kubernetes__get_logs].arguments.tail: there is no such argument; "
        "there are container, namespace, "
    ),
    ("{pod:shippingservice}", "{pod:shopping}"): (
        "script.turns[1].calls[kubernetes__get_logs].arguments.pod: there is no workload 'shopping'"
    ),
    ("{tool: kubernetes__get_logs,", "{tool: kubernetes__list_events,"): (
        "script.diagnosis.evidence[that quotes are asked for].tool: "
        "the script never calls kubernetes__list_events"
    ),
    ("pattern: GetQuote", "pattern: '(GetQuote'"): (
        "script.diagnosis.evidence[that quotes are asked for].pattern: not a regular expression: "
    ),
    ("pattern: GetQuote", "pattern: GetQuota"): (
        "script.diagnosis.evidence[that quotes are asked for].pattern: "
        "no line that kubernetes__get_logs could show matches"
    ),
    ("verdict: fault\n  component", "verdict: healthy\n  component"): (
        "script.diagnosis.verdict: is 'fault', expected is 'healthy'"
    ),
    ("verdict: fault\n", "verdict: unknown\n"): (
        "expected.outcome: verdict 'unknown' ends as 'inconclusive'"
    ),
    ("cause_words: [quote]", "cause_words: [invoice]"): (
        "expected.cause_words: the script's own diagnosis does not say 'invoice'"
    ),
    ("cause_words: [quote]", "cause_words: [quote]\n  gap_words: [pods/log]"): (
        "expected.gap_words: the script's own diagnosis does not say 'pods/log'"
    ),
    ("must_not_claim: [Redis]", "must_not_claim: [free]"): (
        "expected.must_not_claim: the script's own diagnosis says 'free'"
    ),
    ("  fix_location: src/shippingservice/quote.go\n", ""): (
        "expected.fix_location: is None, code_location has 'src/shippingservice/quote.go'"
    ),
    ("line: 12", "line: 400"): (
        "script.diagnosis.code_location.line: src/shippingservice/quote.go has 15 lines"
    ),
    ("quote.go", "quotes.go"): (
        "script.diagnosis.code_location.path: repository.files has no src/shippingservice/quotes.go"
    ),
    ("Quote{0, 0}", "Quote{0, 1}"): (
        "script.diagnosis.fix.diff: does not apply to src/shippingservice/quote.go: "
        "line 12 of the file is not 'return Quote{0, 1}'"
    ),
    ("@@ -12,1 +12,1 @@", "@@ -12,2 +12,2 @@"): (
        "script.diagnosis.fix.diff: does not apply to src/shippingservice/quote.go: "
        "the hunk at line 12 has -1 +1 lines, its head says otherwise"
    ),
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_does_not_fit_together_is_said_in_a_sentence(
    change: tuple[str, str], tmp_path: Path
) -> None:
    problems = problems_in(read_scenario(small_file(tmp_path, change)))
    assert CHANGED[change] in [problem[: len(CHANGED[change])] for problem in problems]


@pytest.mark.timeout(60)
def test_pattern_that_never_ends_is_named_and_does_not_hold_up_the_check(tmp_path: Path) -> None:
    endless = small_file(tmp_path, ("pattern: GetQuote", "pattern: '(.*.*)*x$'"))
    assert problems_in(read_scenario(endless)) == [
        "script.diagnosis.evidence[that quotes are asked for].pattern: takes too long to look for; "
        "repeat nothing that itself repeats, as in (a*)*"
    ]


def test_pattern_is_looked_for_in_every_line() -> None:
    assert is_in_any("b+$", ["a", "abb"])
    assert not is_in_any("b+$", ["a", "\ud800\n"])
    with pytest.raises(TooSlow):
        is_in_any("(.*.*)*x$", ["a" * 60], seconds=0.5)


CLUSTERS: dict[str, dict[str, object]] = {
    "cluster.pods[cart-1].workload: 'cart' is none of adservice, ": {
        "pods": [{"name": "cart-1", "workload": "cart"}]
    },
    "cluster.pods[cart-1].name: must begin with frontend-": {
        "pods": [{"name": "cart-1", "workload": "frontend"}]
    },
    "cluster.logs: there is no log 'front' in the cluster's logs": {
        "pods": [{"name": "frontend-1", "workload": "frontend", "log": "front"}]
    },
    "cluster.logs: log 'frontend': a placed text reaches line 500 of 420": {
        "logs": {"frontend": {"placed": [{"at": 500, "text": "late"}]}}
    },
    "cluster.logs.spare: no pod and no log group has this log": {
        "logs": {"spare": {"lines": 1, "background": ["x"]}}
    },
    "cluster.events[Scheduled].message: shop-1 runs on node-7": {
        "workloads": [{"name": "shop", "image": "shop:v1"}],
        "pods": [{"name": "shop-1", "workload": "shop", "node": "node-7"}],
        "events": [{"reason": "Scheduled", "object_name": "shop-1", "message": "shop-1 to node-2"}],
    },
    "cluster.denied: 'logs' is none of controllerrevisions, cronjobs, ": {"denied": ["logs"]},
    "cluster.events[Killing].object_name: no workload has cart-1": {
        "events": [{"reason": "Killing", "object_name": "cart-1", "message": "m"}]
    },
}


@pytest.mark.parametrize("sentence", CLUSTERS)
def test_what_does_not_fit_in_the_cluster_is_said_in_a_sentence(
    sentence: str, tmp_path: Path
) -> None:
    problems = problems_in(read_scenario(with_parts(tmp_path, cluster=CLUSTERS[sentence])))
    assert [problem[: len(sentence)] for problem in problems] == [sentence]


def test_commits_stand_newest_first(tmp_path: Path) -> None:
    old = {"sha": "a" * 40, "message": "m", "author": "A", "age": "P99D", "paths": []}
    problems = problems_in(read_scenario(with_parts(tmp_path, repository={"commits": [old]})))
    assert problems[0].endswith(".age: the newest commit stands first")


def test_fault_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    faults = [{"stand_in": "model", "fault": name} for name in ("slow", "melted")]
    (problem,) = problems_in(read_scenario(with_parts(tmp_path, faults=faults)))
    assert problem.startswith("faults[1]: model knows no fault 'melted': there is accepted_dropped")


def test_a_scenario_that_fits_together_has_no_problem(tmp_path: Path) -> None:
    assert problems_in(read_scenario(small_file(tmp_path))) == []
