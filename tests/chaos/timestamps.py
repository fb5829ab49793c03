"""Whether every moment that was written down is Redis's: of a run in which replicas' clocks lie.

The outside and Redis share the test's clock, so a moment from a replica's clock is minutes off.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from bus.record import Record
from tests.chaos.evidence import Evidence
from tests.chaos.story import SKEW_SECONDS, Story, stories_of

DECIDING_SECONDS = 2.0
"""An end is decided at a moment and committed soon after: two steps over Redis on a busy machine;
and a minute-wrong clock is far off."""


def wrong_timestamps(
    evidence: Evidence, records: Mapping[str, Record], deadline_seconds: float
) -> list[str]:
    """What is wrong with the moments of each incident, in sentences."""
    found = []
    for story in stories_of(evidence).values():
        wrong = [*_of_stream(story), *_of_record(story, records[story.incident], deadline_seconds)]
        found += [f"{story.incident}: {what}" for what in wrong]
    return found


def _of_stream(story: Story) -> Iterator[str]:
    """Events stand in the order in which one leads to the other, and none outside the run."""
    chain = ["IncidentOpened", "TurnDue", "DiagnosisReached", "InvestigationStopped"]
    firsts = [(event, min(entry.at for entry in story.of(event))) for event in chain]
    for (earlier, before), (later, after) in pairwise(firsts):
        if after < before:
            yield f"{later} is {before - after:.3f} s before {earlier}"
    told = {entry.call: entry.at for entry in story.of("ToolCallFinished")}
    for entry in story.of("ToolCallRequested"):
        if told.get(entry.call, entry.at) < entry.at:
            yield f"the result of {entry.call} is before its request"
    for one in story.model_calls():
        if one.at < firsts[0][1] - SKEW_SECONDS:
            yield f"the model was asked {firsts[0][1] - one.at:.3f} s before the incident came"


def _of_record(story: Story, record: Record, deadline_seconds: float) -> Iterator[str]:
    opened, ended = record.opened_at.timestamp(), story.outcomes[0].at
    if abs(opened - (story.accepted_at or 0.0)) > SKEW_SECONDS:
        yield f"opened {opened - (story.accepted_at or 0.0):+.3f} s beside its entry's time"
    given = (record.deadline_at - record.opened_at).total_seconds()
    if abs(given - deadline_seconds) > SKEW_SECONDS:
        yield f"has a deadline of {given:.3f} s"
    if record.ended_at is None:
        yield "ended, and nothing says when"
        return
    beside = record.ended_at.timestamp() - ended
    if not -DECIDING_SECONDS <= beside <= SKEW_SECONDS:
        yield f"ended {beside:+.3f} s beside its outcome's entry"
    lasted = (record.ended_at - record.opened_at).total_seconds()
    if lasted < 0:
        yield f"lasted {lasted:.3f} s"
    for message in story.messages:
        shown = message.versions[-1].lasted
        if shown is None or abs(shown - lasted) > (0.06 if lasted < 60 else 1.0):
            yield f"lasted {lasted:.1f} s and the card says {shown}"
