"""A scenario's file: what is wrong in it is said with file, place, and what is allowed."""

import itertools
import json
from pathlib import Path

import pytest

from simulator.scenario import BASES, ScenarioError, load_scenario, read_scenario, schema
from tests.simulator.scenario_file import SMALL, small_file, with_parts

WRONG = {
    "a part that is missing": (
        ("  metric: shippingserviceErrorCount\n", ""),
        "small.yaml: alarm.metric: is missing",
    ),
    "a key that nobody knows": (
        ("symptom:", "symptom: It is free\nsymptoms:"),
        "small.yaml: symptoms: there is no such key; did you mean symptom? (allowed here: name, ",
    ),
    "a key that nobody knows, deep inside": (
        ("line: 12}\n", "line: 12}\n    confidenc: high\n"),
        "small.yaml: script.diagnosis.confidenc: there is no such key; did you mean confidence?",
    ),
    "a word that is not allowed": (
        ("verdict: fault\n  component", "verdict: faulty\n  component"),
        "small.yaml: expected.verdict: 'faulty' is not allowed; "
        "allowed are 'fault', 'healthy', 'unknown'",
    ),
    "a number where a text stands": (
        ("cause_words: [quote]", "cause_words: [3350]"),
        "small.yaml: expected.cause_words[0]: must be a text, not 3350; write it in quotes",
    ),
    "a list where a text stands": (
        ("title: Quotes cost nothing", "title: [Quotes]"),
        "small.yaml: title: must be a text, not a list",
    ),
    "a text where a number stands": (
        ("reason:", "threshold: none\n  reason:"),
        "small.yaml: alarm.threshold: must be a number, not 'none'",
    ),
    "a text where a whole number stands": (
        ("reason:", "period_seconds: '300'\n  reason:"),
        "small.yaml: alarm.period_seconds: must be a whole number, not '300'",
    ),
    "a text where a list stands": (
        ("cause_words: [quote]", "cause_words: quote"),
        "small.yaml: expected.cause_words: must be a list, not 'quote'",
    ),
    "a text where a mapping stands": (
        ('{namespace: boutique, pod: "{pod:shippingservice}"}', "boutique"),
        "small.yaml: script.turns[0].calls[kubernetes__get_logs].arguments: must be a mapping",
    ),
    "a text where a part stands": (
        (
            "{tool: kubernetes__get_logs, pattern: GetQuote, proves: that quotes are asked for}",
            "GetQuote",
        ),
        "small.yaml: script.diagnosis.evidence[0]: must be a mapping, not 'GetQuote'; "
        "its keys are tool, pattern, more, proves",
    ),
    "a name with a blank": (
        ("name: small\n", "name: very small\n"),
        "small.yaml: name: string should match pattern",
    ),
    "another name than the file's": (
        ("name: small\n", "name: smaller\n"),
        "small.yaml: name is 'smaller', the file says 'small'",
    ),
    "a base that is not there": (
        ("base: online-boutique", "base: online-pharmacy"),
        "small.yaml: base: 'online-pharmacy' is not one of online-boutique",
    ),
    "a key that stands twice": (
        ("title:", "title: Once\ntitle:"),
        "small.yaml, line 5: not valid YAML: the key 'title' stands twice in one mapping",
    ),
    "an alias": (
        ("title: Quotes", "lesson: &one Two\ntitle: *one\nx: Quotes"),
        "small.yaml, line 5: not valid YAML: the alias *one is not allowed; write what it stands",
    ),
    "a tag": (
        ("title: Quotes", "title: !!bool Quotes"),
        "small.yaml, line 4: not valid YAML: the tag tag:yaml.org,2002:bool is not allowed",
    ),
    "a date that there is not": (
        ("title: Quotes cost nothing", "title: 2026-13-45"),
        "small.yaml: not valid YAML: month must be in 1..12",
    ),
    "a key that is no text": (
        ("title:", "2026: 1\ntitle:"),
        "small.yaml, line 4: not valid YAML: a key must be a text; write it in quotes",
    ),
    "half a character": (
        ("title: Quotes", 'title: "\\ud800"\nx: Quotes'),
        "small.yaml: the file: invalid JSON: ",
    ),
    "a number that is too large": (
        ("reason:", "period_seconds: 90000000\n  reason:"),
        "small.yaml: alarm.period_seconds: input should be less than or equal to 86400",
    ),
    "a number that is none": (
        ("reason:", "threshold: .nan\n  reason:"),
        "small.yaml: alarm.threshold: input should be ",
    ),
    "a negative number": (
        ("pattern: GetQuote,", "pattern: GetQuote, more: -1,"),
        "small.yaml: script.diagnosis.evidence[kubernetes__get_logs].more: input should be greater",
    ),
    "a pattern that is too long": (
        ("pattern: GetQuote,", f"pattern: {'x' * 501},"),
        "small.yaml: script.diagnosis.evidence[kubernetes__get_logs].pattern: string should have",
    ),
    "a bracket that is not closed": (
        ("[quote]", "[quote"),
        "small.yaml, line 38: not valid YAML: ",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_file_is_refused_with_place_and_what_is_allowed(case: str, tmp_path: Path) -> None:
    change, sentence = WRONG[case]
    with pytest.raises(ScenarioError) as refused:
        read_scenario(small_file(tmp_path, change))
    assert [line[: len(sentence)] for line in str(refused.value).splitlines()] == [sentence]


def test_every_problem_has_a_line_of_its_own(tmp_path: Path) -> None:
    wrong = (("title:", "heading:"), ("verdict: fault\n    s", "verdict: 1\n    s"))
    with pytest.raises(ScenarioError) as refused:
        read_scenario(small_file(tmp_path, *wrong))
    places = [line.split(": ")[:2] for line in str(refused.value).splitlines()]
    assert places == [
        ["small.yaml", "title"],
        ["small.yaml", "script.diagnosis.verdict"],
        ["small.yaml", "heading"],
    ]


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list\n"])
def test_file_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"^small.yaml: must be a mapping"):
        read_scenario(path)


BOMB = "a: &a [x, x]\n" + "".join(
    f"{here}: &{here} [*{before}, *{before}]\n"
    for before, here in itertools.pairwise("abcdefghijklm")
)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (BOMB.encode(), "small.yaml, line 2: not valid YAML: the alias *a is not allowed"),
        (b"[" * 50_000, "small.yaml: is nested too deeply"),
        (b"title: \xe9 au lait", "small.yaml: is not UTF-8 text: invalid continuation byte at"),
        (b"#" * 1_000_001, "small.yaml: is longer than 1,000,000 bytes"),
        (b"name: a\x00b", "small.yaml: not valid YAML: unacceptable character"),
        (b"name: " + b"9" * 5000, "small.yaml: not valid YAML: Exceeds the limit"),
    ],
    ids=[
        "aliases of aliases",
        "50,000 brackets",
        "not UTF-8",
        "too long",
        "a zero",
        "5,000 digits",
    ],
)
def test_file_that_would_choke_its_reader_is_refused_by_name(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError) as refused:
        read_scenario(path)
    assert str(refused.value)[: len(sentence)] == sentence
    assert len(str(refused.value).splitlines()) == 1


