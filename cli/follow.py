"""What happens on the streams, one readable line an event."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis import Redis

from bus.cleaning import clean
from bus.streams import AUDIT, STREAMS, Keys
from cli.clock import time_of

QUIET = (AUDIT.name,)


@dataclass(frozen=True)
class Happening:
    """One entry on a stream: when, where, what, and its event's fields."""

    at: datetime
    stream: str
    event: str
    values: dict[str, object]

    @property
    def incident(self) -> str:
        """The incident it belongs to, empty where none is named."""
        return str(self.values.get("investigation_id") or self.values.get("incident_id") or "")


class Follower:
    """Reads every stream from a moment on, without taking part in any group."""

    def __init__(self, redis: "Redis", prefix: str) -> None:
        self._redis = redis
        self._keys = Keys(prefix)
        since = f"{int(redis.time()[0]) * 1000 - 1}-0"
        names = [self._keys.stream(stream) for stream in STREAMS if stream.name not in QUIET]
        self._last: dict[Any, Any] = dict.fromkeys(names, since)

    def read(self, block_ms: int = 200) -> Iterator[Happening]:
        """What has happened since the last call, waiting that long when nothing has."""
        rows: Any = self._redis.xread(self._last, block=block_ms)
        found = []
        for key, entries in rows.items() if isinstance(rows, dict) else rows or []:
            # redis-py answers with a list of lists where it speaks RESP3
            nested = bool(entries) and isinstance(entries[0], list)
            for entry_id, fields in entries[0] if nested else entries:
                self._last[key] = entry_id
                found.append(self._happening(key, entry_id, fields=fields))
        yield from sorted(found, key=lambda happening: happening.at)

    def _happening(self, key: str, entry_id: str, *, fields: dict[str, str]) -> Happening:
        at = time_of(entry_id)
        try:
            values = json.loads(fields.get("data", "{}"))
        except (ValueError, RecursionError):
            values = {}
        name = key.removeprefix(self._keys.prefix)
        return Happening(
            at, name, fields.get("event", "?"), values if isinstance(values, dict) else {}
        )


def line_of(happening: Happening) -> str:
    """One line for a person: `stream  what happened`."""
    values = happening.values
    match happening.event:
        case "IncidentOpened" | "?" if happening.stream == "incidents":
            text = f"incident opened: {values.get('service')}: {values.get('summary')}"
        case "TurnDue":
            text = f"turn {values.get('turn')} is due"
        case "ToolCallRequested":
            arguments = json.dumps(values.get("arguments", {}), ensure_ascii=False)
            text = f"{values.get('tool_call_id')} {values.get('tool')} {arguments}"
        case "ToolCallFinished":
            verdict = "ok" if values.get("ok") else f"error: {values.get('error', '')}"
            size = values.get("whole_bytes", 0)
            text = f"{values.get('tool_call_id')} {verdict}, {size:,} bytes stored"
        case "InvestigationProgressed":
            text = str(values.get("activity", ""))
        case "DiagnosisReached":
            text = f"outcome: {values.get('outcome')} {values.get('reason', '')}"
        case "InvestigationStopped":
            text = f"the final card stands: {values.get('outcome')} (stop signal)"
        case _:
            text = f"{happening.event} {json.dumps(values, ensure_ascii=False)}"
    return f"{happening.stream:<13} {' '.join(clean(text).split())[:150]}"
