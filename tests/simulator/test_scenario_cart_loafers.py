"""The cart scenario is coherent: what its parts say about each other is so."""

import re
from datetime import UTC, datetime

import pytest

from simulator.logs import write_log
from simulator.scenario import Scenario, load_scenario

PATH = "src/cartservice/src/cartstore/RedisCartStore.cs"
FRAME = re.compile(r"^ +at (\S+)\(.*\) in /app/(\S+):line (\d+)$")
HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@$")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("cart-loafers")


def log_of(scenario: Scenario, name: str) -> list[str]:
    return write_log(scenario.cluster.logs[name], datetime.now(UTC))


def patched(text: str, diff: str) -> str:
    """The text after the diff; fails where a line that the diff names is not there."""
    old, new, at = text.split("\n"), [], 0
    assert diff.split("\n")[:2] == [f"--- a/{PATH}", f"+++ b/{PATH}"]
    for line in diff.rstrip("\n").split("\n")[2:]:
        hunk = HUNK.match(line)
        if hunk:
            start = int(hunk[1]) - 1
            new += old[at:start]
            at = start
            assert len(new) == int(hunk[3]) - 1
        elif line.startswith("+"):
            new.append(line[1:])
        else:
            assert old[at] == line[1:]
            new += [] if line.startswith("-") else [old[at]]
            at += 1
    return "\n".join(new + old[at:])


def test_the_cart_log_has_a_thousand_lines_and_about_160_kilobytes(scenario: Scenario) -> None:
    lines = log_of(scenario, "cartservice")
    assert len(lines) == 1000
    assert 150_000 <= sum(len(line) + 1 for line in lines) <= 170_000
    assert sum('"severity":"error"' in line for line in lines) == 10
    assert {re.sub(r"[0-9a-f-]{16,}", "", line)[:30] for line in lines if "GetCart" in line}


def test_every_frame_of_the_trace_names_the_line_of_the_call_in_the_file(
    scenario: Scenario,
) -> None:
    frames = [found for line in log_of(scenario, "cartservice") if (found := FRAME.match(line))]
    assert len(frames) == 30
    for _, file, number in {found.groups() for found in frames}:
        text = scenario.repository.files[f"src/cartservice/src/{file}"]
        line = text.split("\n")[int(number) - 1]
        assert re.search(r"throw new Exception|_store\.AddItemAsync|continuation\(request", line)


def test_the_throwing_line_is_the_diagnosed_one_and_comes_before_any_use_of_the_cache(
    scenario: Scenario,
) -> None:
    lines = scenario.repository.files[PATH].split("\n")
    location = scenario.script.diagnosis.code_location or {}
    throwing = [number for number, line in enumerate(lines, 1) if "throw new" in line]
    assert throwing == [location["line"]]
    method = next(n for n, line in enumerate(lines, 1) if "Task AddItemAsync" in line)
    uses = [n for n, line in enumerate(lines, 1) if "ReadAsync" in line or "WriteAsync" in line]
    assert method < throwing[0] < min(uses)
    assert location["path"] == PATH == scenario.expected.fix_location
    assert 60 <= len(lines) <= 120


def test_the_proposed_diff_applies_and_takes_the_exception_out(scenario: Scenario) -> None:
    before = scenario.repository.files[PATH]
    after = patched(before, (scenario.script.diagnosis.fix or {})["diff"])
    removed = {line for line in before.split("\n") if line not in after.split("\n")}
    assert "throw" not in after
    assert "WithdrawnProductId" not in after
    assert after.count("{") == after.count("}")
    assert all(re.search(r"Loafers|WithdrawnProductId", line) for line in removed)


def test_every_evidence_pattern_matches_a_line_of_its_source(scenario: Scenario) -> None:
    sources = {
        "kubernetes__get_logs": log_of(scenario, "cartservice"),
        "github__get_file_contents": scenario.repository.files[PATH].split("\n"),
    }
    evidence = scenario.script.diagnosis.evidence
    assert len(evidence) == 3
    for wanted in evidence:
        matching = [line for line in sources[wanted.tool] if re.search(wanted.pattern, line)]
        assert matching
        assert 16 <= len(matching[0]) <= 500
        assert wanted.proves


def test_nothing_but_the_named_product_fails_and_redis_is_healthy(scenario: Scenario) -> None:
    errors = [line for line in log_of(scenario, "cartservice") if '"severity":"error"' in line]
    assert all('"productId":"AAAAAAAAA4"' in line for line in errors)
    assert all(pod.ready and pod.phase == "Running" for pod in scenario.cluster.pods)
    assert not any("rror" in line for line in log_of(scenario, "redis-cart"))
    warnings = [event for event in scenario.cluster.events if event.type == "Warning"]
    assert len(warnings) == 1
    front = [line for line in log_of(scenario, "frontend") if '"severity":"error"' in line]
    assert len(front) == 10
    assert all("Can't access cart storage" in line for line in front)


def test_pods_logs_metric_and_commit_belong_together(scenario: Scenario) -> None:
    cluster = scenario.cluster
    assert {pod.workload for pod in cluster.pods} == {each.name for each in cluster.workloads}
    assert len(cluster.pods) == 12
    assert {pod.log for pod in cluster.pods if pod.log} == set(cluster.logs)
    assert set(scenario.cloudwatch.log_groups.values()) <= set(cluster.logs)
    counted = next(m for m in scenario.cloudwatch.metrics if m.metric == scenario.alarm.metric)
    assert f"[{sum(counted.points[-5:])}]" in scenario.alarm.reason
    newest = scenario.repository.commits[0]
    assert newest.sha == scenario.repository.revision
    assert newest.paths == (PATH,)
    image = next(w.image for w in cluster.workloads if w.name == scenario.service)
    assert image.endswith(newest.sha[:7])


def test_the_scripted_diagnosis_says_what_is_expected_and_claims_nothing_else(
    scenario: Scenario,
) -> None:
    diagnosis, expected = scenario.script.diagnosis, scenario.expected
    said = f"{diagnosis.summary} {diagnosis.root_cause}".lower()
    assert diagnosis.verdict == expected.verdict
    assert diagnosis.component == expected.component == scenario.service
    assert all(word.lower() in said for word in expected.cause_words)
    assert not any(claim.lower() in said for claim in expected.must_not_claim)
