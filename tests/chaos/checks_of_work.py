"""What is demanded of one incident's work: a turn, a call, a result and an audit entry go together.

That everything ended once says little about work that was never done; so each step is to be found
with the one before it and the one after it.
"""

import json
from collections.abc import Callable, Iterator

from tests.chaos.evidence import CALL, Asked, Entry, Evidence
from tests.chaos.rules import Rules, Violation
from tests.chaos.story import SKEW_SECONDS, Story

MADE = ("executed", "repeated")
FROM_A_TURN = ("diagnosed", "inconclusive")
"""Outcomes that only a turn reaches, and a turn comes after the results of the one before it."""
CONCLUDES_AFTER = 0.8
"""The share of the time after which calls without a result are closed (design, section 2)."""
GIVEN_UP_SECONDS = 2.5
"""A call that took longer may have been begun twice: the machine stood still and its owner's lease
of 2 s ran out, or a tool server or Redis was silent for 3 to 5 s and was given up."""


def _ends_as_meant(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    if story.outcomes and story.outcome not in rules.outcomes:
        reason = story.outcomes[0].values.get("reason") or "no reason given"
        yield Violation("R1", "wrong outcome", story.incident, f"{story.outcome}: {reason}")


def _signal_tells_the_outcome(story: Story, _: Evidence, __: Rules) -> Iterator[Violation]:
    for signal in story.signals if story.outcomes else ():
        said = signal.values.get("outcome")
        if said != story.outcome:
            what = f"it says {said}, and the outcome is {story.outcome}"
            yield Violation("R1", "stop signal of another outcome", story.incident, what)


def _asked_turns_were_due(story: Story, _: Evidence, __: Rules) -> Iterator[Violation]:
    due = _due_at(story)
    early = {
        _turn_of(one)
        for one in story.model_calls()
        if one.at + SKEW_SECONDS < due.get(_turn_of(one), float("inf"))
    }
    for turn in sorted(early):
        what = f"the model was asked turn {turn} before it was due"
        yield Violation("R1", "turn asked that was not due", story.incident, what)


def _calls_have_results(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    told, due = _told_first(story), _due_at(story)
    for call, entry in _first(story, "ToolCallRequested").items():
        following = int(entry.values.get("turn", 0)) + 1
        went_on = following in due or story.outcome in FROM_A_TURN
        if call in told or not went_on or _is_concluded(story, following, rules):
            continue
        what = f"{call} was asked for, no result was told, and the work went on"
        yield Violation("R1", "call without a result", story.incident, what)


def _results_are_shown(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    due, audited = _due_at(story), {entry.call for entry in story.of("ToolCallAudited")}
    counts = {
        call: entry
        for call, entry in _told_first(story).items()
        if entry.at <= due.get(_turn_after(call), 0.0) + SKEW_SECONDS
        and not _is_concluded(story, _turn_after(call), rules)
        # One that was set aside has a sentence of ours in its place, which names no call.
        and (entry.values.get("ok") or call in audited)
    }
    missed: dict[int, set[str]] = {}
    for one in story.model_calls():
        if "shown" in one.facts:
            due_calls = {call for call in counts if _turn_after(call) <= _turn_of(one)}
            missed.setdefault(_turn_of(one), set()).update(due_calls - set(one.facts["shown"]))
    for turn, calls in sorted(missed.items()):
        if calls:
            what = f"turn {turn} was asked without the results of {', '.join(sorted(calls))}"
            yield Violation("R5", "result not shown", story.incident, what)


def _results_are_audited(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    audits = _audits(story)
    for call, entry in _told_first(story).items():
        said, ok = audits.get(call, []), bool(entry.values.get("ok"))
        if not ok and "tool-calls" in rules.dead_letters:
            continue
        if not any((word in MADE) == ok for word in said):
            what = f"the result of {call} is {'good' if ok else 'an error'}, "
            what += f"and its audit entries say {', '.join(said) or 'nothing: there is none'}"
            yield Violation("audit", "result not audited", story.incident, what)
        elif unmeant := sorted(set(said) - rules.audited - _refusals(story, call)):
            what = f"{call} was audited as {', '.join(unmeant)}"
            yield Violation("audit", "call not carried out", story.incident, what)


def _audited_calls_were_made(story: Story, evidence: Evidence, __: Rules) -> Iterator[Violation]:
    requested = _first(story, "ToolCallRequested")
    made = {one.call for one in story.tool_requests()}
    for call, said in _audits(story).items():
        if not set(said) & set(MADE):
            continue
        if call in requested and is_named(requested[call]) and call not in made:
            what = f"{call} is audited as {', '.join(said)}, and nobody was asked"
            yield Violation("audit", "audited and never made", story.incident, what)
        elif "executed" not in said and not _has_a_first(
            story, requested.get(call), call, evidence
        ):
            what = f"{call} is audited as {', '.join(said)}, and nobody had begun it before"
            yield Violation("audit", "first call audited as a repeat", story.incident, what)


def is_named(requested: Entry) -> bool:
    """Whether the stand-in that gets this call can tell which one it is: its arguments say so."""
    return bool(CALL.search(json.dumps(requested.values.get("arguments", {}))))


def _refusals(story: Story, call: str) -> set[str]:
    """What may become of the call because of what it was answered."""
    answers = [one.status for one in story.tool_requests() if one.call == call]
    return {"failed"} if any(status >= 400 for status in answers) else set()


def _has_a_first(story: Story, requested: Entry | None, call: str, evidence: Evidence) -> bool:
    """Whether an owner may have begun the call and been struck, or given it up for slowness."""
    audited_at = min(entry.at for entry in story.of("ToolCallAudited") if entry.call == call)
    if requested is not None and audited_at - requested.at >= GIVEN_UP_SECONDS:
        return True
    return any(
        fault.service in ("toolrunner", "*") and fault.at <= audited_at + SKEW_SECONDS
        for fault in evidence.faults
    )


def _is_concluded(story: Story, turn: int, rules: Rules) -> bool:
    """Whether the turn became due because time ran out, whatever its calls had come to."""
    point = (story.accepted_at or 0.0) + CONCLUDES_AFTER * rules.deadline_seconds
    return _due_at(story).get(turn, 0.0) >= point - SKEW_SECONDS


def _due_at(story: Story) -> dict[int, float]:
    found: dict[int, float] = {}
    for entry in story.of("TurnDue"):
        found.setdefault(int(entry.values.get("turn", 0)), entry.at)
    return found


def _audits(story: Story) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in story.of("ToolCallAudited"):
        found.setdefault(entry.call, []).append(str(entry.values.get("outcome")))
    return found


def _told_first(story: Story) -> dict[str, Entry]:
    return _first(story, "ToolCallFinished")


def _first(story: Story, event: str) -> dict[str, Entry]:
    """The first entry of that kind, by call."""
    found: dict[str, Entry] = {}
    for entry in story.of(event):
        found.setdefault(entry.call, entry)
    return found


def _turn_of(one: Asked) -> int:
    """Each turn adds what is asked and what is answered, and is asked with one message more."""
    return (int(one.call) + 1) // 2


def _turn_after(call: str) -> int:
    return int(call.partition("-")[0]) + 1


OfWork = Callable[[Story, Evidence, Rules], Iterator[Violation]]
CHECKS_OF_WORK: tuple[OfWork, ...] = (
    _ends_as_meant,
    _signal_tells_the_outcome,
    _asked_turns_were_due,
    _calls_have_results,
    _results_are_shown,
    _results_are_audited,
    _audited_calls_were_made,
)
