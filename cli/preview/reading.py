"""What a user has at hand, read as a message: a payload, a record, an export, a diagnosis."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from bus.events import Diagnosis, DiagnosisReached, IncidentOpened, Outcome
from bus.record import Call, Record, new_record, record_from
from bus.settings import load
from bus.tracing import Root, root_of
from bus.versions import OtherRelease
from cli.inside.story import CallSeen, Story, TurnSeen
from cli.preview.messages import message_of, time_of
from cli.preview.page import Shown
from cli.preview.samples import SAMPLES, Sample
from services.notifier.adapters.known_links import links_of
from services.notifier.settings import Settings

MOST_BYTES = 8 * 1024 * 1024
_OF_A_CALL = {"tool_call_id", "tool", "state", "sentence"}
KNOWN = (
    "a payload with `blocks`, a record, what `nightshift show --json` prints, a diagnosis, or a"
    " DiagnosisReached"
)
UNKNOWN = "(not part of what is shown)"
NO_TRANSCRIPT = "a record holds no transcript, so what each call asked for is not in words"
_ALONE = "only a {}: the incident, times and costs that a card names are not in it"

Json = Mapping[str, object]
M = TypeVar("M", bound=BaseModel)


class NotReadable(ValueError):
    """The text is nothing that a card can be made of; the sentence says what it is instead."""


class LinkSettings(Settings):
    """The notifier's settings for what cards link to; Slack's own are neither needed nor read."""

    sink: Literal["slack", "stdout"] = "stdout"


@dataclass(frozen=True)
class Seen:
    """A message, what it was made of, and what a person should know about that."""

    shown: Shown
    kind: str
    note: str = ""


def read(raw: bytes) -> Seen:
    """The message in the bytes of a file; raises NotReadable with one sentence.

    Cards link to what the notifier's settings in this environment name; raises NotConfigured where
    those are wrong.
    """
    if len(raw) > MOST_BYTES:
        raise NotReadable(f"it is too long: {len(raw):,} bytes, at most {MOST_BYTES:,} are read")
    value = _parsed(raw)
    if isinstance(value, list):
        value = {"blocks": value}
    if not isinstance(value, dict):
        raise NotReadable(f"it holds {json.dumps(value)[:40]} and no object; it takes {KNOWN}")
    for fits, made in _READERS:
        if fits(value):
            return made(value)
    names = ", ".join(sorted(map(str, value))[:6]) or "nothing"
    raise NotReadable(f"no card can be made of an object with {names}; it takes {KNOWN}")


def of_sample(name: str) -> Seen:
    """The message of a sample."""
    return Seen(_shown(SAMPLES[name]), f"sample {name}")


def _parsed(raw: bytes) -> object:
    try:
        value: object = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotReadable(f"it is no UTF-8 text: byte {error.start}") from None
    except RecursionError:
        raise NotReadable("it is no JSON that can be read: too deep") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise NotReadable(f"it is no JSON: {error.msg}, {where}") from None
    except ValueError as error:
        raise NotReadable(f"it is no JSON that can be read: {error}") from None
    return value


def _payload(value: Json) -> Seen:
    blocks = value.get("blocks")
    if isinstance(blocks, str):  # as a form holds it
        blocks = _parsed(blocks.encode("utf-8", "replace"))
    if blocks is not None and not isinstance(blocks, list):
        raise NotReadable("its `blocks` are no list")
    return Seen(Shown(message={**value, "blocks": blocks or []}), "a Slack payload")


def _hash(value: Json) -> Seen:
    try:
        record = record_from({name: str(text) for name, text in value.items()})
    except ValidationError as error:
        raise NotReadable(f"it is no record: {_first(error)}") from None
    except (OtherRelease, ValueError) as error:
        raise NotReadable(f"it is no record of this release: {error}") from None
    return _recorded(record, kind="a record as Redis holds it")


def _record(value: Json) -> Seen:
    return _recorded(_model(Record, value, kind="a record"), kind="a record")


def _story(value: Json) -> Seen:
    story = _model(Story, value, kind="an export of `nightshift show`")
    said: list[dict[str, object]] = [
        {"role": "assistant", "content": list(turn.said)} for turn in story.turns
    ]
    record = _record_of(story)
    note = "the export holds no notes of the record, so no second look"
    return _recorded(record, kind="an export of `nightshift show`", transcript=said, note=note)


def _diagnosis(value: Json) -> Seen:
    found = _model(Diagnosis, value, kind="a diagnosis")
    outcome: Outcome = "inconclusive" if found.verdict == "unknown" else "diagnosed"
    record = _bare("preview", found.component or "unknown", outcome=outcome)
    record = record.changed(diagnosis=found, model=found.model)
    return _recorded(record, kind="a diagnosis", note=_ALONE.format("diagnosis"))


def _reached(value: Json) -> Seen:
    reached = _model(DiagnosisReached, value, kind="a DiagnosisReached")
    record = _bare(reached.investigation_id, "unknown", outcome=reached.outcome)
    note = _ALONE.format("DiagnosisReached") + ", nor is the diagnosis"
    return _recorded(record.changed(reason=reached.reason), kind="a DiagnosisReached", note=note)


def _recorded(
    record: Record,
    *,
    kind: str,
    transcript: Sequence[dict[str, object]] = (),
    note: str = NO_TRANSCRIPT,
) -> Seen:
    times = (record.opened_at, record.deadline_at, record.ended_at or record.opened_at)
    if any(at.tzinfo is None for at in times):
        raise NotReadable("its times are of no time zone: write them as 2026-11-24T03:12:00Z")
    sample = Sample(record=record, transcript=tuple(transcript), links=links_of(load(LinkSettings)))
    return Seen(_shown(sample), f"{kind}: {record.investigation_id}", note)


def _shown(sample: Sample) -> Shown:
    return Shown(message=message_of(sample), at=time_of(sample.record))


def _record_of(story: Story) -> Record:
    named = story.model_dump(include={"service", "summary", "severity", "trigger", "note"})
    incident = _model(IncidentOpened, named | {"incident_id": story.incident}, kind="a record")
    calls = tuple(
        Call(tool_use_id=use_id, **call.model_dump(include=_OF_A_CALL))
        for turn in story.turns
        for call, use_id in zip_longest(turn.calls, _use_ids(turn), fillvalue="")
        if isinstance(call, CallSeen)
    )
    pairs = [update.partition(": ") for update in story.updates]
    updates = [{"kind": kind, "text": text} for kind, _, text in pairs]
    same = {"state", "turn", "outcome", "reason", "concluding", "opened_at", "deadline_at"}
    same |= {"ended_at", "catalogue", "spend", "diagnosis", "model"}
    values = story.model_dump(include=same) | {"updates": updates, "calls": calls, "nonce": ""}
    values |= {"updates_shown": len(updates), "incident": incident}
    trace = Root(trace_id=story.trace_id, span_id=root_of(story.incident).span_id)
    return _model(
        Record, values | {"investigation_id": story.incident, "trace": trace}, kind="a record"
    )


def _use_ids(turn: TurnSeen) -> list[str]:
    """The model's own ids of its calls, in its order, which is that of the calls."""
    return [str(block.get("id", "")) for block in turn.said if block.get("type") == "tool_use"]


