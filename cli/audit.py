"""`nightshift audit`: the audit of tool calls, written out, and whether it is whole."""

import hashlib
import hmac
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from redis import Redis

from bus.cleaning import clean
from bus.connection import as_text
from bus.envelope import text_fields
from bus.errors import NotConfigured
from bus.streams import AUDIT, Keys
from cli import where
from cli.columns import wrapped
from services.toolrunner.adapters.plain_json import plain_json
from services.toolrunner.audit_trail import (
    Call,
    Flaw,
    Kept,
    Stored,
    calls_with_two_entries,
    calls_without_entry,
    entries_against_results,
    flaws_of_chains,
    flaws_of_macs,
)

NOT_WHOLE, CANNOT_READ = 1, 2
PAGE = 1_000
MOST_SHOWN = 50
KEY = "NIGHTSHIFT_AUDIT_KEY"
SEAL = "seal"
CODES = "Exits 0, 1 when the audit is not whole, 2 when it cannot be read."

app = typer.Typer(
    help=f"What was done about every tool call: export, verify. {CODES}", no_args_is_help=True
)


@app.command()
def export() -> None:
    """Every kept entry as one JSON object a line: its id, and the event as it was written.

    The last line is the seal of those before it, with NIGHTSHIFT_AUDIT_KEY one that nobody else
    can make: it covers the ids, hence the times, and shows that entries or whole chains are gone.
    """
    seal = _new_seal()
    with _redis() as redis:
        for entry in _entries(redis, where.keys()):
            line = json.dumps({"id": entry.entry_id, "data": entry.fields})
            seal.update(line.encode() + b"\n")
            typer.echo(line)
    typer.echo(json.dumps({SEAL: seal.hexdigest()}))


@app.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="What `export` wrote; without one, what Redis holds.")
    ] = None,
    *,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="No entry at all is whole, too.")
    ] = False,
) -> None:
    """Say whether an entry was altered, dropped or put in.

    An export is checked by its seal and its hash chains. In Redis, also: every stored result has
    its entry and is what that says, and the stream has lost none from its middle or its end. With
    NIGHTSHIFT_AUDIT_KEY as the toolrunners have it, every entry is checked by its MAC as well.
    """
    if file is not None:
        entries, unsealed = _exported(file)
        _tell(entries, [*unsealed, *flaws_of_chains(entries, since_the_start=False)])
        return
    with _redis() as redis:
        # Results first: a call that ends in between has its entry, and no result is missed.
        before = set(_calls(redis, where.keys()))
        entries = list(_entries(redis, where.keys()))
        lost, since_the_start = _lost(redis, where.keys(), entries=entries)
        after = {
            call: _stored(redis, where.keys(), call=call) for call in _calls(redis, where.keys())
        }
    flaws = [
        *lost,
        *flaws_of_chains(entries, since_the_start=since_the_start),
        *calls_without_entry(before, entries),
        *entries_against_results(after, entries),
        *calls_with_two_entries(entries),
    ]
    if not (entries or flaws or allow_empty):
        _found_none()
    _tell(entries, flaws)


def _found_none() -> NoReturn:
    """An audit that was looked for in the wrong place must not pass for a whole one."""
    _fail(
        f"no entry stands in {where.keys().stream(AUDIT)} at {where.shown_url()}: is that where"
        " the toolrunners write? See REDIS_URL and NIGHTSHIFT_STREAM_PREFIX; --allow-empty if"
        " no call was made in the last 30 days"
    )


@contextmanager
def _redis() -> Iterator[Redis]:
    try:
        with where.redis() as redis:
            yield redis
    except NotConfigured as error:
        _fail(str(error))


def _tell(entries: list[Kept], flaws: list[Flaw]) -> None:
    key = os.environ.get(KEY, "")
    if key:
        flaws = [*flaws, *flaws_of_macs(entries, key)]
    lives = len({entry.text("replica") for entry in entries})
    for flaw in flaws[:MOST_SHOWN]:
        typer.echo(f"{_line(flaw.where)}: {_line(flaw.what)}")
    if len(flaws) > MOST_SHOWN:
        typer.echo(f"and {len(flaws) - MOST_SHOWN} more")
    counted = f"{len(entries)} entries in {lives} chains"
    if flaws:
        typer.echo(f"the audit is not whole: {counted}, {len(flaws)} flaws", err=True)
        raise typer.Exit(NOT_WHOLE)
    typer.echo(f"the audit is whole: {counted}")
    bare = sum(not entry.text("mac") for entry in entries) if key else 0
    if bare:
        typer.echo(wrapped(f"{bare} entries are older than the first MAC and have none"), err=True)
    if not key:
        typer.echo(wrapped(f"without {KEY} the newest entry of a chain could be forged"), err=True)


