"""`nightshift dead-letters`: what was set aside, why, and back on its stream."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from bus.cleaning import clean
from bus.errors import NotConfigured
from bus.streams import STREAMS, Stream
from cli import where
from cli.columns import width, wrapped
from cli.replay import DeadLetterBox, SetAside

REDIS_IS_AWAY, UNKNOWN, NO_EFFECT = 1, 3, 4
NEWEST_ID = 2**64
EXIT_CODES = (
    "Exits 0; 1 when Redis cannot be used or the output not written, 2 for wrong arguments, 3 for"
    " an unknown id, 4 when a replay would have no effect (its investigation has ended, it still"
    " cannot be read), 141 when its reader has gone."
)
WITH_LETTERS = {stream.name: stream for stream in STREAMS if stream.readers}

app = typer.Typer(
    help=f"Entries that were set aside: list, show, replay. {EXIT_CODES}", no_args_is_help=True
)


def _stream(name: str) -> str:
    if name not in WITH_LETTERS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(WITH_LETTERS)}")
    return name


StreamName = Annotated[str, typer.Argument(callback=_stream, help="A stream, as `list` shows it.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="An id, as `list` shows it.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids, as `list` shows them.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for scripts.")]


@app.command("list")
def list_letters(
    *,
    count: Annotated[int, typer.Option(min=1, help="At most so many of each stream.")] = 50,
    as_json: Json = False,
) -> None:
    """The newest dead letters of every stream: stream, id, when (UTC), group, deliveries, why."""
    found: list[SetAside] = []
    unread = []
    with _redis() as box:
        for stream in WITH_LETTERS.values():
            try:
                found += box.newest(stream, count)
            except NotConfigured as error:
                unread.append(str(error))
    for aside in found:
        typer.echo(_as_json(aside) if as_json else _lines(aside))
    if unread:
        _fail("; ".join(unread), REDIS_IS_AWAY)
    if not found and not as_json:
        typer.echo("no dead letters")


@app.command()
def show(stream: StreamName, letter_id: Id, *, as_json: Json = False) -> None:
    r"""One dead letter whole. `\xff` and the like stand for bytes that were not UTF-8."""
    with _redis() as box:
        aside = _find(box, WITH_LETTERS[stream], letter_id=letter_id)
        why_not = box.why_not(aside)
    if as_json:
        typer.echo(_as_json(aside))
        return
    typer.echo(f"{_head(aside)}\n{wrapped(_line(aside.letter.reason), indent=4)}")
    typer.echo(wrapped(f"entry {_line(aside.letter.entry_id)}:", indent=4))
    for name, value in aside.letter.fields.items():
        first, *rest = clean(value).splitlines() or [""]
        typer.echo(wrapped(f"{_line(name)}: {first}", indent=4, hang=4))
        for line in rest:
            # Further in than any line of ours: a value cannot pass for one.
            typer.echo(wrapped(line, indent=8))
    why = f"a replay would have no effect: {_line(why_not)}" if why_not else ""
    typer.echo(wrapped(why, indent=4, hang=2))


@app.command()
def replay(stream: StreamName, ids: Ids, *, as_json: Json = False) -> None:
    """Put entries back on their stream, once each, and take their dead letters away.

    Fields stay as they were, the event's id too, so that what was done is recognised.
    Where bytes were not UTF-8, the text that `show` shows is written in their place.
    """
    worst = 0
    with _redis() as box:
        for letter_id in ids:
            try:
                _replay(box, _find(box, WITH_LETTERS[stream], letter_id=letter_id), as_json=as_json)
            except typer.Exit as end:
                worst = max(worst, end.exit_code)
    raise typer.Exit(worst)


def _replay(box: DeadLetterBox, aside: SetAside, *, as_json: bool) -> None:
    why_not = box.why_not(aside)
    if why_not:
        _fail(f"{_name(aside)} was not replayed: {_line(why_not)}", NO_EFFECT)
    entry_id = box.replay(aside)
    if not entry_id:
        _fail(f"{_name(aside)} is gone: somebody has replayed it", UNKNOWN)
    facts = {"stream": aside.stream.name, "id": aside.letter_id, "entry": entry_id}
    typer.echo(json.dumps(facts) if as_json else f"{_name(aside)} is entry {entry_id} again")


@contextmanager
def _redis() -> Iterator[DeadLetterBox]:
    try:
        with where.redis() as redis:
            yield DeadLetterBox(redis, where.keys(), where.seals())
    except NotConfigured as error:
        _fail(str(error), REDIS_IS_AWAY)


def _find(box: DeadLetterBox, stream: Stream, *, letter_id: str) -> SetAside:
    parts = re.fullmatch("([0-9]{1,20})-([0-9]{1,20})", letter_id)
    is_id = parts is not None and all(int(part) < NEWEST_ID for part in parts.groups())
    found = box.find(stream, letter_id) if is_id else None
    if found is None:
        shown = _line(letter_id)[:40] or "''"
        _fail(f"there is no dead letter {shown} of {stream.name}", UNKNOWN)
    return found


def _name(aside: SetAside) -> str:
    return f"{aside.stream.name} {aside.letter_id}"


def _lines(aside: SetAside) -> str:
    why = _line(aside.letter.reason)
    room = width() - 4
    return f"{_head(aside)}\n    {why if len(why) <= room else why[: room - 1] + '…'}"


def _head(aside: SetAside) -> str:
    letter = aside.letter
    often = f"{letter.delivery_count} deliver{'y' if letter.delivery_count == 1 else 'ies'}"
    when = f"{letter.set_aside_at:%Y-%m-%d %H:%M:%S}"
    group = _line(letter.group) or "no group"
    return wrapped(f"{_name(aside)}  {when}  {group}, {often}", hang=4)


def _line(text: str) -> str:
    """The text on one line, and nothing in it that steers a terminal."""
    return " ".join(clean(text).split())


def _as_json(aside: SetAside) -> str:
    known = aside.letter.model_dump(mode="json")
    return json.dumps({"stream": aside.stream.name, "id": aside.letter_id, **known})


def _fail(sentence: str, code: int) -> NoReturn:
    typer.echo(f"nightshift dead-letters: {sentence}", err=True)
    raise typer.Exit(code)
