"""Is a scenario coherent: does what its parts say of each other hold? A sentence per problem."""

import contextlib
import functools
import itertools
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from simulator.diffs import DiffError, applied, named_path
from simulator.faults import FaultError, Faults
from simulator.github.repository import Repository
from simulator.kubernetes.access import READABLE, deniable
from simulator.kubernetes.pods import node_of
from simulator.logs import check_logs, write_log
from simulator.matching import TooSlow, is_in_any
from simulator.scenario import Scenario, ScenarioError, ScriptedCall

TOOLS = {
    "kubernetes__list_pods": {"namespace", "workload_name"},
    "kubernetes__get_logs": {
        "namespace",
        "pod",
        "container",
        "tail_lines",
        "since_minutes",
        "previous",
    },
    "kubernetes__list_workloads": {"namespace"},
    "kubernetes__describe_workload": {"namespace", "kind", "name"},
    "kubernetes__rollout_history": {"namespace", "kind", "name"},
    "kubernetes__list_events": {"namespace", "object_name"},
    "kubernetes__list_services": {"namespace", "name"},
    "kubernetes__list_network_policies": {"namespace"},
    "kubernetes__resource_usage": {"namespace", "workload_name"},
    "github__get_file_contents": {"path", "ref", "start_line", "end_line"},
    "github__search_code": {"query"},
    "github__list_commits": {"path", "limit", "sha", "since", "until"},
    "github__get_commit": {"sha", "path"},
    "github__get_file_blame": {"path", "ref", "start_line", "end_line"},
    "cloudwatch__describe_alarm": {"name"},
    "cloudwatch__get_alarm_history": {"name", "hours", "limit"},
    "cloudwatch__search_logs": {"log_group", "pattern", "minutes", "until", "limit"},
    "cloudwatch__get_metric_points": {"namespace", "metric", "minutes", "until", "statistic"},
}
"""The tools that services offer, with their arguments."""
_RESOURCES = sorted(deniable(group, each) for group, names in READABLE.items() for each in names)
_POD = re.compile(r"\{pod:([^}]*)\}")


def problems_in(scenario: Scenario) -> list[str]:
    """A sentence for everything that does not fit together; empty when all does."""
    checks: tuple[Callable[[Scenario], Iterator[str]], ...] = (
        _logs,
        _cluster,
        _repository,
        _history,
        _alarm,
        _calls,
        _evidence,
        _diagnosis,
        _location,
        _fix,
        _faults,
    )
    return [problem for check in checks for problem in check(scenario)]


def _logs(scenario: Scenario) -> Iterator[str]:
    cluster, groups = scenario.cluster, scenario.cloudwatch.log_groups
    wanted = [name for pod in cluster.pods for name in (pod.log, pod.previous_log) if name]
    try:
        check_logs(cluster.logs, [*wanted, *groups.values()])
    except ScenarioError as error:
        yield f"cluster.logs: {error}"
    for name in sorted(set(cluster.logs) - {*wanted, *groups.values()}):
        yield f"cluster.logs.{name}: no pod and no log group has this log"


def _cluster(scenario: Scenario) -> Iterator[str]:
    workloads = [workload.name for workload in scenario.cluster.workloads]
    for pod in scenario.cluster.pods:
        if pod.workload not in workloads:
            known = ", ".join(workloads)
            yield f"cluster.pods[{pod.name}].workload: {pod.workload!r} is none of {known}"
        elif not pod.name.startswith(f"{pod.workload}-"):
            yield f"cluster.pods[{pod.name}].name: must begin with {pod.workload}-"
    for event in scenario.cluster.events:
        if event.object_kind == "Pod" and not event.object_name.startswith(tuple(workloads)):
            yield f"cluster.events[{event.reason}].object_name: no workload has {event.object_name}"
    yield from _assigned(scenario)
    for resource in scenario.cluster.denied:
        if resource not in _RESOURCES:
            yield f"cluster.denied: {resource!r} is none of {', '.join(_RESOURCES)}"


def _assigned(scenario: Scenario) -> Iterator[str]:
    nodes = {pod.name: node_of(scenario.cluster, pod) for pod in scenario.cluster.pods}
    for event in scenario.cluster.events:
        node = nodes.get(event.object_name)
        if event.reason == "Scheduled" and node and not event.message.endswith(f" to {node}"):
            yield f"cluster.events[Scheduled].message: {event.object_name} runs on {node}"


def _repository(scenario: Scenario) -> Iterator[str]:
    commits = scenario.repository.commits
    for newer, older in itertools.pairwise(commits):
        if newer.age > older.age:
            yield f"repository.commits[{older.sha}].age: the newest commit stands first"
    if scenario.repository.revision not in [commit.sha for commit in commits]:
        yield "repository.revision: no commit has this sha"


def _history(scenario: Scenario) -> Iterator[str]:
    commits = scenario.repository.commits
    for tag, sha in scenario.repository.tags.items():
        if sha not in [commit.sha for commit in commits]:
            yield f"repository.tags.{tag}: no commit has the sha {sha}"
    known = Repository(scenario.repository)
    for commit in commits:
        for path in commit.patches:
            where = f"repository.commits[{commit.sha}].patches.{path}"
            if path not in commit.paths:
                yield f"{where}: is none of the commit's paths"
            elif path in known.entries and not known.undone(commit, path):
                yield f"{where}: does not lead to the file as it is in repository.files"


