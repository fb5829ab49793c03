"""What stands in Redis between two steps, in one round trip, and what must always hold of it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bus.connection import as_text
from bus.streams import (
    DIAGNOSES,
    INCIDENTS,
    STOPS,
    TOOL_CALLS,
    TOOL_RESULTS,
    TURNS,
    UPDATES,
    Keys,
    Stream,
)
from tests.chaos.schedules.wire import Wire, Word

READ = (INCIDENTS, TURNS, TOOL_CALLS, TOOL_RESULTS, UPDATES)
SEEN = (*READ, DIAGNOSES, STOPS)
GROUPS: tuple[tuple[Stream, str], ...] = (
    (INCIDENTS, "reasoner"),
    (INCIDENTS, "notifier"),
    (TURNS, "reasoner"),
    (TOOL_CALLS, "toolrunner"),
    (TOOL_RESULTS, "reasoner"),
    (UPDATES, "reasoner"),
)
"""What is read in a schedule; nobody is there to write to Slack."""

SURVEY = """
-- ARGV 1 prefix  2 streams (count)  3 groups (count)  4 investigations (count)
--      then name and last id seen of each stream, stream and group of each group,
--      id and messages seen of each investigation
local prefix, at = ARGV[1], 5
local new, pending, records = {}, {}, {}
for i = 1, tonumber(ARGV[2]) do
  new[i] = redis.call('XRANGE', prefix .. ARGV[at], '(' .. ARGV[at + 1], '+')
  at = at + 2
end
for i = 1, tonumber(ARGV[3]) do
  pending[i] = redis.call('XPENDING', prefix .. ARGV[at], ARGV[at + 1], '-', '+', 200)
  at = at + 2
end
for i = 1, tonumber(ARGV[4]) do
  local key = prefix .. ARGV[at]
  records[i] = {
    redis.call('HMGET', key .. ':record', 'version', 'state', 'turn', 'calls', 'spend', 'outcome'),
    redis.call('LRANGE', key .. ':transcript', ARGV[at + 1], -1),
  }
  at = at + 2
