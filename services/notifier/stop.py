"""Decisions about an investigation's end: stop signal, root span, what is remembered."""

from bus import conventions as names
from bus.errors import Rejected
from bus.events import InvestigationStopped, Value
from bus.record import Record
from services.notifier.facts import turns

REMEMBERED_CHARACTERS = 1000


class Place(Value):
    """Where an incident's message stands in Slack."""

    channel: str
    ts: str


def ended(record: Record | None, investigation_id: str) -> Record:
    """The record of an investigation whose final card is due.

    Raises Rejected where there is none, or where it has not ended: then the entry is wrong.
    """
    if record is None:
        raise Rejected(f"there is no investigation {investigation_id}")
    if record.state != "ended" or record.outcome is None:
        raise Rejected(f"investigation {investigation_id} has not ended")
    return record


def signal(record: Record, place: Place) -> InvestigationStopped:
    """The stop signal of an ended record whose final card stands at that place."""
    return InvestigationStopped(
        investigation_id=record.investigation_id,
        outcome=record.outcome or "failed",
        channel=place.channel,
        ts=place.ts,
    )


def root_attributes(record: Record) -> dict[str, str | int | float]:
    """What the investigation span says; without a known price it says no cost."""
    spend = record.spend
    attributes: dict[str, str | int | float] = {
        names.OPERATION: "invoke_agent",
        names.AGENT: "nightshift",
        names.CONVERSATION: record.investigation_id,
        names.INCIDENT: record.investigation_id,
        names.SERVICE: record.incident.service,
        names.SEVERITY: record.incident.severity,
        names.OUTCOME: record.outcome or "failed",
        names.TURNS: turns(record),
        names.TOOL_CALLS: len(record.calls),
        names.MODEL: record.model,
        names.INPUT_TOKENS: spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens,
        names.OUTPUT_TOKENS: spend.output_tokens,
        names.CACHE_READ_TOKENS: spend.cache_read_tokens,
        names.CACHE_WRITE_TOKENS: spend.cache_write_tokens,
    }
    if spend.cost_usd is not None:
        attributes[names.COST_USD] = spend.cost_usd
    return attributes


def conclusion(record: Record) -> dict[str, str]:
    """What later investigations of the same problem get to know about this one."""
    found = record.diagnosis
    facts = {
        "kind": "concluded",
        "investigation_id": record.investigation_id,
        "at": record.ended_at.isoformat() if record.ended_at else "",
        "outcome": record.outcome or "failed",
        "verdict": found.verdict if found else "",
        "component": found.component if found and "component" not in found.unverified else "",
        "summary": found.summary if found else record.reason,
        "root_cause": found.root_cause if found else "",
        "fix": found.fix.summary if found and found.fix else "",
        "confidence": found.confidence if found else "",
    }
    return {name: text[:REMEMBERED_CHARACTERS] for name, text in facts.items() if text}


def last_words(transcript: list[dict[str, object]]) -> str:
    """The last text that the model wrote, empty when it wrote none."""
    for message in reversed(transcript):
        content = message.get("content") if message.get("role") == "assistant" else None
        if isinstance(content, str) and content:
            return content
        for block in reversed(content if isinstance(content, list) else []):
            if isinstance(block, dict) and block.get("type") == "text" and block.get("text"):
                return str(block["text"])
    return ""
