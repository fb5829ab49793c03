"""Facts of a record in words: what it is about, how it ended, how long it took, what it cost."""

from datetime import datetime

from bus.events import Outcome
from bus.record import Record
from services.notifier.cutting import one_line

NOT_DIAGNOSED: dict[Outcome, str] = {
    "inconclusive": "No conclusion",
    "timed_out": "Timed out",
    "out_of_budget": "Out of budget",
    "cancelled": "Cancelled",
    "recovered": "Recovered",
    "failed": "Failed",
}


def subject(record: Record) -> str:
    """What the incident is about, in one line."""
    return one_line(f"{record.incident.service}: {record.incident.summary}", 300)


def title(record: Record) -> str:
    """The outcome in two or three words."""
    if record.diagnosis is not None and record.outcome == "diagnosed":
        if record.diagnosis.verdict == "healthy":
            return "No fault found"
        doubted = " (doubted)" if "root_cause" in record.diagnosis.unverified else ""
        return f"Root cause{doubted}"
    return NOT_DIAGNOSED.get(record.outcome or "failed", "Ended")


def headline(record: Record) -> str:
    """The outcome as it stands beside the component, for whoever reads one line only."""
    said = title(record)
    if said.startswith("Root cause"):
        return "root cause found, but doubted" if "doubted" in said else "root cause found"
    otherwise = {
        "timed_out": "timed out without an answer",
        "out_of_budget": "out of budget",
        "cancelled": "stopped by a person",
        "recovered": "recovered by itself",
        "failed": "the investigation failed",
    }
    return otherwise.get(record.outcome or "", said[:1].lower() + said[1:])


def sentence(record: Record) -> str:
    """What the outcome means, in a sentence or two."""
    diagnosis, reason = record.diagnosis, record.reason.strip()
    if record.outcome == "diagnosed" and diagnosis is not None:
        cause, summary = diagnosis.root_cause.strip(), diagnosis.summary.strip()
        return (summary or cause) if diagnosis.verdict == "healthy" else (cause or summary)
    if record.outcome == "timed_out":
        given = duration(record.opened_at, record.deadline_at)
        return f"There was no diagnosis within {given}."
    if record.outcome == "out_of_budget":
        limit = reason or record.concluding or "not named"
        return f"A limit ended it before there was a diagnosis: {limit}"
    if record.outcome == "failed":
        return f"The investigation could not go on: {reason or 'no reason was recorded'}"
    otherwise: dict[str | None, str] = {
        "cancelled": "It was stopped by a person.",
        "recovered": "The alarm went back to OK, and the policy is to stop then.",
    }
    return reason or otherwise.get(record.outcome, "The cause was not found.")


def component(record: Record) -> str:
    """The component found at fault, where it was seen, else the service of the incident."""
    diagnosis = record.diagnosis
    found = diagnosis.component if diagnosis and "component" not in diagnosis.unverified else ""
    return one_line(found or record.incident.service, 100)


def facts(record: Record) -> str:
    """Duration, turns, tool calls, tokens, dollars, model and id, in one line."""
    spend = record.spend
    tokens_in = spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens
    parts = [
        duration(record.opened_at, record.ended_at or record.opened_at),
        counted(turns(record), "turn"),
        tool_calls(record),
        f"{tokens_in:,} tokens in ({spend.cache_read_tokens:,} cached)",
        f"{spend.output_tokens:,} tokens out",
        cost(spend.cost_usd),
        model(record),
        record.investigation_id,
    ]
    return " · ".join(part for part in parts if part)


def turns(record: Record) -> int:
    """Turns whose reply came in; one that was cut off by the end is none."""
    return min(record.turn, record.spend.model_calls)


def tool_calls(record: Record) -> str:
    """How many tool calls the model asked for."""
    return counted(len(record.calls), "tool call")


def cost(dollars: float | None) -> str:
    """Dollars, to a hundredth of a cent while they are few."""
    if dollars is None:
        return "cost unknown"
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


def duration(start: datetime, end: datetime) -> str:
    """Time between two moments, for a person."""
    seconds = max(0.0, (end - start).total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def model(record: Record) -> str:
    """Who answered, in words; scripted answers are called so."""
    name = record.model or (record.diagnosis.model if record.diagnosis else "")
    name = one_line(name, 100)
    if name.startswith("scripted"):
        return f"scripted answers, no model ({name})"
    return f"model {name}" if name else "no model answered"
