"""What explains a late or a repeated call, and what does not: each rule holds and is broken."""

from dataclasses import replace

import pytest

from tests.chaos.evidence import Evidence, Fault
from tests.chaos.measuring import excused, late_calls
from tests.chaos.sound import (
    BEGAN,
    INC,
    RULES,
    Doctor,
    asking,
    audits,
    called_late,
    found,
    frozen,
    killed,
    model,
    sound,
    struck,
    third,
    tool,
)

ON_ITS_WAY = replace(RULES, on_its_way_seconds=0.2)


def test_a_call_on_its_way_when_its_sender_froze_is_excused_right_after_the_thaw() -> None:
    evidence = called_late(sound())
    assert found(evidence, ON_ITS_WAY) == []
    assert found(evidence, replace(RULES, on_its_way_seconds=0.05)) == ["called after its result"]


FROZE = called_late(sound()).faults
NOT_EXCUSED = {
    "another replica froze": replace(FROZE[-1], replica="toolrunner-2"),
    "it held another call": replace(FROZE[-1], holding=frozenset({f"{INC} 1-2"})),
    "it held another incident": replace(FROZE[-1], holding=frozenset({"inc-2 1-1"})),
    "nobody knows who froze": replace(FROZE[-1], replica=""),
}


@pytest.mark.parametrize("why", NOT_EXCUSED)
def test_a_late_call_is_not_excused_by_a_freeze_that_is_not_its_own(why: str) -> None:
    evidence = called_late(sound())
    evidence = replace(evidence, faults=(*sound().faults, NOT_EXCUSED[why]))
    assert "called after its result" in found(evidence, ON_ITS_WAY)


def test_a_late_call_of_an_unknown_sender_is_not_excused() -> None:
    evidence = called_late(sound())
    nameless = tuple(replace(one, sender="", left_at=0.0) for one in evidence.asked)
    assert found(replace(evidence, asked=nameless), ON_ITS_WAY) == ["called after its result"]


def test_a_late_call_whose_head_came_before_the_freeze_is_excused_whatever_the_window() -> None:
    evidence = called_late(sound())
    *others, late = evidence.asked
    early = replace(late, left_at=BEGAN + 4.59)
    rules = replace(RULES, on_its_way_seconds=0.01)
    assert found(replace(evidence, asked=(*others, early)), rules) == []


def test_work_after_the_outcome_is_excused_only_for_the_incident_that_the_woken_one_held() -> None:
    late = third(model(10.5, 5, shown_1="aa", shown_2="bb"))(sound())
    for holding, kinds in ((INC, []), ("inc-2", ["work after the outcome"])):
        woken = frozen(7.6, 10.4, "reasoner-1", holding)
        assert found(replace(late, faults=(*late.faults, woken)), ON_ITS_WAY) == kinds


def overtaken(left_at: float) -> Evidence:
    """A successor's call that left then; the result was committed by the woken owner at 5 s."""
    seen = called_late(sound())
    own, other, late = seen.asked[2], seen.asked[3], seen.asked[-1]
    successor = replace(late, sender="toolrunner-2", left_at=BEGAN + left_at)
    asked = (*seen.asked[:2], own, other, seen.asked[4], successor)
    woken = frozen(4.6, 4.95, "toolrunner-1", f"{INC} 1-1")
    return replace(seen, asked=asked, faults=(*sound().faults, woken))


def test_a_successor_that_the_woken_owner_overtook_is_excused_if_it_could_not_know() -> None:
    assert found(overtaken(5.1), ON_ITS_WAY) == []
    assert found(overtaken(5.3), ON_ITS_WAY) == ["called after its result"]


def test_a_successor_that_the_owner_overtook_after_an_outage_is_excused_if_it_could_not_know() -> (
    None
):
    outage = Fault(BEGAN + 3.0, BEGAN + 4.95, "*", "Redis killed and down for 2.0 s")
    for left_at, kinds in ((5.1, []), (5.3, ["called after its result"])):
        late = overtaken(left_at)
        late = replace(late, faults=(*late.faults[:-1], outage))
        assert found(late, ON_ITS_WAY) == kinds
        assert found(late, replace(RULES, on_its_way_seconds=0.01)) == ["called after its result"]
        own = tuple(replace(one, sender="toolrunner-1") for one in late.asked)
        assert found(replace(late, asked=own), ON_ITS_WAY) == ["called after its result"]


def test_late_reads_are_told_apart_by_who_committed_first() -> None:
    evidence = called_late(sound())
    owners, successors = late_calls(evidence)
    assert (len(owners), successors) == (1, [])
    owners, successors = late_calls(overtaken(5.1))
    assert (owners, len(successors)) == ([], 1)


def test_late_calls_that_were_excused_are_counted() -> None:
    assert excused(called_late(sound()), ON_ITS_WAY) == 1
    assert excused(overtaken(5.3), ON_ITS_WAY) == 0


AGAIN = replace(model(1.5, 1), sender="reasoner-3")
CAUSES: dict[str, tuple[Doctor, int]] = {
    "one kill for two repeats": (asking(AGAIN), 1),
    "two kills for two repeats": (
        lambda seen: struck(killed(0.9, "reasoner-2"), killed(2.0, "reasoner-3"))(
            asking(AGAIN)(seen)
        ),
        0,
    ),
    "two kills of which one had not made the call": (
        lambda seen: struck(killed(0.9, "reasoner-2"), killed(2.0, "reasoner-4"))(
            asking(AGAIN)(seen)
        ),
        1,
    ),
    "a kill of another replica": (struck(killed(0.9, "reasoner-4")), 1),
    "a kill of another service": (struck(killed(0.9, "toolrunner-2")), 1),
    "a kill after the repeat": (struck(killed(3.1, "reasoner-2")), 1),
    "a kill after the turn was committed": (
        lambda seen: struck(killed(0.9, "reasoner-2"), killed(7.5, "reasoner-1"))(
            asking(model(7.6, 1))(seen)
        ),
        1,
    ),
    "a freeze of the owner": (struck(frozen(0.9, 3.5, "reasoner-2", INC)), 0),
    "a freeze of the one that left late": (struck(frozen(0.1, 2.9, "reasoner-1", INC)), 0),
    "an outage of all": (struck(Fault(BEGAN + 0.5, BEGAN + 2, "*", "Redis down")), 0),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_strike_explains_one_repeat_of_a_call_that_was_in_flight_there(cause: str) -> None:
    doctor, unexplained = CAUSES[cause]
    assert found(doctor(sound())) == unexplained * ["repeat without a fault"]


def test_a_repeat_that_is_told_as_the_first_call_is_a_violation_and_told_as_a_repeat_is_none() -> (
    None
):
    first = replace(tool(4.2, "1-1"), sender="toolrunner-2")
    seen = asking(first)(struck(*sound().faults, killed(4.3, "toolrunner-2"))(sound()))
    assert found(seen) == ["repeat not audited"]
    entries = tuple(one for one in seen.entries if one.event != "ToolCallAudited")
    told = audits((5, "1-1", "repeated"), (6, "1-2", "executed"))
    assert found(replace(seen, entries=(*entries, *told))) == []
