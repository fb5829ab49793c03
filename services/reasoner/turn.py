"""One turn's request, from the record, its transcript and its results: the same bytes everywhere.

Order for the prompt cache: tools, system, the incident, history, and last the one new message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from string import Template

from bus.errors import NotConfigured
from bus.events import InvestigationId, Value
from bus.record import Call, Record, Update
from services.reasoner import budget, caching, folding, loops
from services.reasoner.budget import Limits, Size
from services.reasoner.caching import Before, Prefix
from services.reasoner.first_message import incident_text
from services.reasoner.folding import Fold
from services.reasoner.transcript import (
    Block,
    Message,
    marked,
    result_block,
    text_block,
    user_message,
)

SAY = "say_next"
"""Note in the record: name of the text that the next message holds, such as `reminder`."""
LOST = "not available: the result was lost"


class Texts(Value):
    """The texts that we write to the model, one file each; `version` names them all."""

    version: str
    system: str
    conclude: str
    reminder: str
    cut_off: str
    go_on: str
    circles: str
    second_look: str

    def say(self, name: str) -> str:
        """A text by the name under which the record notes it."""
        return {"reminder": self.reminder, "cut_off": self.cut_off, "go_on": self.go_on}[name]

    def nudge(self, what: str) -> str:
        """What a model is told that goes in circles. Raises NotConfigured as `conclusion` does."""
        try:
            return Template(self.circles).substitute(what=what)
        except (KeyError, ValueError) as error:
            raise NotConfigured(f"prompts/circles.md: unknown variable {error}") from None

    def conclusion(self, why: str) -> str:
        """The one text of a conclude turn. Raises NotConfigured for an unknown variable."""
        try:
            return Template(self.conclude).substitute(
                why=_REASONS.get(why, f"limit reached: {why}")
            )
        except (KeyError, ValueError) as error:
            raise NotConfigured(f"prompts/conclude.md: unknown variable {error}") from None


_REASONS = {
    "deadline": "the deadline is near",
    "recovered": "the alarm has recovered, so finish small",
    "context window": "the context window is full",
    loops.CIRCLES: "you are going in circles",
}


@dataclass(frozen=True)
class Seen:
    """What a request is built from besides the record."""

    transcript: Sequence[Message]
    shown: Mapping[str, str]
    """What the model gets to see of each stored result, by call id."""
    tools: tuple[Block, ...]
    """The pinned catalogue, and `submit_diagnosis` last."""
    services: str = ""
    """The service catalogue."""
    earlier: str = ""
    """What earlier investigations of the problem concluded; only the first turn tells it."""
    rollouts: Mapping[str, str] = field(default_factory=dict)
    """Recent roll-outs (`text`) and when they were looked up (`at`); told with it."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, complete but for model and sampling."""

    investigation_id: InvestigationId
    turn: int
    concludes: bool
    system: str
    tools: tuple[Block, ...]
    history: tuple[Message, ...]
    message: Message
    """The user message that is new in this turn; the turn's commit appends it."""
    updates_shown: int
    services: str = ""
    record: Record | None = None
    """Where a `Fold` is noted, by which older messages are told anew."""
    hour: bool = False
    """Tools and system are held in the cache for an hour."""
    version: str = ""
    texts: str = ""
    """Hash of all our texts, those of later turns too."""
    before: Before | None = None
    """What the turn before says about the cache."""

    @property
    def kept(self) -> tuple[Message, ...]:
        """All messages verbatim, as the transcript keeps them once the turn is committed."""
        return (*self.history, self.message)

    @property
    def is_torn(self) -> bool:
        """Whether others went on between the reading of record and transcript.

        Each turn's commit appends its message and the reply to it.
        """
        return len(self.history) != 2 * (self.turn - 1)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """What is sent after tools and system: see `folding`."""
        return folding.told(self.kept, self.record) if self.record else self.kept

    @cached_property
    def prefix(self) -> Prefix:
        """Tools and system."""
        return caching.known(Prefix(self.tools, (self.system, self.services)))

    @property
    def prompt(self) -> str:
        """Hashes of tools and system."""
        return self.prefix.hashes

    @cached_property
    def prompt_bytes(self) -> int:
        """Size of everything the model reads."""
        return self.prefix.size + len(", ") + folding.size_of(self.messages)

    def size(self, bytes_per_token: float) -> Size:
        """The same, with the part that is held for an hour, for the worst case."""
        return Size(
            hour_bytes=self.prefix.size if self.hour else 0,
            prompt_bytes=self.prompt_bytes,
            bytes_per_token=bytes_per_token,
        )

    def saying(self, words: Sequence[str]) -> "Request":
        """The request with those texts at its end."""
        content = self.message["content"]
        blocks: list[Block] = content if isinstance(content, list) else []
        added = [text_block(text) for text in words]
        return replace(self, message=user_message([*blocks, *added])) if words else self

    @property
    def notes(self) -> dict[str, str]:
        """What the next turn needs to know about this request, for the record."""
        return {
            folding.PROMPT: self.prompt,
            folding.PROMPT_VERSION: self.version,
            folding.PROMPT_BYTES: str(self.prompt_bytes),
            caching.CACHE_HOUR: "1h" if self.hour else "5m",
        }

    def due_fold(self, window: int) -> Fold | None:
        """The fold that must be noted first, so that the request fits that window; or None."""
        if self.record is None:
            return None
        size = self.prompt_bytes
        return folding.due_fold(
            self.record, self.kept, prompt=self.prompt, size=size, window=window
        )

    def smaller_fold(self) -> Fold | None:
        """The fold to try after this request was too long; None when nothing more can go."""
        return (
            folding.smaller(self.record, self.kept, size=self.prompt_bytes) if self.record else None
        )

    def body(self) -> dict[str, object]:
        """Tools, system, messages; cache marks on tools, system, incident and the end."""
        first = self.kept[0]["content"]
        opening = len(first) if isinstance(first, list) else 1
        return caching.with_marks(
            self.tools, self.prefix.system, messages=self.messages, opening=opening, hour=self.hour
        )


