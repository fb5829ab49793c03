"""Under each single fault of Kubernetes, GitHub and AWS an incident ends once, with one message.

All of them meet their faults in one running stack, each incident one fault in one of its calls, and
what the model is told of that call is the truth. Alarms that SQS delivers late, twice or not at all
at first open one incident each.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from cli.stack import Stack
from services.reasoner.budget import calls_sent
from simulator.known_faults import KNOWN_FAULTS
from simulator.kubernetes.faulty import NEEDLE
from tests.chaos.load import SCENARIO
from tests.chaos.struck import MAX_TOOL_CALLS, MAX_TURNS, Struck, final, struck_stack, wrong
from tests.lane import Figures, Lane
from tests.loop.desk import Desk
from tests.loop.test_one_incident import alarm

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(180)]
TOOLS = {
    "kubernetes": "kubernetes__get_logs",
    "github": "github__get_file_contents",
    "aws": "cloudwatch__search_logs",
}
SPOILS_NOTHING = {"slow", "huge_log"}
"""With these the tool answers after all."""
MET = [
    (stand_in, name)
    for stand_in in TOOLS
    for name in sorted(KNOWN_FAULTS[stand_in])
    if name not in ("expired", "duplicate")
]
"""A list that expires is met in `tests/toolrunner`; what SQS does twice meets an alarm."""
SAMPLE = 4
NEVER_LEFT_OUT = [("kubernetes", "huge_log"), ("kubernetes", "slow_log")]
"""What the sample plays beside those drawn: where memory and time are to be bounded."""
QUEUE = [
    ("ReceiveMessage", "duplicate"),
    ("ReceiveMessage", "throttled"),
    ("ReceiveMessage", "accepted_dropped"),
    ("ReceiveMessage", "cut"),
    ("ReceiveMessage", "unavailable"),
    ("ReceiveMessage", "expired_token"),
    ("DeleteMessageBatch", "throttled"),
    ("DeleteMessageBatch", "dropped"),
    ("DeleteMessageBatch", "accepted_dropped"),
]
TOLD = {
    "github-not_found": "GitHub knows no file ",
    "forbidden": "missing permission: ",
    "access_denied": "missing permission: ",
    "rate_limited": "asked again in 1 s",
    "rate_limited_429": "the limit resets at ",
    "github-rate_limited": "the limit resets at ",
    "secondary_limit": "it can be asked again in ",
    "throttled": "no more requests for now",
    "expired_token": "refused the credentials",
    "bad_credentials": "refused GITHUB_TOKEN",
    "cut": "cut",
    "slow_log": "is cut: ",
    "large_file": "more than GitHub gives",
    "too_large": "larger than 100 MB",
    "hang": "not reachable",
    "dropped": "not reachable",
    "accepted_dropped": "not reachable",
}
"""Words that stand in what the model is told."""
GROUP = "/boutique/cartservice"
QUEUE_SAMPLE = 3
MOST_MEGABYTES = 300
"""Of each process; 200 were measured."""


@dataclass(frozen=True)
class Seen:
    """All that is known once every incident has ended."""

    struck: Struck
    strikes: dict[str, int]
    told: dict[str, list[dict[str, Any]]]
    cards: dict[str, list[dict[str, Any]]]
    alarms: int
    opened: int
    written: int
    megabytes: dict[str, float]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, lane: Lane, figures: Figures) -> Iterator[Seen]:
    """Each fault strikes one call of one incident, as often as it is made."""
    chance = lane.random("faults of tools")
    drawn = {*NEVER_LEFT_OUT, *chance.sample(MET, SAMPLE)}
    queue = QUEUE if lane.full else chance.sample(QUEUE, QUEUE_SAMPLE)
    shortened = {
        "NIGHTSHIFT_ANSWER_SECONDS": "1",
        "NIGHTSHIFT_QUEUE_WAIT_SECONDS": "1",
        "NIGHTSHIFT_QUEUE_VISIBILITY_SECONDS": "5",
    }
    scenario = _scenario(tmp_path_factory.mktemp("tools"))
    with struck_stack(settings=shortened, scenario=scenario, model_seconds=0.05) as struck:
        for stand_in, name in MET if lane.full else sorted(drawn):
            where = struck.next_case()
            struck.plan(_fault(stand_in, name, where=where) | {"times": 0})
            struck.open(f"{stand_in}-{name}")
        struck.wait_for_ends()
        opened, written = _alarms(struck, queue)
        strikes = struck.over()
        struck.wait("every card", struck.all_told, seconds=40)
        cards = struck.cards()
        size = f"single faults of the tools, {len(cards)} incidents"
        figures.add("R2", f"{size}: without their one final message", wrong(cards), 0)
        told, megabytes = _told(struck.desk), _megabytes(struck.desk.stack)
        yield Seen(struck, strikes, told, cards, len(queue), opened, written, megabytes)


def _fault(stand_in: str, name: str, *, where: str) -> dict[str, Any]:
    fault: dict[str, Any] = {"stand_in": stand_in, "fault": name, "where": where}
    more: dict[str, dict[str, Any]] = {"slow": {"seconds": 0.3}, "huge_log": {"amount": 50}}
    return fault | more.get(name, {})


def _scenario(folder: Path) -> str:
    """The storm's incident with calls that name their case, one to each of the three."""
    scenario = yaml.safe_load(Path(SCENARIO).read_text(encoding="utf-8"))
    cases = [f"case-{1000 + number}" for number in range(len(MET))]
    pods = [{"name": case, "workload": "cartservice", "log": "cartservice"} for case in cases]
    scenario["name"] = "tools"
    scenario["cluster"]["pods"] = pods
    text = "// throw for Loafers\n"
    scenario["repository"]["files"] = {f"src/{case}.cs": text for case in cases}
    scenario["cloudwatch"] = {"log_groups": {GROUP: "cartservice"}}
    call = {
        "kubernetes": {"namespace": "boutique", "pod": "{case}", "tail_lines": 2900},
        "github": {"path": "src/{case}.cs"},
        "aws": {"log_group": GROUP, "pattern": "{case}"},
    }
    calls = [{"tool": TOOLS[name], "arguments": given} for name, given in call.items()]
    scenario["script"]["turns"] = [{"text": "All at once.", "calls": calls}]
    quotes = [(TOOLS["kubernetes"], "Loafers cannot|needle"), (TOOLS["github"], "throw for")]
    scenario["script"]["diagnosis"]["evidence"] = [
        {"tool": tool, "pattern": pattern, "proves": f"what {tool} shows"}
        for tool, pattern in quotes
    ]
    path = folder / "tools.yaml"
    path.write_text(yaml.safe_dump(scenario), encoding="utf-8")
    return str(path)