def _alarm(scenario: Scenario) -> Iterator[str]:
    alarm = scenario.alarm
    counted = [(each.namespace, each.metric) for each in scenario.cloudwatch.metrics]
    if (alarm.namespace, alarm.metric) not in counted:
        yield f"alarm.metric: cloudwatch.metrics has no {alarm.namespace} {alarm.metric}"
    if scenario.service not in f"{alarm.name} {alarm.metric}":
        yield f"alarm.name: must hold {scenario.service!r}, by which the incident gets its service"


def _calls(scenario: Scenario) -> Iterator[str]:
    workloads = [workload.name for workload in scenario.cluster.workloads]
    for number, call in _numbered_calls(scenario):
        where = f"script.turns[{number}].calls[{call.tool}]"
        if call.tool not in TOOLS:
            yield f"{where}.tool: there is no such tool; there are {', '.join(TOOLS)}"
            continue
        for name in sorted(set(call.arguments) - TOOLS[call.tool]):
            allowed = ", ".join(sorted(TOOLS[call.tool]))
            yield f"{where}.arguments.{name}: there is no such argument; there are {allowed}"
        for name in _POD.findall(str(call.arguments.get("pod", ""))):
            if name not in workloads:
                yield f"{where}.arguments.pod: there is no workload {name!r}"


def _evidence(scenario: Scenario) -> Iterator[str]:
    called = {call.tool for _, call in _numbered_calls(scenario)}
    lines_of = functools.cache(lambda tool: list(_lines_of(scenario, tool)))
    for wanted in scenario.script.diagnosis.evidence:
        where = f"script.diagnosis.evidence[{wanted.proves or wanted.pattern}]"
        if wanted.tool not in called:
            yield f"{where}.tool: the script never calls {wanted.tool}"
        try:
            re.compile(wanted.pattern)
            lines = lines_of(wanted.tool)
            if lines and not is_in_any(wanted.pattern, lines):
                yield f"{where}.pattern: no line that {wanted.tool} could show matches"
        except (re.error, OverflowError, RecursionError) as error:
            yield f"{where}.pattern: not a regular expression: {error}"
        except TooSlow:
            sentence = "takes too long to look for; repeat nothing that itself repeats, as in (a*)*"
            yield f"{where}.pattern: {sentence}"


def _lines_of(scenario: Scenario, tool: str) -> Iterator[str]:
    """What a tool may show, for those whose words stand in the scenario as they are."""
    if tool == "kubernetes__get_logs":
        for log in scenario.cluster.logs.values():
            with contextlib.suppress(ScenarioError):  # said already
                yield from write_log(log, datetime.now(UTC))
    if tool == "github__get_file_contents":
        for text in scenario.repository.files.values():
            yield from text.splitlines()


def _diagnosis(scenario: Scenario) -> Iterator[str]:
    said, expected = scenario.script.diagnosis, scenario.expected
    for field in ("verdict", "component"):
        has, wanted = getattr(said, field), getattr(expected, field)
        if has != wanted:
            yield f"script.diagnosis.{field}: is {has!r}, expected is {wanted!r}"
    outcome = "inconclusive" if expected.verdict == "unknown" else "diagnosed"
    if expected.outcome != outcome:
        yield f"expected.outcome: verdict {expected.verdict!r} ends as {outcome!r}"
    causes = f"{said.summary} {said.root_cause}".lower()
    gaps = " ".join(f"{gap.get('what')} {gap.get('permission')}" for gap in said.gaps).lower()
    everything = said.model_dump_json().lower()
    yield from _unsaid("cause_words", expected.cause_words, text=causes)
    yield from _unsaid("gap_words", expected.gap_words, text=gaps)
    for claim in expected.must_not_claim:
        if claim.lower() in everything:
            yield f"expected.must_not_claim: the script's own diagnosis says {claim!r}"


def _unsaid(field: str, words: tuple[str, ...], *, text: str) -> Iterator[str]:
    for word in words:
        if word.lower() not in text:
            yield f"expected.{field}: the script's own diagnosis does not say {word!r}"


def _location(scenario: Scenario) -> Iterator[str]:
    place, wanted = scenario.script.diagnosis.code_location, scenario.expected.fix_location
    path = str(place["path"]) if place and "path" in place else None
    if path != wanted:
        yield f"expected.fix_location: is {wanted!r}, code_location has {path!r}"
    if path is None or place is None:
        return
    if path not in scenario.repository.files:
        yield f"script.diagnosis.code_location.path: repository.files has no {path}"
        return
    lines, line = scenario.repository.files[path].splitlines(), place.get("line")
    if isinstance(line, int) and not 1 <= line <= len(lines):
        yield f"script.diagnosis.code_location.line: {path} has {len(lines)} lines"


def _fix(scenario: Scenario) -> Iterator[str]:
    diff = (scenario.script.diagnosis.fix or {}).get("diff", "")
    if not diff:
        return
    path = named_path(diff)
    if path not in scenario.repository.files:
        yield f"script.diagnosis.fix.diff: repository.files has no {path or 'file that it names'}"
        return
    try:
        applied(scenario.repository.files[path], diff)
    except DiffError as error:
        yield f"script.diagnosis.fix.diff: does not apply to {path}: {error}"


def _faults(scenario: Scenario) -> Iterator[str]:
    for number, fault in enumerate(scenario.faults):
        try:
            Faults().check(fault)
        except FaultError as error:
            yield f"faults[{number}]: {error}"


def _numbered_calls(scenario: Scenario) -> Iterator[tuple[int, ScriptedCall]]:
    for number, turn in enumerate(scenario.script.turns, start=1):
        for call in turn.calls:
            yield number, call
