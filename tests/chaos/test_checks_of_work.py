"""What was asked, made, told, shown and audited goes together: what breaks that, what does not."""

from dataclasses import replace

import pytest

from tests.chaos.checker import check
from tests.chaos.evidence import Entry, Evidence, Fault
from tests.chaos.rules import Rules
from tests.chaos.sound import (
    BEGAN,
    LIVE,
    RULES,
    Doctor,
    audited,
    card,
    changing,
    entry,
    found,
    killed,
    model,
    more,
    requested,
    saying,
    sound,
    struck,
    third,
    without,
)
from tests.chaos.test_checker import audited_log, ending_as, never_made, shown_at_turn_two


def both(*doctors: Doctor) -> Doctor:
    """One after the other."""

    def doctor(seen: Evidence) -> Evidence:
        for one in doctors:
            seen = one(seen)
        return seen

    return doctor


def ended_without_work() -> Evidence:
    """An incident that ended as `failed`, and nothing was asked for it."""
    seen = ending_as("failed", "cartservice: Failed. Its owner died.")(sound())
    events = ("IncidentOpened", "DiagnosisReached", "InvestigationStopped")
    entries = tuple(one for one in seen.entries if one.event in events)
    return replace(seen, entries=entries, asked=(), faults=())


def concluded(seen: Evidence) -> Evidence:
    """The second call got no result; time ran out, and the next turn concluded without it."""
    gone = [one for one in seen.entries if (one.event, one.call) != ("ToolCallFinished", "1-2")]
    times = {"DiagnosisReached": 52.0, "InvestigationStopped": 53.0}
    entries = tuple(
        replace(one, at=BEGAN + (48.1 if one.values.get("turn") == 2 else times[one.event]))
        if one.values.get("turn") == 2 or one.event in times
        else one
        for one in gone
    )
    asked = (*seen.asked[:-1], model(48.5, 3, shown_1="aa"))
    seen = replace(seen, entries=entries, asked=asked)
    seen = audited((5, "1-1", "executed"))(seen)
    return saying(card((0.2, "progress", LIVE), (52.9, "diagnosed", "c: Root cause. It.")))(seen)


def answered(call: str, status: int) -> Doctor:
    """The stand-in answered that call so."""
    return lambda seen: replace(
        seen,
        asked=tuple(replace(a, status=status) if a.call == call else a for a in seen.asked),
    )


def tried_again(seen: Evidence) -> Evidence:
    """The first owner of the second call died before it had said anything about it."""
    told = audited((5, "1-1", "executed"), (6, "1-2", "repeated"))
    return told(struck(*seen.faults, killed(5.2, "toolrunner-2"))(seen))


VIOLATING: dict[str, tuple[Evidence, set[str]]] = {
    "no result was ever told": (
        without("ToolCallFinished")(sound()),
        {"call without a result"},
    ),
    "calls were neither made nor answered": (
        both(
            without("ToolCallFinished"),
            without("ToolCallAudited"),
            never_made("1-1"),
            never_made("1-2"),
        )(sound()),
        {"call without a result"},
    ),
    "a call of the last turn has no result": (
        more(requested(7, "2-1"))(sound()),
        {"call without a result"},
    ),
    "tools were never asked and are audited": (
        both(never_made("1-1"), never_made("1-2"))(sound()),
        {"audited and never made"},
    ),
    "the second turn was shown nothing": (shown_at_turn_two()(sound()), {"result not shown"}),
    "the second turn was never due": (
        replace(sound(), entries=tuple(e for e in sound().entries if e.values.get("turn") != 2)),
        {"turn asked that was not due"},
    ),
    "the first turn was asked before it was due": (
        replace(sound(), asked=(model(0.05, 1), *sound().asked[2:]), faults=()),
        {"turn asked that was not due"},
    ),
    "the stop signal says something else": (
        changing("InvestigationStopped", outcome="timed_out")(sound()),
        {"stop signal of another outcome"},
    ),
    "good results are audited as failed": (
        audited((5, "1-1", "failed"), (6, "1-2", "unknown"))(sound()),
        {"result not audited"},
    ),
    "an error is audited as a call that was made": (
        changing("ToolCallFinished", "1-2", ok=False)(sound()),
        {"result not audited"},
    ),
    "an answered call is told and audited as refused": (
        both(
            changing("ToolCallFinished", "1-2", ok=False),
            audited((5, "1-1", "executed"), (6, "1-2", "refused")),
            answered("1-2", 404),
        )(sound()),
        {"call not carried out"},
    ),
    "nothing is audited": (without("ToolCallAudited")(sound()), {"result not audited"}),
    "it failed and no work was done": (ended_without_work(), {"wrong outcome"}),
    "it was made and is audited as a repeat": (
        audited((5, "1-1", "repeated"), (6, "1-2", "executed"))(struck()(sound())),
        {"first call audited as a repeat", "repeat without a fault"},
    ),
}


