"""The checker itself: sound evidence has no violation, and each doctored one has exactly its own.

A checker that cannot fail is worthless, so for every kind of violation there is evidence that
differs from the sound one in one thing.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bus.events import InvestigationId, ToolCallAudited, ToolCallId
from services.toolrunner.audit import entry_sha256
from tests.chaos.checker import CHECKS_OF_ALL, CHECKS_OF_ONE, Rules, check, report
from tests.chaos.evidence import Asked, Entry, Evidence, Fault, Message, Version
from tests.chaos.measuring import late_calls
from tests.chaos.story import stories_of, timeline

INC = "inc-1"
BEGAN = 1_000_000.0
RULES = Rules(deadline_seconds=60, still_seconds=20)
LIVE, FINAL = "investigating cartservice: HTTP 500", "cartservice: Root cause. It throws."
Doctor = Callable[[Evidence], Evidence]


def entry(after: float, stream: str, event: str, **values: object) -> Entry:
    """An entry about the one incident."""
    name = "incident_id" if stream == "incidents" else "investigation_id"
    return Entry(BEGAN + after, stream, event, {name: INC, **values})


def model(after: float, messages: int, *, status: int = 200, **shown: str) -> Asked:
    """A model call of one second."""
    at = BEGAN + after
    facts = {"concludes": False, "shown": {f"1-{k[-1]}": text for k, text in shown.items()}}
    path = "POST /v1/messages"
    return Asked(at, at + 1, "model", path, status, INC, str(messages), facts)


def tool(after: float, call: str) -> Asked:
    """A request that a tool call led to."""
    at = BEGAN + after
    return Asked(at, at, "kubernetes", f"GET /deployments/case-1-{call}", 200, INC, call)


def card(*said: tuple[float, str, str]) -> Message:
    """A message with its versions."""
    versions = tuple(Version(BEGAN + after, says, text) for after, says, text in said)
    return Message(INC, f"{versions[0].at}", versions)


def audits(*outcomes: tuple[float, str, str]) -> tuple[Entry, ...]:
    """Audit entries of one life of one replica, properly chained."""
    chain: list[ToolCallAudited] = []
    entries = []
    for number, (after, call, outcome) in enumerate(outcomes, start=1):
        audited = ToolCallAudited.model_validate(
            {
                "investigation_id": InvestigationId(INC),
                "tool_call_id": ToolCallId(call),
                "tool": "kubernetes__list_pods",
                "decision": "allow",
                "reason": "allow-list",
                "arguments_sha256": "0" * 64,
                "outcome": outcome,
                "replica": "toolrunner-1/life",
                "number": number,
                "previous_sha256": entry_sha256(chain[-1]) if chain else "",
            }
        )
        chain.append(audited)
        entries.append(entry(after, "audit", "ToolCallAudited", **audited.model_dump(mode="json")))
    return tuple(entries)


def sound() -> Evidence:
    """One incident of two turns and two calls, as it should go; a kill explains one repeat."""
    entries = (
        entry(0, "incidents", "IncidentOpened", service="cartservice", summary="500, case-1"),
        entry(0.1, "turns", "TurnDue", turn=1),
        entry(4, "tool-calls", "ToolCallRequested", tool_call_id="1-1", turn=1),
        entry(4, "tool-calls", "ToolCallRequested", tool_call_id="1-2", turn=1),
        entry(5, "tool-results", "ToolCallFinished", tool_call_id="1-1", ok=True),
        entry(6, "tool-results", "ToolCallFinished", tool_call_id="1-2", ok=True),
        *audits((5, "1-1", "executed"), (6, "1-2", "executed")),
        entry(6, "turns", "TurnDue", turn=2),
        entry(8, "diagnoses", "DiagnosisReached", outcome="diagnosed"),
        entry(9, "stops", "InvestigationStopped", outcome="diagnosed"),
    )
    asked = (
        *(model(0.2, 1), model(3, 1), tool(4.5, "1-1"), tool(5.5, "1-2")),
        model(6.5, 3, shown_1="aa", shown_2="bb"),
    )
    said = (0.2, "progress", LIVE), (4, "progress", LIVE), (8.9, "diagnosed", FINAL)
    return Evidence(
        entries=entries,
        asked=asked,
        messages=(card(*said),),
        faults=(Fault(BEGAN + 0.9, BEGAN + 0.9, "reasoner", "reasoner-1 killed"),),
        sent=("case-1",),
    )


def without(event: str) -> Doctor:
    """The evidence without the entries of that kind."""
    return lambda seen: replace(
        seen, entries=tuple(one for one in seen.entries if one.event != event)
    )


def more(*entries: Entry) -> Doctor:
    """The evidence with more entries."""
    return lambda seen: replace(seen, entries=(*seen.entries, *entries))


def asking(*asked: Asked) -> Doctor:
    """The evidence with more requests."""
    return lambda seen: replace(seen, asked=(*seen.asked, *asked))


def saying(*messages: Message) -> Doctor:
    """The evidence with those messages in place of the one."""
    return lambda seen: replace(seen, messages=messages)


def at(event: str, after: float) -> Doctor:
    """The evidence with the entries of that kind at another time."""
    return lambda seen: replace(
        seen,
        entries=tuple(
            replace(one, at=BEGAN + after) if one.event == event else one for one in seen.entries
        ),
    )


def with_broken_chain(seen: Evidence) -> Evidence:
    """The second audit entry does not hold the hash of the first."""
    values = {"previous_sha256": "f" * 64}
    return replace(
        seen,
        entries=tuple(
            replace(one, values={**one.values, **values}) if one.values.get("number") == 2 else one
            for one in seen.entries
        ),
    )


ENDED = ((0.2, "progress", LIVE), (8.9, "diagnosed", FINAL))
DOCTORED: dict[str, Doctor] = {
    "lost incident": lambda seen: without("InvestigationStopped")(
        without("DiagnosisReached")(seen)
    ),
    "two outcomes": more(entry(8.5, "diagnoses", "DiagnosisReached", outcome="diagnosed")),
    "no stop signal": without("InvestigationStopped"),
    "two stop signals": more(entry(9.5, "stops", "InvestigationStopped", outcome="diagnosed")),
    "early stop signal": at("InvestigationStopped", 8.5),
    "no message": saying(),
    "two messages": saying(card(*ENDED), card(*ENDED)),
    "card shows progress": saying(card(*ENDED, (9.5, "progress", LIVE))),
    "card shows another outcome": saying(card(*ENDED, (9.5, "timed_out", "c: Timed out. No."))),
    "late": at("InvestigationStopped", 70.5),
    "stood still": lambda seen: saying(card(*ENDED[:1], (50, "diagnosed", FINAL)))(
        at("InvestigationStopped", 51)(at("DiagnosisReached", 49)(seen))
    ),
    "turn due twice": more(entry(6.1, "turns", "TurnDue", turn=2)),
    "turn committed twice": more(
        entry(4.2, "tool-calls", "ToolCallRequested", tool_call_id="1-1", turn=1)
    ),
    "result committed twice": more(
        entry(5.5, "tool-results", "ToolCallFinished", tool_call_id="1-1", ok=False)
    ),
    "result replaced": lambda seen: replace(
        seen,
        asked=(*seen.asked, model(7.6, 5, shown_1="cc", shown_2="bb")),
    ),
    "repeat not audited": lambda seen: replace(
        seen,
        entries=(
            *(one for one in seen.entries if one.event != "ToolCallAudited"),
            *audits((5, "1-1", "executed"), (5.5, "1-1", "executed"), (6, "1-2", "executed")),
        ),
    ),
    "called after its result": lambda seen: replace(
        seen,
        asked=(*seen.asked, tool(5.4, "1-1")),
        faults=(*seen.faults, Fault(BEGAN + 4.6, BEGAN + 5.3, "toolrunner", "frozen")),
    ),
    "work after the outcome": asking(model(10.5, 5)),
    "repeat without a fault": asking(model(7, 3, shown_1="aa", shown_2="bb")),
    "transcript refused by the model": asking(model(7, 5, status=400)),
    "lost alarm": lambda seen: replace(seen, sent=("case-1", "case-2")),
    "entries left": lambda seen: replace(seen, pending={"turns/reasoner": 1}),
    "deadline left": lambda seen: replace(seen, deadlines=(INC,)),
    "key without expiry": lambda seen: replace(seen, lasting_keys=("nightshift:x",)),
    "dead letter": more(Entry(BEGAN + 7, "turns.dead", "DeadLetter", {"reason": "failed 3 times"})),
    "audit chain broken": with_broken_chain,
}


def test_sound_evidence_has_no_violation() -> None:
    assert check(sound(), RULES) == []


@pytest.mark.parametrize("kind", DOCTORED)
def test_doctored_evidence_makes_exactly_its_violation(kind: str) -> None:
    violations = check(DOCTORED[kind](sound()), RULES)
    assert [violation.kind for violation in violations] == [kind]


def test_every_check_is_made_to_fail() -> None:
    silent = []
    for look in (*CHECKS_OF_ONE, *CHECKS_OF_ALL):
        name = look.__name__
        kinds = [kind for kind, doctor in DOCTORED.items() if found_by(name, doctor(sound()))]
        silent += [] if kinds else [name]
    assert silent == []


def found_by(name: str, evidence: Evidence) -> bool:
    """Whether the check of that name alone finds anything."""

    of_all = (look for look in CHECKS_OF_ALL if look.__name__ == name)
    of_one = (look for look in CHECKS_OF_ONE if look.__name__ == name)
    stories = stories_of(evidence).values()
    return any(list(look(evidence, RULES)) for look in of_all) or any(
        list(look(story, evidence, RULES)) for look in of_one for story in stories
    )


def test_a_result_that_is_told_again_in_the_same_words_is_no_violation() -> None:
    again = more(entry(5.5, "tool-results", "ToolCallFinished", tool_call_id="1-1", ok=True))
    assert check(again(sound()), RULES) == []


def test_a_call_on_its_way_when_its_sender_froze_is_excused_right_after_the_thaw() -> None:
    evidence = DOCTORED["called after its result"](sound())
    assert check(evidence, replace(RULES, on_its_way_seconds=0.2)) == []
    found = check(evidence, replace(RULES, on_its_way_seconds=0.05))
    assert [violation.kind for violation in found] == ["called after its result"]


def test_late_reads_are_told_apart_by_who_committed_first() -> None:
    evidence = DOCTORED["called after its result"](sound())
    assert late_calls(evidence) == (1, 0)
    woken = Fault(BEGAN + 4.6, BEGAN + 4.95, "toolrunner", "toolrunner-1 frozen")
    assert late_calls(replace(evidence, faults=(woken,))) == (0, 1)


def test_what_may_still_come_is_not_missed_before_the_end() -> None:
    early = without("InvestigationStopped")(without("DiagnosisReached")(sound()))
    early = replace(early, pending={"turns/reasoner": 1}, messages=())
    assert check(early, replace(RULES, is_over=False)) == []


def test_expected_dead_letters_are_no_violation() -> None:
    letter = more(Entry(BEGAN + 7, "turns.dead", "DeadLetter", {"reason": "failed 3 times"}))
    assert check(letter(sound()), replace(RULES, dead_letters=frozenset({"turns"}))) == []


def test_report_counts_the_violations_and_tells_the_story_in_order() -> None:
    evidence = DOCTORED["two outcomes"](sound())
    told = report(evidence, check(evidence, RULES))
    assert told.startswith("1 violations:\n  1 x R1 two outcomes")
    lines = timeline(evidence, INC).splitlines()[1:]
    assert lines == sorted(lines, key=lambda line: float(line.split()[0]))
    assert {line.split()[1] for line in lines} >= {"incidents", "model", "kubernetes", "FAULT"}
    assert all(line in told for line in lines)