def _bare(incident_id: str, service: str, *, outcome: Outcome) -> Record:
    values = {"incident_id": incident_id, "service": service[:100], "summary": UNKNOWN}
    incident = _model(IncidentOpened, values, kind="a diagnosis")
    at, lasts = datetime(2026, 1, 1, tzinfo=UTC), timedelta(seconds=300)
    record = new_record(incident, opened_at=at, lasts=lasts, root=root_of(incident_id))
    return record.changed(state="ended", outcome=outcome, ended_at=at)


def _model(model: type[M], value: Json, *, kind: str) -> M:
    try:
        return model.model_validate(value, extra="ignore")
    except ValidationError as error:
        raise NotReadable(f"it looks like {kind} and is none: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    first, more = error.errors(include_url=False)[0], error.error_count() - 1
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" + (f", and {more} more" if more else "")


def _is_hash(value: Json) -> bool:
    return "incident" in value and all(isinstance(part, str) for part in value.values())


_READERS: tuple[tuple[Callable[[Json], bool], Callable[[Json], Seen]], ...] = (
    (lambda value: "blocks" in value, _payload),
    (_is_hash, _hash),
    (lambda value: isinstance(value.get("incident"), dict), _record),
    (lambda value: "incident" in value and "turns" in value, _story),
    (lambda value: "verdict" in value, _diagnosis),
    (lambda value: "outcome" in value and "investigation_id" in value, _reached),
    (lambda value: isinstance(value.get("text"), str), _payload),
)
"""The first whose form the object has reads it."""
