"""One incident's part of the evidence, and its timeline with all sources merged by time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tests.chaos.evidence import Asked, Entry, Evidence, Fault, Message, Note

SKEW_SECONDS = 0.01
"""Redis tells milliseconds, so two sources may differ by that much about one moment."""
SHOWN = 400
"""Most lines of a timeline; a story longer than this is cut in the middle."""
LATER_SECONDS = 5.0
"""Faults up to this long after an incident's last line belong to its timeline."""


@dataclass
class Story:
    """What is known of one incident, in the order of time."""

    incident: str
    entries: list[Entry] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def of(self, event: str) -> list[Entry]:
        """Its entries of that kind."""
        return [entry for entry in self.entries if entry.event == event]

    @property
    def accepted_at(self) -> float | None:
        """When its first entry was appended to `incidents`."""
        opened = self.of("IncidentOpened")
        return opened[0].at if opened else None

    @property
    def outcomes(self) -> list[Entry]:
        """Its entries on `diagnoses`."""
        return self.of("DiagnosisReached")

    @property
    def signals(self) -> list[Entry]:
        """Its stop signals."""
        return self.of("InvestigationStopped")

    @property
    def outcome(self) -> str:
        """The outcome of its first entry on `diagnoses`, or nothing."""
        return str(self.outcomes[0].values.get("outcome", "")) if self.outcomes else ""

    def first_said(self, outcome: str) -> float | None:
        """When a message of it first showed that outcome."""
        times = [
            version.at
            for message in self.messages
            for version in message.versions
            if version.says == outcome
        ]
        return min(times) if times else None

    def longest_pause(self) -> float:
        """Most seconds between two of its moments, from acceptance to outcome."""
        if self.accepted_at is None or not self.outcomes:
            return 0.0
        ended_at = self.outcomes[0].at
        moments = [entry.at for entry in self.entries]
        moments += [at for one in self.asked for at in (one.at, one.answered_at)]
        lived = sorted(at for at in moments if self.accepted_at <= at <= ended_at)
        return max((later - before for before, later in pairwise(lived)), default=0.0)

    def model_calls(self) -> list[Asked]:
        """What the model was asked for it and answered."""
        return [one for one in self.asked if one.stand_in == "model"]

    def tool_requests(self) -> list[Asked]:
        """What was asked for one of its tool calls, as far as that can be told."""
        return [one for one in self.asked if one.stand_in in ("kubernetes", "github") and one.call]


def stories_of(evidence: Evidence) -> dict[str, Story]:
    """A story for every incident that anything is known of."""
    found: dict[str, Story] = {}

    def story(incident: str) -> Story:
        return found.setdefault(incident, Story(incident))

    for entry in sorted(evidence.entries, key=lambda entry: entry.at):
        story(entry.incident).entries.append(entry)
    for one in sorted(evidence.asked, key=lambda one: one.at):
        story(one.incident).asked.append(one)
    for message in evidence.messages:
        story(message.incident).messages.append(message)
    for note in evidence.notes:
        story(note.incident).notes.append(note)
    found.pop("", None)
    return found


def repeats(asked: list[Asked]) -> list[tuple[Asked, Asked]]:
    """Requests that were made again, each with the one before it; refused ones do not count."""
    return [pair for made in repeated_requests(asked) for pair in pairwise(made)]


def repeated_requests(asked: list[Asked]) -> list[list[Asked]]:
    """All requests of each call that was made more than once, in the order of time."""
    by_name: dict[object, list[Asked]] = {}
    for one in asked:
        if one.status < 400 or one.stand_in != "model":
            name = (one.stand_in, one.incident, one.call, bool(one.facts.get("concludes")))
            by_name.setdefault(name, []).append(one)
    series = (sorted(made, key=lambda one: one.at) for made in by_name.values())
    return [made for made in series if len(made) > 1]


def called_again(story: Story) -> Iterator[tuple[Asked, float]]:
    """Every tool request that was made after its call's result was committed: how long after."""
    told_at: dict[str, float] = {}
    for entry in story.of("ToolCallFinished"):
        told_at.setdefault(entry.call, entry.at)
    for one in story.tool_requests():
        after = one.at - told_at.get(one.call, one.at)
        if after > SKEW_SECONDS:
            yield one, after


def timeline(evidence: Evidence, incident: str) -> str:
    """Every line about an incident and what was done meanwhile, `+seconds source what`."""
    story = stories_of(evidence).get(incident, Story(incident))
    lines = [*_of_streams(story.entries), *_of_requests(story.asked), *_of_slack(story.messages)]
    lines += [(note.at, note.source, note.text) for note in story.notes]
    if not lines:
        return f"{incident}: nothing is known of it"
    begin, end = min(lines)[0], max(lines)[0] + LATER_SECONDS
    lines += _of_faults(evidence.faults, begin, end)
    lines += [
        (note.at, note.source, note.text)
        for note in evidence.notes
        if not note.incident and begin <= note.at <= end
    ]
    lines.sort()
    told = [f"{at - begin:+9.3f}  {source:<12} {what}" for at, source, what in lines]
    if len(told) > SHOWN:
        told[SHOWN // 2 : -SHOWN // 2] = [f"… {len(told) - SHOWN} more lines"]
    return "\n".join([f"{incident}, from {begin:.3f}:", *told])


Line = tuple[float, str, str]


def _of_streams(entries: Iterable[Entry]) -> list[Line]:
    return [(entry.at, entry.stream, f"{entry.event} {_facts(entry)}") for entry in entries]


def _facts(entry: Entry) -> str:
    left_out = ("investigation_id", "arguments", "alarm", "fields", "arguments_sha256")
    values = entry.values.items()
    return " ".join(f"{name}={str(value)[:80]}" for name, value in values if name not in left_out)


def _of_requests(asked: Iterable[Asked]) -> list[Line]:
    lines = []
    for one in asked:
        seconds = one.answered_at - one.at
        took = f" after {seconds:.3f} s" if seconds >= 0.001 else ""
        about = f" call {one.call}" if one.call else ""
        if one.stand_in == "model":
            about = f" with {one.call} messages"
            about += ", to conclude" if one.facts.get("concludes") else ""
        lines.append((one.at, one.stand_in, f"{one.request}{about}: {one.status}{took}"))
    return lines


def _of_slack(messages: Iterable[Message]) -> list[Line]:
    return [
        (version.at, "slack card", f"{message.ts} says {version.says or '?'}: {version.text[:80]}")
        for message in messages
        for version in message.versions
    ]


def _of_faults(faults: Iterable[Fault], begin: float, end: float) -> list[Line]:
    lines: list[Line] = []
    for fault in faults:
        if fault.until < begin or fault.at > end:
            continue
        lines.append((fault.at, "FAULT", f"{fault.service}: {fault.what}"))
        if fault.until > fault.at:
            lines.append((fault.until, "FAULT", f"{fault.service}: {fault.what} is over"))
    return lines
