"""`nightshift trace`, the command."""

import asyncio
import re
import time
from dataclasses import replace
from typing import Annotated, NoReturn

import typer
from redis.exceptions import RedisError

from bus.errors import NotConfigured
from bus.events import ID_PATTERN
from bus.record import Record
from bus.tracing import Root, root_of
from cli import where
from cli.inside.show import Incident
from cli.inside.store import store
from cli.inside.terminal import AMBIGUOUS, UNKNOWN, fail, one_line
from cli.traces.sources import Away, Source, jaeger, receiver
from cli.traces.span import Span
from cli.traces.waterfall import waterfall
from cli.written import READER_LEFT

JAEGER = "NIGHTSHIFT_JAEGER_URL"
AWAY, INCOMPLETE = 6, 7
CODES = (
    "Exits 0 for a whole trace, 1 when the output is not written, 2 for wrong arguments,"
    f" {UNKNOWN} for a trace that is not there, {AMBIGUOUS} when several incidents begin so,"
    f" {AWAY} when nobody can be asked for it, {INCOMPLETE} when it is shown and parts have not"
    f" arrived, {READER_LEFT} when its reader has gone."
)
NAMED = 5
_TRACE_ID = re.compile(r"[0-9a-fA-F]{32}")


def trace(
    incident: Incident,
    *,
    jaeger_url: Annotated[
        str,
        typer.Option(
            "--jaeger",
            metavar="URL",
            envvar=JAEGER,
            help="The Jaeger that has it, as its page is opened: http://localhost:16686. Default:"
            " the receiver of a `nightshift up` that runs in this folder.",
        ),
    ] = "",
    wait: Annotated[
        float,
        typer.Option(min=0, max=600, metavar="SECONDS", help="Wait so long for a whole trace."),
    ] = 0.0,
) -> None:
    """Everything that was done about an incident, as one waterfall: turns, calls, Slack, retries.

    Without Redis an incident is named in full; the id of a trace will do as well.
    """
    try:
        source = _source(jaeger_url)
        root = _root(incident)
        spans = _spans(source, root, until=time.monotonic() + wait)
    except Away as error:
        fail("trace", str(error), code=AWAY)
    if not spans:
        _fail_unknown(incident, root, source=source)
    typer.echo(waterfall([replace(span, name=one_line(span.name)) for span in spans]))
    if missing := _missing(spans, root):
        fail("trace", f"the trace is not complete: {missing}", code=INCOMPLETE)


def _source(jaeger_url: str) -> Source:
    if jaeger_url:
        return jaeger(jaeger_url)
    try:
        control = where.running().get("control")
    except NotConfigured as error:
        raise Away(str(error)) from None
    if control:
        return receiver(control)
    raise Away(
        f"nobody to ask for a trace: name a Jaeger by --jaeger or {JAEGER}, or start"
        " this in the folder of a running `nightshift up`"
    )


def _root(name: str) -> Root:
    """The ids as the record has them, else as they follow from the incident's id."""
    if _TRACE_ID.fullmatch(name):
        return Root(trace_id=name.lower(), span_id="")
    if not re.match(ID_PATTERN, name):
        raise typer.BadParameter(f"{name[:80]!r} is no id of an incident")

    async def read() -> Record | list[str] | None:
        async with store() as seen:
            ids = await seen.matching(name)
            found = await seen.record(ids[0]) if len(ids) == 1 else None
            return found if isinstance(found, Record) else ids

    try:
        found = asyncio.run(read())
    except (RedisError, OSError, NotConfigured):
        typer.echo("nightshift trace: Redis is away; the trace's id is derived", err=True)
        found = None
    if isinstance(found, Record):
        return found.trace
    if found and len(found) > 1:
        named = ", ".join(found[:NAMED]) + (", …" if len(found) > NAMED else "")
        fail("trace", f"{len(found)} incidents begin with {name}: {named}", code=AMBIGUOUS)
    return root_of(found[0] if found else name)


def _spans(source: Source, root: Root, *, until: float) -> list[Span]:
    while True:
        spans = source.spans(root.trace_id)
        if time.monotonic() >= until or not (not spans or _missing(spans, root)):
            return spans
        time.sleep(0.3)


def _missing(spans: list[Span], root: Root) -> str:
    """What has not arrived yet, in words; empty when nothing is known to be missing."""
    ids = {span.span_id for span in spans}
    stands = root.span_id in ids if root.span_id else any(not span.parent_id for span in spans)
    known = ids | {"", root.span_id, root.parent_id}
    waiting = sum(span.parent_id not in known for span in spans)
    parts = []
    if not stands:
        parts.append("the investigation's own span is written at its end, and has not arrived")
    if waiting:
        parts.append(f"{waiting} spans wait for the one above them")
    return "; ".join(parts)


def _fail_unknown(name: str, root: Root, *, source: Source) -> NoReturn:
    sentence = (
        f"{source.name} has no trace {root.trace_id} of {name}: no such incident, it began a moment"
        " ago, the trace was not sampled or is no longer kept"
    )
    fail("trace", sentence, code=UNKNOWN)
