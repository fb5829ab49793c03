"""Every shipped scenario, from its alarm to its card, ends as its file says.

The scripted model plays it: that proves that the world shows what the scenario says and that the
loop carries it to the end, and nothing about how well a real model would find the cause.
"""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bus.connection import as_text
from bus.events import Diagnosis
from cli.stack import ROOT, Plan, call, running_stack
from simulator.checking import problems_in
from simulator.model.liars import LIES, UNSEEN, Lie, note_for
from simulator.scenario import load_scenario, scenario_names
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX, SHARED, Desk, quiet
from tests.loop.traces import SERVICES, check_names, check_trace

MARKS = {
    "component": "Component (unverified)",
    "code_location": "Where (unverified, not read)",
    "fix": "Proposal, not checked against the file",
    "evidence": "could not be verified and",
}
LIED = {
    "everything": {"evidence", "component", "code_location", "fix"},
    "component": {"component"},
    "file": {"code_location", "fix"},
    "line": {"code_location", "fix"},
}
TRACED = ["cart-loafers", "shipping-logs-denied"]
pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("scenarios")]


@pytest.fixture(scope="module")
def stage() -> Iterator[Desk]:
    """One stack for all scenarios: the world changes under it from one to the next."""
    settings = SHARED | {"NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1"}
    plan = Plan(scenario="cart-loafers", model_seconds=0.02, settings=settings, own_redis=True)
    with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
        yield Desk(stack, redis)


@pytest.mark.parametrize("name", scenario_names())
def test_scenario_ends_as_its_file_says(name: str, stage: Desk, lane: Lane) -> None:
    incident = check_end(stage, name)
    if name in lane.pick(TRACED, scenario_names()):
        check_names(check_trace(stage, incident, services=SERVICES | {"ingest"}))


