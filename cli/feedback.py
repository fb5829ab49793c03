"""`nightshift feedback`: what people said of diagnoses, for a table or a script."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer
from redis import Redis

from bus.connection import as_text
from bus.streams import Keys
from cli import where
from cli.inside.terminal import REDIS_IS_AWAY, redis_answers, write_json
from cli.judgements import Judgement, judged, judgements_of
from cli.written import READER_LEFT

CODES = (
    f"Exits 0; {REDIS_IS_AWAY} when Redis cannot be used or the output not written, 2 for wrong"
    f" arguments, {READER_LEFT} when its reader has gone."
)
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
AT_ONCE = 200
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be run by a spreadsheet."""


class Form(StrEnum):
    """How the lines are written."""

    json = "json"
    csv = "csv"


def _when(text: str) -> str:
    if text and _moment(text) is None:
        raise typer.BadParameter(f"{text[:40]!r} is no time: say 24h, 7d, or 2026-11-30T08:00")
    return text


def feedback(
    *,
    since: Annotated[
        str,
        typer.Option(
            metavar="WHEN",
            callback=_when,
            help="Only what was said since then: 90m, 24h, 7d, 2w, or a date or time (UTC).",
        ),
    ] = "",
    form: Annotated[
        Form, typer.Option("--format", help="JSON objects, a line each; or CSV with a head.")
    ] = Form.json,
) -> None:
    """Print every judgement of a diagnosis that is kept (90 days), the oldest first.

    Of one person and one investigation the last counts. Reasons are as people wrote them; in CSV
    one that a spreadsheet would run begins with an apostrophe.
    """
    with redis_answers("feedback"), where.redis() as redis:
        found, unread = judgements_of(_kept(redis, where.keys(), since=since))
        start = _moment(since) if since else None
        shown = [each for each in found if start is None or each.at >= start]
        _write(shown, form=form)
    if unread:
        typer.echo(f"nightshift feedback: {unread} could not be read and are left out", err=True)


def _kept(redis: "Redis", keys: Keys, *, since: str) -> Iterator[str]:
    start = _moment(since) if since else None
    least = int(start.timestamp()) if start else "-inf"
    names = [as_text(name) for name in redis.zrangebyscore(judged(keys), least, "+inf")]
    for at in range(0, len(names), AT_ONCE):
        pipe = redis.pipeline(transaction=False)
        for name in names[at : at + AT_ONCE]:
            pipe.hvals(keys.of(name, "feedback"))
        answers: list[Any] = pipe.execute()
        yield from (as_text(text) for texts in answers for text in texts)


def _write(found: list[Judgement], *, form: Form) -> None:
    if form is Form.json:
        for each in found:
            write_json(each.model_dump(mode="json"))
        return
    _row(list(Judgement.model_fields))
    for each in found:
        values = each.model_dump(mode="json") | {"useful": "yes" if each.useful else "no"}
        _row([str(value) for value in values.values()])


def _row(cells: list[str]) -> None:
    line = io.StringIO()
    safe = [f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells]
    csv.writer(line, lineterminator="\n").writerow(safe)
    typer.echo(line.getvalue(), nl=False)


def _moment(text: str) -> datetime | None:
    if found := re.fullmatch(r"(\d{1,4})([mhdw])", text):
        return datetime.now(UTC) - timedelta(**{UNITS[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
