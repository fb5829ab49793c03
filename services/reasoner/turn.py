"""One turn's request, from the record, its transcript and its results: the same bytes everywhere.

Order for the prompt cache: tools, system, the incident, history, and last the one new message.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template

from bus.errors import NotConfigured
from bus.events import Alarm, InvestigationId, Value
from bus.record import Call, Record, Update
from services.reasoner import budget
from services.reasoner.budget import Limits
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
CACHED = {"cache_control": {"type": "ephemeral"}}
LOST = "not available: the result was lost"


class Texts(Value):
    """The texts that we write to the model, one file each."""

    system: str
    conclude: str
    reminder: str
    cut_off: str
    go_on: str
    second_look: str

    def say(self, name: str) -> str:
        """A text by the name under which the record notes it."""
        return {"reminder": self.reminder, "cut_off": self.cut_off, "go_on": self.go_on}[name]

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
}


@dataclass(frozen=True)
class Seen:
    """What a request is built from besides the record."""

    transcript: Sequence[Message]
    shown: Mapping[str, str]
    """What the model gets to see of each stored result, by call id."""
    tools: tuple[Block, ...]
    """The pinned catalogue, and `submit_diagnosis` last."""


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

    @property
    def tool_names(self) -> tuple[str, ...]:
        """What the model may call."""
        return tuple(str(tool["name"]) for tool in self.tools)

    @property
    def prompt_bytes(self) -> int:
        """Size of everything the model reads."""
        parts = [self.system, self.tools, self.history, self.message]
        return len(json.dumps(parts, ensure_ascii=False).encode())

    def body(self) -> dict[str, object]:
        """Tools, system, messages; cache marks on tools, system, incident and the end."""
        messages = [*self.history, self.message]
        marks = {0, len(messages) - 1}
        return {
            "tools": [*self.tools[:-1], {**self.tools[-1], **CACHED}],
            "system": [{**text_block(self.system), **CACHED}],
            "messages": [
                _cached(message) if at in marks else message for at, message in enumerate(messages)
            ],
        }


def build(record: Record, seen: Seen, *, texts: Texts, limits: Limits) -> Request:
    """The request of the record's due turn."""
    blocks: list[Block]
    if seen.transcript:
        blocks = [
            _answer(call, seen.shown.get(call.tool_call_id), nonce=record.nonce)
            for call in record.calls_of(record.turn - 1)
        ]
    else:
        blocks = [text_block(incident_text(record, seen.shown, limits=limits))]
    fresh = record.updates[record.updates_shown :]
    if fresh:
        blocks.append(text_block(_updates_text(fresh, record)))
    said = record.notes.get(SAY)
    if record.concluding:
        blocks += [text_block(texts.say(said))] if said == "cut_off" else []
        blocks.append(text_block(texts.conclusion(record.concluding)))
    else:
        blocks += [text_block(texts.say(said))] if said else []
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
    )


def incident_text(record: Record, shown: Mapping[str, str], *, limits: Limits) -> str:
    """The incident and what came with it, between markers, because others wrote it."""
    incident = record.incident
    facts = {
        "service": incident.service,
        "summary": incident.summary,
        "severity": incident.severity,
        "trigger": incident.trigger,
        "accepted": record.opened_at.isoformat(timespec="seconds"),
        "note by a person": incident.note,
    }
    lines = [f"{name}: {text}" for name, text in facts.items() if text]
    lines += _alarm_lines(incident.alarm) if incident.alarm else []
    attached = sorted(name for name in shown if name.startswith("trigger:"))
    minutes = (record.conclude_at - record.opened_at).total_seconds() / 60
    return "\n\n".join(
        [
            "An incident was opened.",
            marked("\n".join(lines), "incident", nonce=record.nonce, kind="data"),
            *(marked(shown[name], name, nonce=record.nonce) for name in attached),
            f"Find its cause. You have {limits.turns} turns, {limits.tool_calls} tool calls and "
            f"about {minutes:.2g} minutes.",
        ]
    )


def _alarm_lines(alarm: Alarm) -> list[str]:
    facts = {
        "alarm": alarm.name,
        "alarm description": alarm.description,
        "alarm reason": alarm.reason,
        "metric": alarm.metric,
        "account": alarm.account,
        "region": alarm.region,
        "changed": alarm.changed_at.isoformat(timespec="seconds") if alarm.changed_at else "",
    }
    lines = [f"{name}: {text}" for name, text in facts.items() if text]
    return lines + [f"label {name}: {text}" for name, text in sorted(alarm.labels.items())]


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
    return "Meanwhile:\n" + marked(lines, "updates", nonce=record.nonce, kind="data")


def _cached(message: Message) -> Message:
    content = message["content"]
    if not isinstance(content, list):
        return message
    return {**message, "content": [*content[:-1], {**content[-1], **CACHED}]}
