"""What an investigation left in Redis: its record as an answer, its transcript as steps."""

import json
from collections.abc import Iterator
from typing import Any

from redis import Redis

from bus.connection import as_text
from bus.events import InvestigationId
from bus.record import Record, record_from
from bus.streams import Keys
from cli.evaluation.scorecard import Step
from cli.evaluation.scoring import Answer

LONGEST_SHOWN = 1500


def read_record(redis: "Redis", keys: Keys, *, incident: str) -> Record | None:
    """The record as it stands; None while there is none."""
    raw: Any = redis.hgetall(keys.of(InvestigationId(incident), "record"))
    if not raw:
        return None
    return record_from({as_text(name): as_text(value) for name, value in raw.items()})


def answer_of(record: Record | None) -> Answer:
    """What the record tells; of one that has not ended only what it spent."""
    if record is None:
        return Answer()
    ended = record.ended_at
    return Answer(
        outcome=record.outcome or "",
        reason=record.reason,
        diagnosis=record.diagnosis,
        turns=record.spend.model_calls,
        calls=len(record.calls),
        cost_usd=record.spend.cost_usd,
        seconds=max(0.0, (ended - record.opened_at).total_seconds()) if ended else 0.0,
    )


def read_steps(redis: "Redis", keys: Keys, *, incident: str) -> tuple[Step, ...]:
    """The transcript, shortened, in its order."""
    messages: Any = redis.lrange(keys.of(InvestigationId(incident), "transcript"), 0, -1)
    return tuple(step for text in messages for step in _steps(json.loads(as_text(text))))


def _steps(message: dict[str, Any]) -> Iterator[Step]:
    said = "the model says" if message.get("role") == "assistant" else "the model is told"
    content = message.get("content")
    for block in content if isinstance(content, list) else [{"type": "text", "text": content}]:
        match block.get("type"):
            case "text":
                yield Step(title=said, text=_short(str(block.get("text", ""))))
            case "tool_use":
                arguments = json.dumps(block.get("input", {}), ensure_ascii=False)
                yield Step(title=f"call: {block.get('name')}", text=_short(arguments))
            case "tool_result":
                title = "error" if block.get("is_error") else "result"
                yield Step(title=title, text=_short(_text(block.get("content"))))


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)


def _short(text: str) -> str:
    more = len(text) - LONGEST_SHOWN
    return text if more <= 0 else f"{text[:LONGEST_SHOWN]}\n… {more:,} more characters"
