"""Going in circles: the same calls, the same failures or the same words, turn after turn.

What is found depends on the record, its transcript and its results alone, so every replica finds
the same. The thresholds are those of docs/limits.md, which says where they are from.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bus.record import Call, Record
from services.reasoner.budget import NOT_RUN
from services.reasoner.transcript import Block, Message

CIRCLES = "going in circles"
"""Reason to conclude."""
NUDGED = "nudged"
"""Note in the record: the turn whose message said so, and what was found."""
SAME_ANSWERS = {1: 3, 2: 2, 3: 2}
"""Rounds of so many turns that ask the same and are told the same."""
ANY_ANSWERS = {1: 5, 2: 3}
"""The same where the answers change, as they do for somebody who waits for something."""
FAILING = 3
"""Turns in a row in which no call got a result."""
SAME_WORDS = 3
"""Turns in a row with the same text."""
LEAST_WORDS = 40
"""Characters of a text that counts; shorter ones are figures of speech."""
LOOK_BACK = 6
"""Turns that are looked at: as many as the longest pattern has."""


@dataclass(frozen=True)
class Step:
    """One turn: the calls it asked for, whatever their order, how they were answered, its words."""

    calls: frozenset[str]
    answers: frozenset[str]
    failed: bool
    text: str


def circle_in(record: Record, transcript: Sequence[Message], *, shown: Mapping[str, str]) -> str:
    """What shows that the turns before the due one go in circles, in words; empty if nothing."""
    return circle(steps(record, transcript, shown=shown))


def nudged_in(record: Record) -> tuple[int, str]:
    """The turn whose message told the model that it goes in circles, and how; (0, "") if none."""
    turn, _, what = record.notes.get(NUDGED, "0 ").partition(" ")
    return int(turn), what


def nudge(turn: int, what: str) -> dict[str, str]:
    """The note of a nudge; the one that `nudged_in` reads."""
    return {NUDGED: f"{turn} {what}"}


def circle(taken: Sequence[Step]) -> str:
    """The pattern at the end of those steps, in words; empty where there is none."""
    for period, rounds in SAME_ANSWERS.items():
        if _repeats([(step.calls, step.answers) for step in taken], period=period, rounds=rounds):
            return f"{_calls_of(period)} and the same answers, {rounds} times in a row"
    for period, rounds in ANY_ANSWERS.items():
        if _repeats([(step.calls, frozenset()) for step in taken], period=period, rounds=rounds):
            return f"{_calls_of(period)}, {rounds} times in a row"
    if len(taken) >= FAILING and all(step.failed for step in taken[-FAILING:]):
        return f"no call got a result in {FAILING} turns in a row"
    words = {step.text for step in taken[-SAME_WORDS:]}
    if len(taken) >= SAME_WORDS and len(words) == 1 and len(min(words)) >= LEAST_WORDS:
        return f"the same words in {SAME_WORDS} turns in a row"
    return ""


def steps(
    record: Record, transcript: Sequence[Message], *, shown: Mapping[str, str]
) -> tuple[Step, ...]:
    """The last turns before the due one, oldest first."""
    replies = [message for message in transcript if message["role"] == "assistant"][-LOOK_BACK:]
    first = record.turn - len(replies)
    return tuple(
        _step(_blocks(reply), record.calls_of(first + k), shown=shown)
        for k, reply in enumerate(replies)
    )


def _step(blocks: Sequence[Block], calls: Sequence[Call], *, shown: Mapping[str, str]) -> Step:
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    words = [str(block.get("text", "")) for block in blocks if block.get("type") == "text"]
    counted = [call for call in calls if call.sentence != NOT_RUN]
    return Step(
        calls=frozenset(_canonical(use) for use in uses),
        answers=frozenset(_answer(call, shown) for call in counted),
        failed=bool(counted) and all(call.state == "error" for call in counted),
        text=" ".join(" ".join(words).split()),
    )


def _answer(call: Call, shown: Mapping[str, str]) -> str:
    """An answer without the id of its call, which is another each time."""
    return (call.sentence or shown.get(call.tool_call_id, "")).replace(call.tool_call_id, "")


def _canonical(use: Block) -> str:
    return f"{use.get('name')} {json.dumps(use.get('input'), sort_keys=True)}"


def _blocks(message: Message) -> Sequence[Block]:
    content = message["content"]
    return content if isinstance(content, list) else []


def _repeats(
    taken: Sequence[tuple[frozenset[str], frozenset[str]]], *, period: int, rounds: int
) -> bool:
    """Whether the last turns are one round of that many turns, again and again; all with calls."""
    last = taken[-period * rounds :]
    if len(last) < period * rounds or not all(calls for calls, _ in last):
        return False
    return all(last[at] == last[at % period] for at in range(len(last)))


def _calls_of(period: int) -> str:
    return "the same calls" if period == 1 else f"the same {period} sets of calls in turn"
