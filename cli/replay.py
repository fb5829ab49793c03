r"""Dead letters: read, and put back on their streams.

A replayed entry has its fields as they were, a new entry id, and with it a new place in time. What
its old entry id stood for is written out, so that a duplicate is still recognised: the event's id,
and an incident's. `replayed_from` says which dead letter it was. Text stands for bytes that were
not UTF-8 (`\xff`), and is what a replay writes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from pydantic import ValidationError
from redis import Redis
from redis.exceptions import ResponseError

from bus.connection import as_text
from bus.envelope import Entry, flat, read_event, text_fields
from bus.errors import NotConfigured, Rejected, Unavailable
from bus.events import (
    AlarmJoined,
    AlarmRecovered,
    DeadLetter,
    DiagnosisReached,
    Event,
    IncidentOpened,
    InvestigationProgressed,
    ToolCallFinished,
    ToolCallRequested,
    TurnDue,
)
from bus.record import Record, record_from
from bus.seals import UNSIGNED, Seals
from bus.streams import Keys, Stream
from cli.clock import time_of


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A dead letter by its id on the stream's `.dead`."""

    stream: Stream
    letter_id: str
    letter: DeadLetter

    @property
    def entry(self) -> Entry:
        """The entry that was set aside."""
        return Entry(
            stream=self.stream,
            group=self.letter.group,
            entry_id=self.letter.entry_id,
            fields=self.letter.fields,
        )


@dataclass(frozen=True)
class DeadLetterBox:
    """The dead letters of all streams."""

    redis: Redis
    keys: Keys
    seals: Seals = UNSIGNED
    """What is put back is signed anew, by whoever puts it back."""

    def newest(self, stream: Stream, count: int) -> list[SetAside]:
        """The newest dead letters of a stream, the oldest of them first."""
        rows = self._read(stream, "+", oldest="-", count=count)
        return [_set_aside(stream, as_text(found), raw=raw) for found, raw in reversed(rows)]

    def find(self, stream: Stream, letter_id: str) -> SetAside | None:
        """The dead letter of that id; None when there is none, or no more."""
        rows = self._read(stream, letter_id, oldest=letter_id, count=1)
        return next((_set_aside(stream, as_text(found), raw=raw) for found, raw in rows), None)

    def why_not(self, aside: SetAside) -> str:
        """Why a replay would have no effect; empty when it may have one."""
        if aside.letter.group not in [reader.group for reader in aside.stream.readers]:
            return "it is no entry of a stream: send the message to its queue again"
        try:
            event = read_event(aside.entry)
        except Rejected as error:
            return f"it still cannot be read: {error}"
        try:
            return _no_effect(event, self._record_of(event))
        except (Unavailable, ValueError) as error:
            return f"its investigation cannot be read: {error}"

    def replay(self, aside: SetAside) -> str:
        """The id of the entry as it stands on its stream again.

        Empty when the dead letter is gone: somebody else has replayed it.
        """
        text = files("cli").joinpath("replay.lua").read_text(encoding="utf-8")
        stream_keys = [self.keys.dead(aside.stream), self.keys.stream(aside.stream)]
        script = self.redis.register_script(text)
        fields = self.seals.seal(_fields(aside), aside.stream)
        return as_text(script(keys=stream_keys, args=[aside.letter_id, *flat(fields)]))

    def _read(self, stream: Stream, newest: str, *, oldest: str, count: int) -> Any:
        key = self.keys.dead(stream)
        try:
            return self.redis.xrevrange(key, newest, oldest, count=count)
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            raise NotConfigured(
                f"{key} holds no dead letters but something else: look with `redis-cli TYPE {key}`,"
                " and rename it"
            ) from None

    def _record_of(self, event: Event) -> Record | None:
        inv = getattr(event, "investigation_id", "") or getattr(event, "incident_id", "")
        raw: Any = self.redis.hgetall(self.keys.of(str(inv), "record")) if inv else {}
        fields = {as_text(name): as_text(value) for name, value in raw.items()}
        return record_from(fields) if fields else None


def _set_aside(stream: Stream, letter_id: str, *, raw: Mapping[bytes, bytes]) -> SetAside:
    fields = text_fields(raw)
    try:
        letter = DeadLetter.model_validate_json(fields.get("data", ""), extra="ignore")
    except ValidationError:
        letter = DeadLetter(
            stream=stream.name,
            group="",
            entry_id=letter_id,
            reason="this is not a dead letter that can be read here",
            delivery_count=0,
            fields=fields,
            set_aside_at=time_of(letter_id),
        )
    return SetAside(stream=stream, letter_id=letter_id, letter=letter)


def _fields(aside: SetAside) -> dict[str, str]:
    fields, old = dict(aside.letter.fields), aside.letter.entry_id
    event = read_event(aside.entry)
    if isinstance(event, IncidentOpened):
        values = {"incident_id": event.incident_id, **json.loads(fields["data"])}
        if values["incident_id"] is None:
            values["incident_id"] = event.incident_id
        fields["data"] = json.dumps(values, ensure_ascii=False)
    origin = f"{aside.stream.name}.dead/{aside.letter_id}"
    return fields | {"id": fields.get("id") or old, "replayed_from": origin}


def _no_effect(event: Event, record: Record | None) -> str:
    match event:
        case DiagnosisReached():
            is_over = record is not None and record.state == "ended"
            return "" if is_over else f"investigation {event.investigation_id} has not ended"
        case IncidentOpened():
            return _has_ended(record)
        case TurnDue():
            due = record is not None and (record.state, record.turn) == ("turn_due", event.turn)
            return _has_ended(record) or ("" if due else f"turn {event.turn} is not due")
        case ToolCallRequested() | ToolCallFinished():
            is_open = record is not None and event.tool_call_id in record.open_calls
            answered = f"call {event.tool_call_id} waits for no answer"
            return _has_ended(record) or ("" if is_open else answered)
        case AlarmJoined() | AlarmRecovered() | InvestigationProgressed():
            gone = f"there is no investigation {event.investigation_id}"
            return _has_ended(record) if record else gone
        case _:
            return ""


def _has_ended(record: Record | None) -> str:
    if record is None or record.state != "ended":
        return ""
    return f"investigation {record.investigation_id} has ended ({record.outcome}); open a new one"
