"""`nightshift show`: all about one investigation."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer
from redis.exceptions import RedisError

from bus.errors import NotConfigured
from bus.record import Record
from cli.inside import pages, turns
from cli.inside.accepted import Accepted, accepted, accepted_json, accepted_page
from cli.inside.held import Held, gathering, held_by, kinds_held
from cli.inside.store import Broken, Store, open_redis, store
from cli.inside.story import Story, story_of
from cli.inside.terminal import (
    AMBIGUOUS,
    REDIS_IS_AWAY,
    UNKNOWN,
    UNREADABLE,
    Page,
    fail,
    redis_answers,
    write_json,
)
from cli.inside.unlinked import Unlinked, show_unlinked, unlinked
from cli.where import keys
from cli.written import READER_LEFT

CODES = (
    f"Exits 0; {REDIS_IS_AWAY} when Redis cannot be used or the output not written, 2 for wrong"
    f" arguments, {UNKNOWN} for an unknown incident or turn, {AMBIGUOUS} when several incidents"
    f" begin so, {UNREADABLE} for a record that this release cannot read, {READER_LEFT} when its"
    " reader has gone."
)
NAMED = 5


def completed(incomplete: str) -> list[str]:
    """Ids that begin so, for the shell; none when Redis is away."""

    async def look() -> list[str]:
        redis = open_redis(1.0)
        try:
            return await Store(redis, keys()).ids(incomplete)
        finally:
            await redis.aclose()

    try:
        return asyncio.run(look())
    except (RedisError, OSError, NotConfigured):
        return []


Incident = Annotated[
    str,
    typer.Argument(
        metavar="INCIDENT",
        help="Its id as `watch` shows it, or the beginning of it.",
        autocompletion=completed,
    ),
]


def show(
    incident: Incident = "",
    *,
    turn: Annotated[
        int | None, typer.Option(min=1, help="This turn alone, with all that the model saw.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Whole results in full, not their first lines.")
    ] = False,
    ignored: Annotated[
        bool,
        typer.Option(
            "--ignored",
            help="Instead of an incident: what was held, ignored or rejected, and so has none.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")] = False,
) -> None:
    """Record, evidence with its checks, decisions, cost a turn, timeline, and every turn."""
    if bool(incident) == ignored:
        raise typer.BadParameter("name an incident, or say --ignored")
    if ignored:
        _ignored(as_json=as_json)
        return
    page = Page()
    story = _read(incident, whole=whole or (turn is not None and not as_json))
    if isinstance(story, Gathering | Accepted):
        _not_taken_up(page, story, as_json=as_json)
    elif turn is not None and turn not in [found.turn for found in story.turns]:
        fail("show", _no_turn(story, turn), code=UNKNOWN)
    elif as_json:
        kept = story.turns if turn is None else [t for t in story.turns if t.turn == turn]
        write_json(story.model_copy(update={"turns": kept}).model_dump(mode="json"))
    elif turn is not None:
        pages.head(page, story)
        turns.one_turn(page, story, number=turn, whole=whole)
    else:
        _everything(page, story, whole=whole)


def _ignored(*, as_json: bool) -> None:
    async def read() -> Unlinked:
        async with store() as seen:
            return await unlinked(seen)

    with redis_answers("show"):
        found = asyncio.run(read())
    if as_json:
        write_json(found.model_dump(mode="json"))
    else:
        show_unlinked(Page(), found)


@dataclass(frozen=True)
class Gathering:
    """A summary that is not open yet: it has no record, and holds problems already."""

    incident: str
    held: Held


def _read(name: str, *, whole: bool) -> Story | Gathering | Accepted:
    async def read() -> Story | Gathering | Accepted | Broken | list[str]:
        async with store() as seen:
            ids = await seen.matching(name)
            if not ids:
                return await _without_record(name, seen)
            record = await seen.record(ids[0]) if len(ids) == 1 else None
            if isinstance(record, Record):
                return await story_of(record, seen, whole=whole)
            return ids if record is None else record

    with redis_answers("show"):
        found = asyncio.run(read())
    if isinstance(found, Story | Gathering | Accepted):
        return found
    if isinstance(found, Broken):
        sentence = f"{found.investigation_id} cannot be read by this release: {found.why}"
        fail("show", sentence, code=UNREADABLE)
    if len(found) > 1:
        named = ", ".join(found[:NAMED]) + (", …" if len(found) > NAMED else "")
        fail("show", f"{len(found)} incidents begin with {name[:64]}: {named}", code=AMBIGUOUS)
    listed = "`nightshift watch --once --all` lists them"
    fail("show", f"there is no incident {name[:64]!r}; {listed}", code=UNKNOWN)


async def _without_record(name: str, seen: Store) -> Gathering | Accepted | list[str]:
    """What there is of a name that no record has: the one that begins so, or all that do."""
    waiting = await accepted(seen, name)
    if len(waiting) == 1:
        return waiting[0]
    begun = await gathering(seen, name)
    if len(begun) == 1 and not waiting:
        return Gathering(begun[0], await held_by(seen, begun[0]))
    return sorted({*begun, *(one.name for one in waiting)})


def _no_turn(story: Story, turn: int) -> str:
    known = f"its turns are 1 to {len(story.turns)}" if story.turns else "it has none yet"
    going = ""
    if story.state != "ended" and turn == story.turn:
        going = "; that turn goes on, and is kept once the model has replied"
    return f"{story.incident} has no turn {turn}: {known}{going}"


def _not_taken_up(page: Page, found: Gathering | Accepted, *, as_json: bool) -> None:
    if isinstance(found, Accepted):
        if as_json:
            write_json(accepted_json(found))
        else:
            accepted_page(page, found)
        return
    if as_json:
        held = found.held.model_dump(mode="json")
        write_json({"incident": found.incident, "state": "gathering", "held": held})
        return
    page.words(f"{found.incident}  a summary that gathers and is not investigated yet", indent=0)
    kinds_held(page, found.held)


def _holds(page: Page, story: Story) -> None:
    kinds_held(page, story.held)


def _everything(page: Page, story: Story, *, whole: bool) -> None:
    for part in (
        pages.head,
        pages.diagnosis,
        pages.evidence,
        pages.triggers,
        _holds,
        pages.decisions,
        pages.feedback,
        pages.cost,
        pages.timeline,
    ):
        part(page, story)
    turns.all_turns(page, story, whole=whole)
