"""`nightshift watch`: the investigations, as they are now and as they go on."""

import asyncio
import sys
import time
from typing import Annotated

import typer
from redis.exceptions import RedisError
from rich.console import Group
from rich.live import Live
from rich.text import Text

from bus.connection import unusable
from cli import where
from cli.clock import interrupt_on_signals
from cli.inside.rows import Row, row_of, table
from cli.inside.store import Store, open_redis, store
from cli.inside.terminal import (
    REDIS_IS_AWAY,
    Page,
    cut,
    redis_answers,
    write_json,
)
from cli.written import READER_LEFT

CODES = (
    f"Exits 0, after Ctrl-C too; {REDIS_IS_AWAY} when Redis cannot be used or the output not"
    f" written, 2 for wrong arguments, {READER_LEFT} when its reader has gone."
)


def watch(
    *,
    follow: Annotated[
        bool | None,
        typer.Option(
            "--follow/--once",
            help="Go on until Ctrl-C, or show what is there now. Default: --follow on a terminal.",
        ),
    ] = None,
    ended: Annotated[int, typer.Option(min=0, max=1000, help="So many of the ended ones.")] = 10,
    every: Annotated[
        bool, typer.Option("--all", help="All that Redis still knows (7 days).")
    ] = False,
    seconds: Annotated[float, typer.Option(min=0.2, max=3600, help="Time between looks.")] = 1.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object a line; --follow: each that changed.")
    ] = False,
) -> None:
    """The open investigations, the ones that ended last, and what each of them does."""
    goes_on = sys.stdout.isatty() and not as_json if follow is None else follow
    page = Page()
    with redis_answers("watch"):
        if not goes_on:
            rows = asyncio.run(_once(ended, every=every))
            _tell(page, rows, as_json=as_json)
            return
        interrupt_on_signals()
        try:
            _follow(page, _Look(ended, every), seconds=seconds, as_json=as_json)
        except KeyboardInterrupt:
            return


async def _once(ended: int, *, every: bool) -> list[Row]:
    async with store() as seen:
        return await _rows(seen, ended, every=every)


async def _rows(seen: Store, ended: int, *, every: bool) -> list[Row]:
    """Open ones first, in the order of their deadlines, then the ended ones, the newest first."""
    ids = await seen.ids() if every else [*await seen.open_ids(), *await seen.ended_ids(ended)]
    now = await seen.investigations.now()
    rows = [row_of(record, now) for record in await seen.records(ids)]
    is_over = {row.incident: row.state == "ended" for row in rows}
    if every:
        rows.sort(key=lambda row: row.opened_at or now, reverse=True)
    return sorted(rows, key=lambda row: is_over[row.incident])


class _Look:
    """One connection for all looks; a Redis that is away is said and asked again."""

    def __init__(self, ended: int, every: bool) -> None:
        self._ended, self._every = ended, every
        self._runner = asyncio.Runner()
        self._store = Store(open_redis(), where.keys())
        self.trouble = ""
        self.rows: list[Row] = []

    def again(self) -> None:
        try:
            self.rows = self._runner.run(_rows(self._store, self._ended, every=self._every))
            self.trouble = ""
        except (RedisError, OSError) as error:
            self.trouble = str(unusable(where.settings(), error))

    def close(self) -> None:
        self._runner.run(self._store.redis.aclose())
        self._runner.close()


def _follow(page: Page, look: _Look, *, seconds: float, as_json: bool) -> None:
    try:
        if as_json or not page.console.is_terminal:
            _follow_in_lines(page, look, seconds=seconds, as_json=as_json)
        with Live(console=page.console, auto_refresh=False, transient=False) as live:
            while True:
                look.again()
                foot = look.trouble or f"{_counted(look.rows)} · {where.shown_url()} · Ctrl-C ends"
                foot = cut(foot, page.width)
                shown = table(look.rows, columns=page.width)
                style = "red" if look.trouble else "dim"
                live.update(Group(shown, Text(foot, style=style)), refresh=True)
                time.sleep(seconds)
    finally:
        look.close()


def _follow_in_lines(page: Page, look: _Look, *, seconds: float, as_json: bool) -> None:
    told: dict[str, Row] = {}
    trouble = ""
    while True:
        look.again()
        if look.trouble and look.trouble != trouble:
            typer.echo(f"nightshift watch: {look.trouble}", err=True)
        trouble = look.trouble
        changed = [row for row in look.rows if _steady(row) != told.get(row.incident)]
        told |= {row.incident: _steady(row) for row in changed}
        if changed:
            _tell(page, changed, as_json=as_json)
        sys.stdout.flush()
        time.sleep(seconds)


def _steady(row: Row) -> Row:
    """The row without what changes by itself."""
    return row.model_copy(update={"elapsed_seconds": 0.0})


def _tell(page: Page, rows: list[Row], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            write_json(row.model_dump(mode="json"))
        return
    if rows:
        page.show(table(rows, columns=page.width))
        return
    page.words("no investigations are open and none ended lately (--all: every one kept)", indent=0)


def _counted(rows: list[Row]) -> str:
    over = sum(row.state == "ended" for row in rows)
    return f"{len(rows) - over} open, {over} ended"