@pytest.mark.parametrize("what", VIOLATING)
def test_work_that_does_not_go_together_is_a_violation(what: str) -> None:
    evidence, kinds = VIOLATING[what]
    assert set(found(evidence)) == kinds


PATIENT = replace(RULES, still_seconds=float("inf"))
ANY = replace(RULES, audited=RULES.audited | {"failed"})
SET_ASIDE = replace(RULES, dead_letters=frozenset({"tool-calls"}))
TIMED_OUT = replace(RULES, outcomes=RULES.outcomes | {"timed_out"})


def stopped_while_calls_were_open(seen: Evidence) -> Evidence:
    """The deadline came before the second call's result; no further turn was due."""
    gone = ("ToolCallFinished", "1-2")
    kept = [
        one
        for one in ending_as("timed_out", "cartservice: Timed out. No.")(seen).entries
        if (one.event, one.call) != gone and one.values.get("turn") != 2
    ]
    seen = replace(ending_as("timed_out", "c: Timed out. No.")(seen), asked=seen.asked[:-1])
    return audited((5, "1-1", "executed"))(replace(seen, entries=tuple(kept)))


def told_late(seen: Evidence) -> Evidence:
    """The second result came after the turn that concluded without it had become due."""
    late = entry(49, "tool-results", "ToolCallFinished", tool_call_id="1-2", ok=True)
    seen = more(late)(concluded(seen))
    return audited((5, "1-1", "executed"), (49, "1-2", "executed"))(seen)


LEGITIMATE: dict[str, tuple[Evidence, Rules]] = {
    "time ran out before a result": (concluded(sound()), PATIENT),
    "a result came after time ran out": (told_late(sound()), PATIENT),
    "the deadline came while calls were open": (stopped_while_calls_were_open(sound()), TIMED_OUT),
    "an owner died in between and the call was made again": (tried_again(sound()), RULES),
    "Redis was away and the call was made again": (
        audited((5, "1-1", "executed"), (6, "1-2", "repeated"))(
            struck(*sound().faults, Fault(BEGAN + 5, BEGAN + 5.5, "*", "Redis killed"))(sound())
        ),
        RULES,
    ),
    "two owners made the call, and the second came first": (
        audited((5, "1-1", "executed"), (6, "1-2", "repeated"), (6.5, "1-2", "executed"))(sound()),
        RULES,
    ),
    "a tool was meant to fail": (
        audited((5, "1-1", "executed"), (6, "1-2", "failed"))(
            changing("ToolCallFinished", "1-2", ok=False)(sound())
        ),
        ANY,
    ),
    "a tool was answered by an error": (
        both(
            changing("ToolCallFinished", "1-2", ok=False),
            audited((5, "1-1", "executed"), (6, "1-2", "failed")),
            answered("1-2", 404),
        )(sound()),
        RULES,
    ),
    "a call was meant to be set aside": (
        both(
            changing("ToolCallFinished", "1-2", ok=False),
            audited((5, "1-1", "executed")),
            never_made("1-2"),
            shown_at_turn_two(shown_1="aa"),
        )(sound()),
        SET_ASIDE,
    ),
    "the next turn is asked with all results": (
        third(model(7.1, 5, shown_1="aa", shown_2="bb"))(sound()),
        RULES,
    ),
    "a log was read": (audited_log(sound(), read=True), RULES),
}


@pytest.mark.parametrize("what", LEGITIMATE)
def test_work_that_goes_together_is_no_violation(what: str) -> None:
    evidence, rules = LEGITIMATE[what]
    assert check(evidence, rules) == []


@pytest.mark.parametrize("outcome", ["failed", "inconclusive", "out_of_budget", "timed_out"])
def test_an_outcome_is_demanded_unless_the_run_means_another(outcome: str) -> None:
    title = outcome.replace("_", " ").capitalize()
    title = "No conclusion" if outcome == "inconclusive" else title
    evidence = ending_as(outcome, f"cartservice: {title}. No.")(sound())
    assert found(evidence) == ["wrong outcome"]
    assert found(evidence, replace(RULES, outcomes=frozenset({outcome}))) == []


def notice(text: str) -> Entry:
    """A notice that was asked for."""
    return Entry(BEGAN + 1, "notices", "NoticeRequested", {"text": text, "key": "k"})


def test_a_message_that_names_no_incident_has_to_be_a_notice() -> None:
    said = "An entry on turns was set aside: a &lt; b"
    stands = replace(card((1.5, "", said)), incident="")
    seen = replace(sound(), strangers=(stands,))
    assert found(seen) == ["message of nobody"]
    assert found(more(notice("An entry on turns was set aside: a < b"))(seen)) == []
    assert found(more(notice("another sentence"))(seen)) == ["message of nobody"]


def test_a_second_card_without_its_incident_is_a_violation() -> None:
    (stands,) = sound().messages
    seen = replace(sound(), strangers=(replace(stands, incident=""),))
    assert [(one.promise, one.incident) for one in check(seen, RULES)] == [("R2", "")]
