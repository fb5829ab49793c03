"""Figures from evidence: what was counted, beside what was violated."""

from collections import Counter
from collections.abc import Iterable

from tests.chaos.checker import Violation
from tests.chaos.evidence import PROGRESS, Evidence
from tests.chaos.story import called_again, repeats, stories_of

RECENTLY_SECONDS = 3.0
"""Who was thawed so long ago and then committed a result was the frozen owner of its call."""


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


def late_calls(evidence: Evidence) -> tuple[int, int]:
    """Tool requests that came in after their call's result was committed: whose they were.

    Those of woken owners, and those of successors that a woken owner's commit overtook: it had made
    the call before it froze.
    """
    owners = successors = 0
    for story in stories_of(evidence).values():
        committed = {entry.call: entry for entry in reversed(story.of("ToolCallAudited"))}
        for one, _ in called_again(story):
            replica = str(committed[one.call].values["replica"]) if one.call in committed else ""
            name = replica.partition("/")[0]
            woken = any(
                fault.what.startswith(f"{name} ") and 0 <= one.at - fault.until < RECENTLY_SECONDS
                for fault in evidence.faults
            )
            successors += woken
            owners += not woken
    return owners, successors


def longest_pause(evidence: Evidence) -> float:
    """Most seconds for which any incident showed no sign of work before its outcome."""
    return max((story.longest_pause() for story in stories_of(evidence).values()), default=0.0)