def _alarms(struck: Struck, queue: list[tuple[str, str]]) -> tuple[int, int]:
    """How many incidents were opened and written, one alarm under each fault of the queue."""
    desk = struck.desk
    before, written = set(desk.incidents()), len(desk.entries("incidents"))
    for action, name in queue:
        struck.plan(_fault("aws", name, where=f"sqs.{action}"))
        desk.alarm_body(alarm(f"{action}-{name}-error"))

    def due() -> bool:
        queued = [each for each in struck.planned() if str(each["where"]).startswith("sqs.")]
        return all(each["spent"] for each in queued)

    def opened() -> set[str]:
        return set(desk.incidents()) - before

    desk.wait("every fault of the queue", due, 30)
    desk.wait("an incident for each alarm", lambda: len(opened()) >= len(queue), 30)
    desk.wait("the ends", lambda: all(map(struck.has_ended, opened())), 30)
    desk.wait("the end of the last message", lambda: not _in_queue(desk.stack), 30)
    return len(opened()), len(desk.entries("incidents")) - written


def _in_queue(stack: Stack) -> int:
    """How many messages SQS still holds, those that wait to be seen again too."""
    variables = stack.world["environment"]["ingest"]
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )
    queue = session.client("sqs", endpoint_url=variables["AWS_ENDPOINT_URL"])
    with contextlib.closing(queue):
        held = queue.get_queue_attributes(
            QueueUrl=stack.world["queue_url"], AttributeNames=["All"]
        )["Attributes"]
    waiting = held["ApproximateNumberOfMessages"]
    return int(waiting) + int(held["ApproximateNumberOfMessagesNotVisible"])


def _told(desk: Desk) -> dict[str, list[dict[str, Any]]]:
    told: dict[str, list[dict[str, Any]]] = {}
    for entry in desk.entries("tool-results"):
        result = json.loads(entry["data"])
        told.setdefault(str(result["investigation_id"]), []).append(result)
    return told


def _megabytes(stack: Stack) -> dict[str, float]:
    """The most memory that the toolrunner and its servers ever had."""
    (part,) = (part for part in stack.parts if part.name.startswith("toolrunner"))
    pid = part.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return {name: _high_water(name) for name in (str(pid), *children)}


def _high_water(pid: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


@pytest.mark.parametrize(("stand_in", "name"), MET)
def test_a_fault_of_a_tool_ends_with_one_outcome_one_message_and_the_truth(
    seen: Seen, stand_in: str, name: str
) -> None:
    incident = f"{stand_in}-{name}"
    if incident not in seen.cards:
        pytest.skip("in the full lane only")
    record = seen.struck.ended(incident)
    assert seen.strikes[seen.struck.cases[incident]] >= 1, "the fault never struck"
    assert [final(message) for message in seen.cards[incident]] == [True]
    assert record.outcome == "diagnosed", record.reason
    assert record.spend.model_calls <= MAX_TURNS
    assert calls_sent(record) <= MAX_TOOL_CALLS
    failed = [str(result["error"]) for result in seen.told[incident] if not result["ok"]]
    assert len(failed) == (0 if name in SPOILS_NOTHING else 1)
    words = TOLD.get(incident) or TOLD.get(name, "answered ")
    assert all(words in error for error in failed)


def test_every_alarm_opens_one_incident_whatever_sqs_does(seen: Seen) -> None:
    assert (seen.opened, seen.written) == (seen.alarms, seen.alarms)


def test_a_needle_in_ten_megabytes_is_quoted_as_evidence(seen: Seen) -> None:
    diagnosis = seen.struck.ended("kubernetes-huge_log").diagnosis
    assert diagnosis is not None
    assert [each.quote for each in diagnosis.evidence if NEEDLE in each.quote and each.verified]
    results = seen.told["kubernetes-huge_log"]
    (logs,) = (each for each in results if each.get("whole_bytes", 0) > 5_000_000)
    assert logs["shown_characters"] < 250_000


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")
def test_ten_megabytes_of_log_leave_memory_bounded(seen: Seen) -> None:
    assert seen.megabytes
    assert max(seen.megabytes.values()) < MOST_MEGABYTES, seen.megabytes
