"""Before the context fills: what was said so far is told anew in one message, old results by name.

A model's thinking is bound to what stood before it, so no single old message may change. A fold
tells all of them in the first message instead: the incident as it was, then each turn with its
calls; the newest results whole, old ones as a line that says how to see them again; when that is
not enough, of the oldest turns the calls alone. It is a function of the record and the verbatim
transcript, noted in the record and changed seldom, so the prefix is the same on every replica and
grows again from there. Quotes are checked against what is stored: nothing that evidence names is
lost.
"""

import json
from collections.abc import Iterator, Sequence

from bus.events import Value
from bus.record import Call, Record
from services.reasoner.budget import BYTES_PER_TOKEN, COST_OF_TURN, TurnCost
from services.reasoner.transcript import Block, Message, marked, text_block, user_message

FOLDED = "folded"
"""Note in the record: the `Fold` that holds, as JSON."""
PROMPT = "prompt"
"""Note in the record: hashes of tools and system of the last request that was answered."""
PROMPT_VERSION = "prompt_version"
"""Note in the record: the version of the texts in it."""
PROMPT_BYTES = "prompt_bytes"
"""Note in the record: size of that request."""
MOST_SHARE, GOAL_SHARE = 0.6, 0.35
"""Above the first share of the context window it is folded, to the second: so seldom."""
BRIEF = 100
"""Characters of a call's arguments in a turn of which only the calls are told."""
SHORT = 400
"""Characters of a result that is not worth clearing."""
WORDS = 600
"""Characters that are kept of what the model said in a turn."""
MEANWHILE = "Meanwhile:\n"
"""How a text about updates begins."""
FULL = "context window"
"""Why an investigation concludes whose prompt was refused for its length."""
HEAD = (
    "Your work so far, told again because the context was filling up. Results that are not shown "
    "are stored: read_result shows them again, and they can be quoted."
)


class Fold(Value):
    """Which messages are told in one, and how much of each turn."""

    messages: int
    """So many of the transcript, up to the message of the turn in which it was folded."""
    shown_from: int = 1
    """Results of turns before this one are cleared."""
    brief_until: int = 0
    """Of turns up to this one only the calls are told."""


def fold_of(record: Record) -> Fold | None:
    """The fold that the record notes."""
    noted = record.notes.get(FOLDED)
    return Fold.model_validate_json(noted) if noted else None


def told(messages: Sequence[Message], record: Record) -> tuple[Message, ...]:
    """The messages as they are sent, by the fold that the record notes."""
    return _told(messages, record, fold=fold_of(record))


def _told(messages: Sequence[Message], record: Record, *, fold: Fold | None) -> tuple[Message, ...]:
    if fold is None or fold.messages < 3 or len(messages) < fold.messages:
        return tuple(messages)
    blocks = [*_blocks(messages[0]), text_block(HEAD)]
    blocks += [text_block(text) for text in _turns(messages, record, fold=fold)]
    last = _blocks(messages[fold.messages - 1])
    ours = [block for block in last if block["type"] == "text" and not _is_update(block)]
    return (user_message([*blocks, *ours]), *messages[fold.messages :])


def due_fold(
    record: Record, messages: Sequence[Message], *, prompt: str, size: int, window: int
) -> Fold | None:
    """The fold that this turn needs before it is asked; None when the request may go as it is.

    `size`: bytes of the request. Folded is what grows too long for the window, and what was thought
    after another prompt, since that would be refused. Never twice for the same turn.
    """
    holds = fold_of(record) or Fold(messages=0)
    if len(messages) < 3 or holds.messages == len(messages):
        return None
    if record.concluding == FULL and not record.refused_once:
        return smaller(record, messages, size=size)
    if tokens_of(record, size) > MOST_SHARE * window:
        fixed, whole = size - size_of(told(messages, record)), window * _bytes_per_token(record)
        goal, most = (share * whole - fixed for share in (GOAL_SHARE, MOST_SHARE))
        return _smallest(messages, record, goal=goal, most=most)
    if record.notes.get(PROMPT, prompt) != prompt and _thinks(messages[holds.messages :]):
        return holds.model_copy(update={"messages": len(messages)})
    return None