def build(record: Record, seen: Seen, *, texts: Texts, limits: Limits) -> Request:
    """The request of the record's due turn."""
    blocks: list[Block]
    if seen.transcript:
        blocks = [
            _answer(call, seen.shown.get(call.tool_call_id), nonce=record.nonce)
            for call in record.calls_of(record.turn - 1)
        ]
    else:
        blocks = [_opening(record, seen, limits=limits)]
    fresh = record.updates[record.updates_shown :]
    if fresh:
        blocks.append(text_block(_updates_text(fresh, record)))
    said = record.notes.get(SAY)
    if record.concluding:
        blocks += [text_block(texts.say(said))] if said == "cut_off" else []
        blocks.append(text_block(texts.conclusion(record.concluding)))
    else:
        blocks += [text_block(texts.say(said))] if said else []
        nudged, circle = loops.nudged_in(record)
        blocks += [text_block(texts.nudge(circle))] if nudged == record.turn else []
        blocks += [text_block(warning) for warning in budget.warnings(record, limits)]
    return Request(
        investigation_id=record.investigation_id,
        turn=record.turn,
        concludes=bool(record.concluding),
        system=texts.system,
        tools=seen.tools,
        history=tuple(seen.transcript),
        message=user_message(blocks or [text_block(texts.go_on)]),
        updates_shown=len(record.updates),
        services=seen.services,
        record=record,
        version=texts.version,
        texts=caching.hash_of(texts.model_dump()),
    )


def _opening(record: Record, seen: Seen, *, limits: Limits) -> Block:
    known = {"shown": seen.shown, "rollouts": seen.rollouts}
    return text_block(incident_text(record, earlier=seen.earlier, limits=limits, **known))


def _answer(call: Call, view: str | None, *, nonce: str) -> Block:
    """The result of a call: our sentence where it was refused or closed, else the shown view.

    A sentence that is the shown view is a tool's own error, hence as untrusted as any result.
    """
    if view is None or call.sentence not in ("", view):
        return result_block(call.tool_use_id, call.sentence or LOST, is_error=True)
    text = marked(view, call.tool_call_id, nonce=nonce)
    return result_block(call.tool_use_id, text, is_error=call.state == "error")


def _updates_text(updates: Sequence[Update], record: Record) -> str:
    lines = "\n".join(f"{update.kind}: {update.text}" for update in updates)
    return folding.MEANWHILE + marked(lines, "updates", nonce=record.nonce, kind="data")