def test_thousands_of_problems_are_counted_and_the_first_ones_said(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text("".join(f"key{number}: 1\n" for number in range(2000)), encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        read_scenario(path)
    lines = str(refused.value).splitlines()
    assert len(lines) == 31
    assert lines[-1].startswith("small.yaml: and 1,97")


@pytest.mark.parametrize(
    ("pod", "sentence"),
    [
        ({"restarts": -6}, "restarts: input should be greater than or equal to 0, not -6"),
        ({"restarts": 10**30}, "restarts: "),
        ({"age": "-PT5M"}, "age: input should be greater than or equal to 0 seconds"),
        ({"age": "P99999D"}, "age: input should be less than or equal to 3650 days"),
        ({"last_end": {"reason": "Error", "exit_code": 256}}, "last_end.exit_code: input should"),
    ],
)
def test_figures_of_a_pod_stay_within_what_kubernetes_could_show(
    pod: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    pods = [{"name": "shippingservice-x", "workload": "shippingservice"} | pod]
    with pytest.raises(ScenarioError) as refused:
        read_scenario(with_parts(tmp_path, cluster={"pods": pods}))
    assert f"small.yaml: cluster.pods[shippingservice-x].{sentence}" in str(refused.value)


def test_logs_that_are_too_long_together_are_refused(tmp_path: Path) -> None:
    logs = {name: {"lines": 1_500_000, "background": ["x"]} for name in ("one", "two")}
    with pytest.raises(ScenarioError, match=r"cluster\.logs: the logs have 3,0.* 2,000,000 are"):
        read_scenario(with_parts(tmp_path, cluster={"logs": logs}))


def test_age_without_a_unit_is_no_duration(tmp_path: Path) -> None:
    pods = [{"name": "shippingservice-x", "workload": "shippingservice", "age": "9 days-ish"}]
    with pytest.raises(ScenarioError) as refused:
        read_scenario(with_parts(tmp_path, cluster={"pods": pods}))
    assert "cluster.pods[shippingservice-x].age: must be a duration such as PT30M" in str(
        refused.value
    )


def test_scenario_that_says_nothing_of_the_world_has_the_bases(tmp_path: Path) -> None:
    scenario = read_scenario(small_file(tmp_path))
    assert len(scenario.cluster.pods) == len(scenario.cluster.workloads) == 12
    assert scenario.repository.revision == scenario.repository.commits[0].sha


def test_what_a_scenario_says_lies_over_the_base(tmp_path: Path) -> None:
    plain = read_scenario(small_file(tmp_path))
    over = read_scenario(
        with_parts(
            tmp_path,
            cluster={
                "workloads": [{"name": "shippingservice", "env": {"RATE": "2"}}],
                "pods": [{"name": "shippingservice-1-a", "workload": "shippingservice"}],
                "events": [
                    {"reason": "Killing", "object_name": "shippingservice-1-a", "message": "m"}
                ],
                "logs": {"shippingservice": {"lines": 9}},
            },
            repository={
                "commits": [
                    {"sha": "a" * 40, "message": "m", "author": "A", "age": "PT1H", "paths": []}
                ]
            },
            cloudwatch={
                "log_groups": {"/boutique/frontend": None},
                "metrics": [
                    {
                        "namespace": "Microservices/Errors",
                        "metric": "shippingserviceErrorCount",
                        "points": [1, 2],
                    },
                    {"namespace": "Other", "metric": "m", "points": [0]},
                ],
            },
        )
    )
    shipping = next(each for each in over.cluster.workloads if each.name == "shippingservice")
    assert shipping.env == {"PORT": "50051", "DISABLE_PROFILER": "1", "RATE": "2"}
    assert len(over.cluster.workloads) == 12
    pods = [pod.name for pod in over.cluster.pods if pod.workload == "shippingservice"]
    assert pods == ["shippingservice-1-a"]
    assert len(over.cluster.pods) == 12
    assert len(over.cluster.events) == len(plain.cluster.events) + 1
    log = over.cluster.logs["shippingservice"]
    assert (log.lines, log.background) == (9, plain.cluster.logs["shippingservice"].background)
    assert over.repository.revision == over.repository.commits[0].sha == "a" * 40
    assert over.repository.commits[1:] == plain.repository.commits
    assert "/boutique/frontend" not in over.cloudwatch.log_groups
    counted = {metric.metric: metric.points for metric in over.cloudwatch.metrics}
    assert counted["shippingserviceErrorCount"] == (1, 2)
    assert len(over.cloudwatch.metrics) == len(plain.cloudwatch.metrics) + 1


def test_unknown_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(ScenarioError, match=r"cart-loafers.*or give a \.yaml file"):
        load_scenario("nothing-like-it")


def test_schema_for_editors_asks_for_no_more_than_a_file_on_a_base_says() -> None:
    found = json.loads(json.dumps(schema()))
    assert found["properties"]["base"]["enum"] == [path.stem for path in BASES.glob("*.yaml")]
    assert set(found["required"]) <= {line.partition(":")[0] for line in SMALL.splitlines()}
    assert found["additionalProperties"] is False
    assert found["$defs"]["PodSetup"]["required"] == ["name", "workload"]
    assert "required" not in found["$defs"]["WorkloadSetup"]
