"""The checker itself: sound evidence has no violation, and each doctored one has exactly its own.

A checker that cannot fail is worthless, so for every kind of violation there is evidence that
differs from the sound one in one thing.
"""

from dataclasses import replace

import pytest

from tests.chaos.checker import CHECKS_OF_ONE, check, report
from tests.chaos.checks_of_run import CHECKS_OF_ALL
from tests.chaos.evidence import Entry, Evidence
from tests.chaos.sound import (
    BEGAN,
    FINAL,
    INC,
    LIVE,
    RULES,
    Doctor,
    asking,
    at,
    audited,
    audits,
    called_late,
    card,
    changing,
    entry,
    found,
    model,
    more,
    requested,
    saying,
    sound,
    third,
    tool,
    without,
)
from tests.chaos.story import stories_of, timeline


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


def ending_as(outcome: str, text: str) -> Doctor:
    """Everything says that outcome."""

    def doctor(seen: Evidence) -> Evidence:
        seen = changing("InvestigationStopped", outcome=outcome)(seen)
        seen = changing("DiagnosisReached", outcome=outcome)(seen)
        return saying(card((0.2, "progress", LIVE), (8.9, outcome, text)))(seen)

    return doctor


def shown_at_turn_two(**shown: str) -> Doctor:
    """The second turn was asked with those results."""
    last = model(6.5, 3, status=200, **shown)
    return lambda seen: replace(seen, asked=(*seen.asked[:-1], last))


def never_made(call: str) -> Doctor:
    """The stand-in was never asked for that call."""
    return lambda seen: replace(seen, asked=tuple(one for one in seen.asked if one.call != call))


def audited_log(seen: Evidence, *, read: bool) -> Evidence:
    """The second call was to read a log, whose request does not name it."""
    seen = changing("ToolCallRequested", "1-2", arguments={"pod": "cartservice-7c9f"})(seen)
    log = audits((5, "1-1", "executed"), (6, "1-2", "executed"), tool="kubernetes__get_logs")
    seen = never_made("1-2")(more(*log)(without("ToolCallAudited")(seen)))
    reading = replace(tool(5.5, ""), request="GET /pods/cartservice-7c9f/log", incident="", call="")
    return asking(*[reading] * read)(seen)


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
    "detail twice": saying(card(*ENDED), thread=("evidence", "timeline", "evidence")),
    "detail missing": saying(card(*ENDED), thread=("timeline",)),
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
    "result replaced": third(model(7.6, 5, shown_1="cc", shown_2="bb")),
    "repeat not audited": audited(
        (5, "1-1", "executed"), (5.5, "1-1", "executed"), (6, "1-2", "executed")
    ),
    "called after its result": called_late,
    "work after the outcome": third(model(10.5, 5, shown_1="aa", shown_2="bb")),
    "repeat without a fault": asking(model(7, 3, shown_1="aa", shown_2="bb")),
    "transcript refused by the model": third(model(7.1, 5, status=400, shown_1="aa", shown_2="bb")),
    "lost publication": lambda seen: replace(seen, published=(INC, "inc-2")),
    "unknown incident": lambda seen: replace(
        seen, asked=(*seen.asked, replace(model(1, 1), incident="inc-2"))
    ),
    "lost alarm": lambda seen: replace(seen, sent=("case-1", "case-2")),
    "entries left": lambda seen: replace(seen, pending={"turns/reasoner": 1}),
    "deadline left": lambda seen: replace(seen, deadlines=(INC,)),
    "key without expiry": lambda seen: replace(seen, lasting_keys=("nightshift:x",)),
    "dead letter": more(Entry(BEGAN + 7, "turns.dead", "DeadLetter", {"reason": "failed 3 times"})),
    "audit chain broken": with_broken_chain,
    "wrong outcome": ending_as("failed", "c: Failed. No."),
    "stop signal of another outcome": changing("InvestigationStopped", outcome="failed"),
    "turn asked that was not due": asking(model(7, 5, shown_1="aa", shown_2="bb")),
    "call without a result": more(requested(7, "2-1")),
    "result not shown": shown_at_turn_two(shown_1="aa"),
    "result not audited": audited((5, "1-1", "executed")),
    "call not carried out": lambda seen: audited((5, "1-1", "executed"), (6, "1-2", "failed"))(
        changing("ToolCallFinished", "1-2", ok=False)(seen)
    ),
    "audited and never made": never_made("1-2"),
    "first call audited as a repeat": audited((5, "1-1", "executed"), (6, "1-2", "repeated")),
    "audited and never read": lambda seen: audited_log(seen, read=False),
    "message of nobody": lambda seen: replace(
        seen, strangers=(replace(card((0.3, "progress", LIVE)), incident=""),)
    ),
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


def test_a_publication_that_was_meant_to_be_set_aside_is_not_missed() -> None:
    letter = {"entry_id": "2", "stream": "incidents", "reason": "no summary"}
    seen = more(Entry(BEGAN + 1, "incidents.dead", "DeadLetter", letter))(sound())
    seen = replace(seen, published=(INC, "inc-2"))
    assert found(seen) == ["lost publication", "dead letter"]
    assert found(seen, replace(RULES, dead_letters=frozenset({"incidents"}))) == []


def test_an_alarm_that_joined_an_incident_is_not_lost() -> None:
    joined = entry(2, "updates", "AlarmJoined", alarm={"name": "cartservice-error-case-2"})
    seen = replace(more(joined)(sound()), sent=("case-1", "case-2"))
    assert found(seen) == []


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
