"""`nightshift show --ignored`: what ingest decided about triggers that have no incident."""

from datetime import UTC, datetime
from typing import Any

from pydantic import Field, ValidationError

from bus.connection import as_text
from bus.envelope import text_fields
from bus.events import Value
from cli.inside.store import Store, literal
from cli.inside.terminal import Page, cut
from cli.inside.triggers import Decided, triggers_of

LAST = 50


class Waiting(Value):
    """A problem that waits for a place."""

    alarm: str
    service: str
    severity: str
    since: datetime
    count: int = 1
    """How many triggers it was about so far."""


class Unlinked(Value):
    """Of the last day: how many became what, the last of them, and what waits at this moment."""

    counts: dict[str, int] = Field(default_factory=dict)
    last: list[Decided] = Field(default_factory=list)
    waiting: list[Waiting] = Field(default_factory=list)


async def unlinked(seen: Store) -> Unlinked:
    """What stands in the windows of which something is kept; the newest first."""
    prefix = f"{seen.keys.prefix}fingerprint:incident:"
    pattern = f"{literal(prefix)}none:*"
    names = [as_text(name) async for name in seen.redis.scan_iter(match=pattern, count=1000)]
    windows = [await triggers_of(seen, name.removeprefix(prefix)) for name in names]
    counts: dict[str, int] = {}
    for window in windows:
        for what, number in window.counts.items():
            counts[what.removesuffix(": ")] = counts.get(what.removesuffix(": "), 0) + number
    last = sorted((one for window in windows for one in window.last), key=lambda one: one.at)
    return Unlinked(counts=counts, last=last[::-1][:LAST], waiting=await _waiting(seen))


def show_unlinked(page: Page, found: Unlinked) -> None:
    """Counts, the last decisions, and what waits."""
    page.words("Triggers without an incident, of the last day", indent=0, style="bold")
    for what, number in sorted(found.counts.items()):
        page.words(f"{number:>6}  {what}", hang=10)
    if not found.counts:
        page.words("none")
    for one in found.last:
        about = f"{one.alarm}: " if one.alarm else ""
        text = f"{one.at:%Y-%m-%d %H:%M:%S} UTC  {about}{one.outcome}, {one.reason}"
        page.words(cut(text, 3 * page.width), hang=4)
    if any(what.startswith("rejected") for what in found.counts):
        page.words("what was rejected is kept: `nightshift dead-letters list`")
    page.heading("WAITING NOW, the first in line first")
    for held in found.waiting:
        text = f"{held.count:>6}  {held.severity} {held.service}: {held.alarm}, since"
        page.words(cut(f"{text} {held.since:%H:%M:%S} UTC", 3 * page.width), hang=8)
    if not found.waiting:
        page.words("nothing")


async def _waiting(seen: Store) -> list[Waiting]:
    prefix = seen.keys.prefix
    names: Any = await seen.redis.zrange(f"{prefix}backlog", 0, -1)
    found = []
    for name in names:
        raw: Any = await seen.redis.hgetall(f"{prefix}fingerprint:problem:{as_text(name)}")
        problem = _problem(text_fields(raw))
        found += [problem] if problem else []
    return found


def _problem(fields: dict[str, str]) -> Waiting | None:
    """The problem; nothing for one that has opened meanwhile."""
    if fields.get("state") != "held":
        return None
    try:
        since = datetime.fromtimestamp(int(fields["at"]) / 1000, UTC)
        return Waiting.model_validate({**fields, "since": since}, extra="ignore")
    except (ValidationError, ValueError, KeyError):
        return None
