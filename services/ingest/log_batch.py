"""A batch of CloudWatch Logs: one incident for each kind of error in it. Pure.

A subscription sends JSON with log group, stream and events, packed by gzip (some producers: zlib)
and base64. Only the lines that say an error are kept, and what belongs to them (a stack behind its
error). All lines of a batch are of one stream, so of one program.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bus.errors import Rejected
from bus.events import Alarm, Severity
from services.ingest.fields import (
    Document,
    cut,
    labels_of,
    moment_of_milliseconds,
    name_of,
    part,
    parts,
    text,
)
from services.ingest.log_records import Record, records_of
from services.ingest.log_service import pod_in, service_in
from services.ingest.log_templates import template_of
from services.ingest.log_unpacking import unpacked
from services.ingest.progress import Step, no_step, stepping
from services.ingest.trigger import Found, Ignored, Raised
from services.ingest.wrapping import cleaned

MAX_KINDS = 40
"""Kinds of errors of one batch that are told apart; the rest of them are one more."""
MAX_CLEANED = 512 * 1024
"""Characters of one batch that are kept as lines; cleaning takes its time."""
MAX_ATTACHED = 32 * 1024
MAX_LINE = 4000
MAX_TITLE = 20_000
OTHERS = "errors of many further kinds"
NO_REGION = "logs"
"""A batch names none, and only some of its ways do: one error by two of them is one problem."""

Clean = Callable[[str], str]


def read(
    batch: bytes | str, *, clean: Clean, region: str = "", step: Step = no_step
) -> list[Found]:
    """What a batch means: its errors by kind, or one `Ignored`; every text went through `clean`.

    `batch` is base64 of gzip or zlib, or what is inside. Raises Rejected with a reason when it is
    no batch, or too large a one.
    """
    found = list(_documents(unpacked(batch)))
    if not found:
        raise Rejected("a CloudWatch Logs batch holds nothing")
    return [
        one for held in found for one in read_document(held, clean=clean, region=region, step=step)
    ]


def is_packed(written: str) -> bool:
    """Whether base64 holds gzip or zlib, as a record of a Kinesis stream may or may not."""
    return written.startswith(("H4sI", "eJ", "eN", "eA", "eF"))


def looks_like(document: Document) -> bool:
    """Whether a document is a batch that was unpacked on its way, as Data Firehose does."""
    return document.get("messageType") in ("DATA_MESSAGE", "CONTROL_MESSAGE") and isinstance(
        document.get("logEvents"), list
    )


def _documents(packed: str) -> Iterator[Document]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(packed):
        if packed[at].isspace():
            at += 1
            continue
        try:
            found, at = decoder.raw_decode(packed, at)
        except ValueError as error:
            raise Rejected(f"a CloudWatch Logs batch is not JSON: {error}") from None
        except RecursionError:
            raise Rejected("a CloudWatch Logs batch is nested too deeply to be read") from None
        yield part(found)


def read_document(
    batch: Document, *, clean: Clean, region: str = "", step: Step = no_step
) -> list[Found]:
    """The same for a batch that is unpacked."""
    kind = batch.get("messageType")
    if kind == "CONTROL_MESSAGE":
        return [Ignored("CloudWatch Logs asks whether anybody listens")]
    if kind != "DATA_MESSAGE" or not isinstance(batch.get("logEvents"), list):
        raise Rejected("not a batch of CloudWatch Logs: no DATA_MESSAGE with log events")
    head = part(cleaned({**batch, "logEvents": []}, clean))
    events = parts(batch["logEvents"])
    kinds = _kinds(stepping(records_of(stepping(events, step)), step))
    if not kinds:
        said = f"{len(events)} log lines of {cut(head.get('logGroup'))}, none of them an error"
        return [Ignored(said)]
    room = MAX_CLEANED // len(kinds)
    return [
        Raised(
            _alarm(template, records, head=head, clean=clean, region=region),
            kind="logs",
            source=f"logs {cut(head.get('owner'))} {cut(head.get('logGroup'))}"[:200],
            severity=_worst(records),
            is_only_said=_is_only_said(records),
            attachments={"lines": _attached(records, clean, room=room)},
        )
        for template, records in kinds.items()
    ]


def _kinds(records: Iterable[Record]) -> Mapping[str, Sequence[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        template = template_of(record.title)
        if template not in found and len(found) >= MAX_KINDS:
            template = OTHERS
        found.setdefault(template, []).append(record)
    return found


def _worst(records: Sequence[Record]) -> Severity:
    is_critical = any(record.line.level == "critical" for record in records)
    return "critical" if is_critical else "error"


def _is_only_said(records: Sequence[Record]) -> bool:
    critical = [record.line for record in records if record.line.level == "critical"]
    return bool(critical) and not any(line.is_stated for line in critical)


def _alarm(
    template: str, records: Sequence[Record], *, head: Document, clean: Clean, region: str
) -> Alarm:
    first = records[0]
    title = clean(first.title[:MAX_TITLE]).strip()
    group, stream = text(head.get("logGroup")), text(head.get("logStream"))
    count = sum(len(record.messages) for record in records)
    where = f"{group}, stream {stream}{f', region {clean(region)}' if region else ''}"
    return Alarm(
        name=name_of(OTHERS if template == OTHERS else template_of(title)),
        description=cut(f"{count} log line{'s'[: count > 1]} of {where}"),
        reason=cut(title),
        account=cut(head.get("owner")) or "logs",
        region=NO_REGION,
        changed_at=moment_of_milliseconds(first.at),
        labels=labels_of(
            {"service": clean(service_in(first.line.fields, group=group, stream=stream))},
            pod=clean(pod_in(first.line.fields, stream=stream)),
            log_group=group,
            log_stream=stream,
        ),
    )


def _attached(records: Sequence[Record], clean: Clean, *, room: int) -> str:
    """The lines in their order, cleaned as one text: a secret may go over several of them.

    Of more than `room` characters the rest is counted and not shown.
    """
    messages = [message for record in records for message in record.messages]
    raw = _as_many_as_fit(messages, room)
    lines = [line[:MAX_LINE] for line in clean("\n".join(raw)).split("\n")]
    shown = _as_many_as_fit(lines, MAX_ATTACHED)
    left_out = len(messages) - len(raw) + len(lines) - len(shown)
    return "\n".join([*shown, *([f"({left_out} more lines are left out)"] if left_out else [])])


def _as_many_as_fit(lines: Sequence[str], characters: int) -> Sequence[str]:
    """The first lines, at least one, as far as all of them have at most so many characters."""
    for at, line in enumerate(lines):
        characters -= len(line) + 1
        if characters < 0 and at:
            return lines[:at]
    return lines
