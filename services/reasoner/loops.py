"""Going in circles: the same calls, the same failures or the same words, turn after turn.

What is found depends on the record and its transcript alone, so every replica finds
the same. The thresholds are those of docs/limits.md, which says where they are from.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bus.record import Call, Record
from services.reasoner.budget import NOT_RUN
from services.reasoner.transcript import MARK, Block, Message

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
"""Turns in a row with the same text that bring no new answer."""
SAME_WORDS_WITH_NEWS = 6
"""The same where the answers are new: somebody who works through a list may say the same."""
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


def circle_in(record: Record, messages: Sequence[Message]) -> str:
    """What shows that the turns before the due one go in circles, in words; empty if nothing.

    `messages`: the transcript verbatim, and the due turn's own message, which has the last answers.
    """
    return circle(steps(record, messages))


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
    for turns in (SAME_WORDS, SAME_WORDS_WITH_NEWS):
        last = taken[-turns:]
        news = len({step.answers for step in last if step.answers}) > 1
        patient = turns == SAME_WORDS_WITH_NEWS or not news
        if len(last) == turns and patient and _says_the_same(last):
            return f"the same words in {turns} turns in a row"
    return ""


def _says_the_same(taken: Sequence[Step]) -> bool:
    words = {step.text for step in taken}
    return len(words) == 1 and len(min(words)) >= LEAST_WORDS


def steps(record: Record, messages: Sequence[Message]) -> tuple[Step, ...]:
    """The last turns before the due one, oldest first."""
    replies = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    replies = replies[-LOOK_BACK:]
    first = record.turn - len(replies)
    return tuple(
        _step(_blocks(messages[at]), _answers(messages[at + 1 :]), calls=record.calls_of(first + k))
        for k, at in enumerate(replies)
    )


def _step(blocks: Sequence[Block], answers: Mapping[str, str], *, calls: Sequence[Call]) -> Step:
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    words = [str(block.get("text", "")) for block in blocks if block.get("type") == "text"]
    counted = [call for call in calls if call.sentence != NOT_RUN]
    return Step(
        calls=frozenset(_canonical(use) for use in uses),
        answers=frozenset(_answer(call, answers) for call in counted),
        failed=bool(counted) and all(call.state == "error" for call in counted),
        text=" ".join(" ".join(words).split()),
    )


def _answers(after: Sequence[Message]) -> dict[str, str]:
    """What the message behind a reply answers to its calls, by their `tool_use` ids."""
    blocks = _blocks(after[0]) if after else ()
    told = [block for block in blocks if block.get("type") == "tool_result"]
    return {str(block["tool_use_id"]): str(block.get("content", "")) for block in told}


def _answer(call: Call, answers: Mapping[str, str]) -> str:
    """An answer without its markers and the id of its call, which are others each time."""
    text = answers.get(call.tool_use_id, call.sentence)
    if text.startswith(MARK):
        text = "\n".join(text.split("\n")[1:-1])
    return text.replace(call.tool_call_id, "")


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