def _entries(redis: Redis, keys: Keys) -> Iterator[Kept]:
    start = "-"
    while True:
        rows: Any = redis.xrange(keys.stream(AUDIT), start, "+", count=PAGE)
        for entry_id, raw in rows:
            yield Kept(as_text(entry_id), _data(text_fields(raw)))
        if len(rows) < PAGE:
            return
        start = f"({as_text(rows[-1][0])}"


def _data(fields: Mapping[str, str]) -> dict[str, Any]:
    try:
        values = json.loads(fields.get("data", ""))
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _stored(redis: Redis, keys: Keys, *, call: Call) -> Stored:
    investigation, name = call
    parts = [f"{name}:whole", f"{name}:facts"]
    found: Any = redis.hmget(keys.of(investigation, "results"), parts)
    whole, facts = found
    try:
        text = zlib.decompress(whole or b"")
        ok = json.loads(facts or b"{}").get("ok") is True
    except (zlib.error, ValueError, AttributeError):
        return Stored(ok=False, sha256="unreadable")
    return Stored(ok, hashlib.sha256(text).hexdigest())


def _calls(redis: Redis, keys: Keys) -> Iterator[Call]:
    """Investigation and id of every call whose result is kept; what a trigger brought is none."""
    for name in redis.scan_iter(match=f"{keys.prefix}*:results", count=PAGE):
        investigation = as_text(name).removeprefix(keys.prefix).removesuffix(":results")
        for field in map(as_text, redis.hkeys(name)):
            if field.endswith(":whole") and not field.startswith("trigger:"):
                yield investigation, field.removesuffix(":whole")


def _lost(redis: Redis, keys: Keys, *, entries: list[Kept]) -> tuple[list[Flaw], bool]:
    """What the stream's counters say is gone, and whether nothing ever was."""
    if not redis.exists(keys.stream(AUDIT)):
        return [], True
    facts: Any = redis.xinfo_stream(keys.stream(AUDIT))
    last = as_text(facts["last-generated-id"])
    lost = []
    newest = entries[-1].entry_id if entries else ""
    # Older entries are trimmed after a while, the newest never before the others.
    if entries and _order(newest) < _order(last):
        lost.append(Flaw(last, "the newest entry is gone"))
    removed = as_text(facts.get("max-deleted-entry-id", "0-0"))
    if entries and _order(entries[0].entry_id) < _order(removed) < _order(newest):
        lost.append(Flaw(removed, "an entry between others is gone"))
    return lost, facts.get("entries-added", -1) == len(entries)


def _order(entry_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in entry_id.split("-"))


def _exported(file: Path) -> tuple[list[Kept], list[Flaw]]:
    """The entries of an export, and what its seal says against it."""
    try:
        lines = [line for line in file.read_text(encoding="utf-8-sig").split("\n") if line]
    except (OSError, UnicodeDecodeError) as error:
        _fail(f"{file} cannot be read: {error}")
    given = _seal_of(lines[-1]) if lines else ""
    lines = lines[:-1] if given else lines
    found = [_line_of_export(line, f"{file}:{at}") for at, line in enumerate(lines, start=1)]
    if not found:
        _fail(f"{file} holds no entry")
    if not given:
        return found, [Flaw(str(file), "it has no seal: its end is gone, or it was never whole")]
    seal = _new_seal()
    seal.update("".join(f"{line}\n" for line in lines).encode())
    if hmac.compare_digest(given.encode(), seal.hexdigest().encode()):
        return found, []
    said = "its seal is not that of its lines, or was made with another NIGHTSHIFT_AUDIT_KEY"
    return found, [Flaw(str(file), said)]


def _seal_of(line: str) -> str:
    """The seal that the line is; empty when it is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return str(entry.get(SEAL, "")) if isinstance(entry, dict) else ""


def _new_seal() -> hmac.HMAC:
    """Without a key it shows accidents; with one, intent as well."""
    return hmac.new(os.environ.get(KEY, "").encode(), digestmod=hashlib.sha256)


def _line_of_export(line: str, where_: str) -> Kept:
    try:
        entry = plain_json(line)
        return Kept(str(entry["id"]), dict(entry["data"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        _fail(f"{where_} is no line of `nightshift audit export`")


def _line(text: str) -> str:
    return " ".join(clean(text).split())


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"nightshift audit: {sentence}", err=True)
    raise typer.Exit(CANNOT_READ)
