"""Figures from evidence: what was counted, beside what was violated."""

from collections import Counter
from collections.abc import Iterable

from tests.chaos.causes import is_excused
from tests.chaos.evidence import PROGRESS, Evidence
from tests.chaos.rules import Rules, Violation
from tests.chaos.story import called_again, repeats, stories_of


def kinds(violations: Iterable[Violation]) -> Counter[str]:
    """How often each kind of violation was found."""
    return Counter(violation.kind for violation in violations)


def repeated(evidence: Evidence) -> tuple[int, int]:
    """Model calls and tool requests that were made again."""
    stories = stories_of(evidence).values()
    model = sum(len(repeats(story.model_calls())) for story in stories)
    return model, sum(len(repeats(story.tool_requests())) for story in stories)


def struck(evidence: Evidence) -> str:
    """How often each service was struck."""
    counts = Counter(fault.service for fault in evidence.faults)
    return ", ".join(f"{count} {service}" for service, count in sorted(counts.items()))


def told_again(evidence: Evidence) -> int:
    """Results that were told a second time in the same words: of no effect."""
    told = Counter(
        (entry.incident, entry.call)
        for entry in evidence.entries
        if entry.event == "ToolCallFinished"
    )
    return sum(count - 1 for count in told.values())


def covered_for_a_while(evidence: Evidence) -> int:
    """Messages that showed progress once more after their final card, and were mended."""
    found = 0
    for message in evidence.messages:
        said = [version.says for version in message.versions]
        final = next((at for at, word in enumerate(said) if word not in (PROGRESS, "")), len(said))
        found += PROGRESS in said[final:]
    return found


def worked_after(evidence: Evidence) -> list[float]:
    """Of every model or tool call that started after the outcome: how many seconds after it."""
    found = []
    for story in stories_of(evidence).values():
        ended_at = story.outcomes[0].at if story.outcomes else float("inf")
        calls = [*story.model_calls(), *story.tool_requests()]
        found += [one.at - ended_at for one in calls if one.at > ended_at]
    return found


def late_calls(evidence: Evidence) -> tuple[list[float], list[float]]:
    """Tool requests that came in after their call's result was committed: whose, and how late.

    Those of woken owners, by the seconds from their thaw until the request left, and those of
    successors that a woken owner's commit overtook, by the seconds from that commit until it left:
    the owner had made the call before it froze.
    """
    owners, successors = [], []
    for story in stories_of(evidence).values():
        committed = {entry.call: entry.at for entry in reversed(story.of("ToolCallFinished"))}
        for one, _ in called_again(story):
            thaws = [
                one.left_at - fault.until
                for fault in evidence.faults
                if fault.replica == one.sender and fault.held(one) and one.left_at >= fault.at
            ]
            if thaws:
                owners.append(min(thaws))
            else:
                successors.append(one.left_at - committed[one.call])
    return owners, successors


def excused(evidence: Evidence, rules: Rules) -> int:
    """How many late calls the rules excuse: after the outcome, or after the call's result."""
    found = 0
    for story in stories_of(evidence).values():
        ended_at = story.outcomes[0].at if story.outcomes else float("inf")
        calls = [*story.model_calls(), *story.tool_requests()]
        again = [one for one, _ in called_again(story)]
        late = [one for one in calls if one.at - ended_at > rules.late_work_seconds or one in again]
        found += sum(is_excused(one, story, evidence, rules.on_its_way_seconds) for one in late)
    return found


def in_flight_at_stops(evidence: Evidence, seconds: float) -> tuple[int, list[str]]:
    """Model calls whose answer took longer than that after a stop of theirs: given up, and others.

    Those that were answered sooner cannot tell.
    """
    given_up, left = 0, []
    for story in stories_of(evidence).values():
        if story.outcome != "cancelled":
            continue
        at = story.outcomes[0].at
        for one in story.model_calls():
            if one.at < at and one.answered_at > at + seconds:
                given_up += one.given_up
                ran = f"{one.sender} on {one.incident} for {one.answered_at - at:.3f} s"
                left += [] if one.given_up else [ran]
    return given_up, left


def unsigned(evidence: Evidence) -> int:
    """Model and tool calls of which the proxy cannot tell who made them."""
    stories = stories_of(evidence).values()
    calls = [one for story in stories for one in (*story.model_calls(), *story.tool_requests())]
    return sum(not one.sender for one in calls)


def longest_pause(evidence: Evidence) -> float:
    """Most seconds for which any incident showed no sign of work before its outcome."""
    return max((story.longest_pause() for story in stories_of(evidence).values()), default=0.0)