def smaller(record: Record, messages: Sequence[Message], *, size: int) -> Fold | None:
    """The fold to try after a request of `size` bytes was refused for its length.

    First half of that, whatever window the settings name; after a fold in the same turn the least
    that can be told. None when that was told.
    """
    holds, newest = fold_of(record), len(messages) // 2
    least = Fold(messages=len(messages), shown_from=newest + 1, brief_until=newest - 1)
    if len(messages) < 3 or holds == least:
        return None
    if holds and holds.messages == len(messages):
        return least
    half = size / 2 - (size - size_of(told(messages, record)))
    return _smallest(messages, record, goal=half, most=half)


def tokens_of(record: Record, size: int) -> int:
    """About so many tokens are that many bytes, as the last reply's bill tells."""
    return int(size / _bytes_per_token(record))


def size_of(parts: object) -> int:
    """Bytes of messages, or of other parts of a request."""
    return len(json.dumps(parts, ensure_ascii=False).encode())


def _bytes_per_token(record: Record) -> float:
    cost = record.notes.get(f"{COST_OF_TURN}{record.turn - 1}")
    billed = TurnCost.model_validate_json(cost).usage.prompt_tokens if cost else 0
    asked = int(record.notes.get(PROMPT_BYTES, "0"))
    return min(max(asked / billed, 2.0), 4.5) if billed and asked else BYTES_PER_TOKEN


def _smallest(messages: Sequence[Message], record: Record, *, goal: float, most: float) -> Fold:
    """The fold that takes away least and reaches the goal.

    Where none does, the one that takes away most, and the newest results stay if that is within
    `most` bytes.
    """
    holds, newest = fold_of(record) or Fold(messages=0), len(messages) // 2
    steps = [
        *((shown, holds.brief_until) for shown in range(holds.shown_from, newest + 1)),
        *((newest, brief) for brief in range(holds.brief_until + 1, newest)),
    ]
    folds = [
        Fold(messages=len(messages), shown_from=shown, brief_until=brief) for shown, brief in steps
    ]
    low, high = 0, len(folds) - 1
    while low < high:
        middle = (low + high) // 2
        if size_of(_told(messages, record, fold=folds[middle])) <= goal:
            high = middle
        else:
            low = middle + 1
    if low == len(folds) - 1 and size_of(_told(messages, record, fold=folds[low])) > most:
        return folds[low].model_copy(update={"shown_from": newest + 1})
    return folds[low]


def _turns(messages: Sequence[Message], record: Record, *, fold: Fold) -> Iterator[str]:
    """Each turn as text."""
    calls: dict[str, list[Call]] = {}
    for call in record.calls:
        calls.setdefault(call.tool_call_id.split("-")[0], []).append(call)
    for turn in range(1, fold.messages // 2 + 1):
        said, answers = _blocks(messages[2 * turn - 1]), _blocks(messages[2 * turn])
        uses = [block for block in said if block["type"] == "tool_use"]
        results = [str(block["content"]) for block in answers if block["type"] == "tool_result"]
        asked = zip(calls.get(str(turn), ()), uses, results, strict=False)
        lines = [f"Turn {turn}."]
        words = _words(said) if turn > fold.brief_until else ""
        if words:
            lines.append(marked(words, f"words-{turn}", nonce=record.nonce, kind="data"))
        for call, use, text in asked:
            arguments = json.dumps(use.get("input"), ensure_ascii=False)
            if turn <= fold.brief_until:
                lines.append(f"{call.tool_call_id}: {call.tool} {arguments[:BRIEF]}")
                continue
            lines.append(f"call {call.tool_call_id}: {call.tool} {arguments[:SHORT]}")
            shown = turn >= fold.shown_from or len(text) <= SHORT
            lines.append(text if shown else _reference(call))
        updates = (str(block["text"]) for block in answers if _is_update(block))
        yield "\n".join([*lines, *updates])


def _reference(call: Call) -> str:
    call_id = call.tool_call_id
    if call.tool == "read_result":
        return f"page {call_id} was cleared; ask for it again where you need it"
    return f"result {call_id} was cleared; read_result({call_id}) shows it again"


def _words(said: Sequence[Block]) -> str:
    words = [str(block.get("text") or block.get("thinking") or "") for block in said]
    return "\n".join(text.strip()[:WORDS] for text in words if text.strip())[:WORDS]


def _blocks(message: Message) -> list[Block]:
    content = message["content"]
    return content if isinstance(content, list) else []


def _is_update(block: Block) -> bool:
    return block["type"] == "text" and str(block["text"]).startswith(MEANWHILE)


def _thinks(messages: Sequence[Message]) -> bool:
    kinds = {block["type"] for message in messages for block in _blocks(message)}
    return bool(kinds & {"thinking", "redacted_thinking"})