end
return {new, pending, records}
"""


class Violation(AssertionError):
    """What must always hold does not hold, after the steps that the text tells."""

    def __init__(self, text: str, *, schedules: int = 0) -> None:
        super().__init__(text)
        self.schedules = schedules
        """How many schedules it took to see it."""


@dataclass(frozen=True)
class Seen:
    """One entry of a stream."""

    entry_id: str
    event: str
    values: dict[str, Any]


@dataclass(frozen=True)
class View:
    """A record, as far as the rules below speak of it."""

    version: int
    state: str
    turn: int
    calls: tuple[dict[str, str], ...]
    model_calls: int
    input_tokens: int
    outcome: str


@dataclass
class Survey:
    """Everything that was seen under one prefix so far."""

    wire: Wire
    keys: Keys
    investigations: list[str] = field(default_factory=list)
    entries: dict[str, list[Seen]] = field(default_factory=lambda: {s.name: [] for s in SEEN})
    delivered: dict[tuple[str, str], int] = field(
        default_factory=lambda: {(stream.name, group): 0 for stream, group in GROUPS}
    )
    pending: dict[tuple[str, str], list[tuple[str, str]]] = field(
        default_factory=lambda: {(stream.name, group): [] for stream, group in GROUPS}
    )
    """Entry and consumer."""
    views: dict[str, View] = field(default_factory=dict)
    transcripts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sha = self.wire.load(SURVEY)

    def unread(self, stream: Stream, group: str) -> int:
        """Entries that the group has not been given yet."""
        return len(self.entries[stream.name]) - self.delivered[stream.name, group]

    def owned(self, stream: Stream, group: str) -> list[Seen]:
        """Entries of which the group still has work: undelivered or pending."""
        pending = {entry_id for entry_id, _ in self.pending[stream.name, group]}
        read = self.delivered[stream.name, group]
        entries = self.entries[stream.name]
        return entries[read:] + [seen for seen in entries[:read] if seen.entry_id in pending]

    def question(self) -> Sequence[Word]:
        """The command that asks Redis for what is new."""
        question: list[Word] = ["EVALSHA", self._sha, 0, self.keys.prefix]
        question += [len(SEEN), len(GROUPS), len(self.investigations)]
        for stream in SEEN:
            seen = self.entries[stream.name]
            question += [stream.name, seen[-1].entry_id if seen else "0-0"]
        for stream, group in GROUPS:
            question += [stream.name, group]
        for inv in self.investigations:
            question += [inv, len(self.transcripts.setdefault(inv, []))]
        return question

    def read(self, answer: Any) -> Iterator[str]:
        """Take the answer in; whatever is wrong with what is new, in words."""
        new, pending, records = answer
        for stream, rows in zip(SEEN, new, strict=True):
            self.entries[stream.name] += [_seen(row) for row in rows]
        for (stream, group), rows in zip(GROUPS, pending, strict=True):
            owners = [(as_text(row[0]), as_text(row[1])) for row in rows]
            self.pending[stream.name, group] = owners
        for inv, (fields, messages) in zip(self.investigations, records, strict=True):
            self.transcripts[inv] += [json.loads(message) for message in messages]
            if fields[0] is not None:
                yield from self._moved(inv, _view(fields))

    def _moved(self, inv: str, view: View) -> Iterator[str]:
        before = self.views.get(inv)
        self.views[inv] = view
        if before is not None and view != before:
            yield from growth(before, view)
        yield from self._outbox(inv, view)
        if view.state != "ended":
            yield from self._ownership(inv, view)
        if before is None or view.version != before.version:
            yield from story(view, self.transcripts[inv])

    def _outbox(self, inv: str, view: View) -> Iterator[str]:
        """State and events are one: each due turn was announced once, each end once."""
        turns = [seen.values["turn"] for seen in self._of(TURNS, inv)]
        if sorted(turns) != list(range(1, view.turn + 1)):
            yield f"turn {view.turn} stands, and TurnDue was sent for {turns}"
        ends = [seen.values["outcome"] for seen in self._of(DIAGNOSES, inv)]
        if ends != ([view.outcome] if view.state == "ended" else []):
            yield f"the record is {view.state} ({view.outcome}), and DiagnosisReached says {ends}"
        if len(self._of(STOPS, inv)) > (view.state == "ended"):
            yield "StopRequested was sent more than once, or before the end"

    def _ownership(self, inv: str, view: View) -> Iterator[str]:
        """Every open piece of work stands in an entry that somebody has or will get."""
        turns = [seen for seen in self.owned(TURNS, "reasoner") if _is(seen, inv, turn=view.turn)]
        if view.state == "turn_due" and len(turns) != 1:
            yield f"turn {view.turn} is due and {len(turns)} entries own it"
        open_calls = [call["tool_call_id"] for call in view.calls if call["state"] == "open"]
        if bool(open_calls) != (view.state == "awaiting_tools"):
            yield f"the record is {view.state}, and open are {open_calls}"
        for call_id in open_calls:
            owners = [*self.owned(TOOL_CALLS, "toolrunner"), *self.owned(TOOL_RESULTS, "reasoner")]
            if not any(_is(seen, inv, tool_call_id=call_id) for seen in owners):
                yield f"call {call_id} is open, and neither a request nor a result is under way"

    def _of(self, stream: Stream, inv: str) -> list[Seen]:
        return [seen for seen in self.entries[stream.name] if _is(seen, inv)]


def growth(before: View, view: View) -> Iterator[str]:
    """How a record may move."""
    if view.version <= before.version:
        yield f"version went from {before.version} to {view.version}"
    if before.state == "ended" and replace(view, version=before.version) != before:
        yield f"the record moved on after its end: {before} became {view}"
    if view.turn not in (before.turn, before.turn + 1):
        yield f"turn went from {before.turn} to {view.turn}"
    for old, new in zip(before.calls, view.calls, strict=False):
        if old["state"] != "open" and old != new:
            yield f"a closed call changed: {old} became {new}"
    if len(view.calls) < len(before.calls):
        yield "calls were forgotten"


def story(view: View, transcript: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What was said fits the turn, what was spent fits what was said, and the API would take it."""
    replies = sum(message["role"] == "assistant" for message in transcript)
    allowed = {
        "turn_due": (view.turn - 1,),
        "awaiting_tools": (view.turn,),
        "ended": (view.turn - 1, view.turn),
    }[view.state]
    if replies not in allowed:
        yield f"turn {view.turn} is {view.state}, and {replies} replies were committed"
    if view.model_calls != replies or view.input_tokens != sum(map(billed, transcript)):
        yield f"{view.model_calls} calls and {view.input_tokens} tokens for {replies} replies"
    yield from invalid(transcript)


def invalid(messages: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What the Messages API would refuse in a conversation."""
    asked: list[str] = []
    for at, message in enumerate(messages):
        blocks = message["content"]
        if message["role"] != ("assistant" if at % 2 else "user"):
            yield f"message {at} is by the {message['role']}"
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        first = [block["type"] == "tool_result" for block in blocks[: len(results)]]
        if message["role"] == "user" and (results != asked or not all(first)):
            yield f"message {at} answers {results}, asked were {asked}"
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"]


def billed(message: dict[str, Any]) -> int:
    """Input tokens of a reply of the schedule's model: it says them itself."""
    first = message["content"][0]
    return int(first["text"].split()[-1]) if message["role"] == "assistant" else 0


def _is(seen: Seen, inv: str, **values: object) -> bool:
    return seen.values.get("investigation_id") == inv and all(
        seen.values.get(name) == value for name, value in values.items()
    )


def _seen(row: Any) -> Seen:
    fields = row[1]
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    return Seen(as_text(row[0]), as_text(named[b"event"]), json.loads(named[b"data"]))


def _view(fields: Sequence[bytes]) -> View:
    version, state, turn, calls, spend, outcome = fields
    spent = json.loads(spend)
    return View(
        version=int(version),
        state=as_text(state),
        turn=int(turn),
        calls=tuple(json.loads(calls)),
        model_calls=spent["model_calls"],
        input_tokens=spent["input_tokens"],
        outcome=as_text(outcome),
    )