def test_the_scenario_of_the_guide_runs_as_it_stands_there(stage: Desk, tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    written = re.findall(r"^```yaml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    path = tmp_path / "broken-products.yaml"
    path.write_text(written[0], encoding="utf-8")
    assert problems_in(load_scenario(str(path))) == []
    check_end(stage, str(path))


def test_the_guide_names_every_scenario() -> None:
    guide = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", guide, re.MULTILINE)) == scenario_names()


def test_orders_in_a_log_are_shown_to_the_model_and_end_in_no_message(stage: Desk) -> None:
    incident = check_end(stage, "email-injection", form="eventbridge")
    shown = stage.redis.lrange(f"{PREFIX}{incident}:transcript", 0, -1)
    assert "kubectl delete deployment redis-cart" in "".join(map(as_text, shown))
    assert "kubectl" not in stage.card(incident)


def test_no_lie_reaches_slack_as_evidence(stage: Desk, lane: Lane, figures: Figures) -> None:
    call(f"{stage.stack.control}/_simulator/scenario", {"scenario": "cart-loafers"})
    seeds = range(lane.seed, lane.seed + lane.pick(1, 20))
    lies = [
        Lie(name, seed) for name in lane.pick(("everything", "quotes"), (*LIES,)) for seed in seeds
    ]
    told = {told_of(stage, lie): lie for lie in lies}
    shown = 0
    for incident, lie in told.items():
        record = stage.wait_for_end(incident, 40)
        (message,) = stage.messages(incident)
        card = stage.card(incident)
        assert record.mended, lie
        quoted = evidence_on(message)
        assert [quote for quote in quoted if not stands(stage, incident, *quote)] == [], lie
        assert UNSEEN not in str(message["blocks"][0]), lie
        assert (record.outcome == "diagnosed") == bool(quoted) == (lie.name != "quotes"), lie
        assert record.diagnosis is not None
        for part, mark in MARKS.items():
            assert (mark in card) == (part in record.diagnosis.unverified), (lie, part)
        marked = {"verdict", "evidence"} if lie.name == "quotes" else LIED[lie.name]
        assert set(record.diagnosis.unverified) == marked, lie
        assert record.diagnosis.confidence == ("low" if marked - {"evidence", "fix"} else "medium")
        shown += len(quoted)
    figures.add(
        "issue 6, liars", "lies told; true quotes shown beside them", f"{len(lies)}; {shown}"
    )


def told_of(stage: Desk, lie: Lie) -> str:
    """The incident that is lied about."""
    summary = f"HTTP 500 on the cart, {lie.name} {lie.seed}"
    return stage.publish(service="cartservice", summary=summary, note=note_for(lie))


def evidence_on(message: dict[str, Any]) -> list[tuple[str, str]]:
    """Call id and quote of everything that a message shows as evidence."""
    found = []
    for block in message["blocks"]:
        head, *rest = block.get("elements", [{}])
        texts = [element.get("text") for element in head.get("elements", [])]
        if texts[:1] == ["Evidence "]:
            call_id = texts[1].partition("tool call ")[2].split(" ")[0]
            found.append((call_id, rest[0]["elements"][0]["text"]))
    return found


def stands(stage: Desk, incident: str, call_id: str, quote: str) -> bool:
    """Whether the quote is whole lines of that result, or a part of one."""
    stored: Any = stage.redis.hget(f"{PREFIX}{incident}:results", f"{call_id}:whole")
    whole = zlib.decompress(stored).decode() if stored else ""
    part = len(quote) >= 16 and "\n" not in quote and quote in whole
    return part or f"\n{quote}\n" in f"\n{whole}\n"


def check_end(stage: Desk, name: str, *, form: str = "sns") -> str:
    """Play it, and hold everything that it expects against record and message; the incident."""
    scenario, expected = load_scenario(name), load_scenario(name).expected
    incident = fired(stage, name, form=form)
    record = stage.wait_for_end(incident, 40)
    diagnosis = record.diagnosis
    assert diagnosis is not None
    assert record.outcome == expected.outcome, record.reason
    assert (diagnosis.verdict, diagnosis.component) == (expected.verdict, expected.component)
    assert missing(expected.cause_words, f"{diagnosis.summary} {diagnosis.root_cause}") == []
    assert missing(expected.gap_words, gaps(diagnosis)) == []
    refused = "; ".join(tool.sentence for tool in record.calls if tool.state == "error")
    assert missing(expected.gap_words, refused) == []
    assert record.concluding == ""
    assert len(diagnosis.evidence) == len(scenario.script.diagnosis.evidence)
    assert [quote.quote for quote in diagnosis.evidence if not quote.verified] == []
    assert (diagnosis.unverified, record.mended) == ((), False)
    assert diagnosis.confidence == scenario.script.diagnosis.confidence
    assert len(diagnosis.gaps) == len(scenario.script.diagnosis.gaps), gaps(diagnosis)
    assert place(diagnosis) in (expected.fix_location, None)
    card = stage.card(incident)
    assert missing(expected.must_not_claim, card) == list(expected.must_not_claim)
    assert missing(expected.gap_words, card) == []
    assert "scripted" in card
    return incident


def fired(stage: Desk, name: str, *, form: str) -> str:
    """The incident that the scenario's alarm opens."""
    call(f"{stage.stack.control}/_simulator/scenario", {"scenario": name})
    before = set(stage.incidents())
    call(f"{stage.stack.control}/_simulator/fire-alarm", {"form": form})
    stage.wait("an incident", lambda: set(stage.incidents()) - before)
    (incident,) = set(stage.incidents()) - before
    return incident


def missing(words: tuple[str, ...], text: str) -> list[str]:
    """The words that the text does not hold, whatever their case."""
    return [word for word in words if word.lower() not in text.lower()]


def gaps(diagnosis: Diagnosis) -> str:
    """What could not be seen, and what would be needed."""
    return "; ".join(f"{gap.what} {gap.permission}" for gap in diagnosis.gaps)


def place(diagnosis: Diagnosis) -> str | None:
    """Where the diagnosis says that the fault lies."""
    return diagnosis.code_location.path if diagnosis.code_location else None
