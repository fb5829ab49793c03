"""Redis: reachable, lasting, the right one; its groups, what lies about in it, and its clock."""

import os
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import RedisError, ResponseError

from bus.connection import as_text, unusable
from bus.streams import STREAMS, Stream
from cli import where
from cli.doctor.finding import Finding, fail, ok, warn
from cli.inside.store import Store
from cli.inside.triggers import waiting

LEAST_VERSION = (6, 2)
TELLS_IDLE = (7, 2)
"""From here on a replica that asks in vain counts as one that has asked."""
ALIVE_MS = 30_000
"""A replica asks for work every few seconds."""
OLD_SECONDS, WAITED_SECONDS = 300, 10
"""A turn is run again under its entry, as long as its investigation lasts."""
CLOCK_WARN, CLOCK_FAIL = 5.0, 240.0
"""AWS and Slack refuse signatures that are five minutes off."""


async def check_redis(seen: Store) -> AsyncIterator[Finding]:
    """Every finding; only the first one where Redis does not answer."""
    try:
        server: Any = await seen.redis.info("server")
    except (RedisError, OSError) as error:
        what = str(unusable(where.settings(), error))
        yield fail("redis", what, advice="start it, or set REDIS_URL")
        return
    version = str(server.get("redis_version", ""))
    yield _version(version)
    for check in (
        _persistence,
        _memory,
        _generation,
        _clock,
        _deadlines,
        _backlog,
        _catalogue,
        _dead,
    ):
        name = check.__name__.strip("_")
        try:
            yield await check(seen)
        except RedisError as error:
            yield warn(name, f"could not be asked: {error}", advice="allow the doctor this command")
    for group in dict.fromkeys(reader.group for stream in STREAMS for reader in stream.readers):
        yield await _group(seen, group, tells_idle=_numbers(version) >= TELLS_IDLE)


def _version(text: str) -> Finding:
    what = f"Redis {text} at {where.shown_url()}"
    if _numbers(text) < LEAST_VERSION:
        return fail("redis", what, advice="use Redis 6.2 or newer")
    return ok("redis", what)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


async def _persistence(seen: Store) -> Finding:
    found: Any = await seen.redis.info("persistence")
    if not int(found.get("aof_enabled", 0)):
        advice = "set `appendonly yes` and `appendfsync everysec`, on a volume"
        return warn("persistence", "no append-only file: a restart loses incidents", advice=advice)
    if found.get("aof_last_write_status", "ok") != "ok":
        return fail(
            "persistence", "the last write of the file failed", advice="look at Redis's disk"
        )
    return ok("persistence", "append-only file, last write ok")


async def _memory(seen: Store) -> Finding:
    found: Any = await seen.redis.info("memory")
    policy, limit = str(found.get("maxmemory_policy", "")), int(found.get("maxmemory", 0))
    used = int(found.get("used_memory", 0))
    what = f"maxmemory-policy {policy}, {used / 2**20:.0f} MiB used"
    what += f" of {limit / 2**20:.0f}" if limit else ", no limit"
    if policy != "noeviction":
        advice = "set `maxmemory-policy noeviction`: evicted keys are lost incidents"
        return fail("memory", what, advice=advice) if limit else warn("memory", what, advice=advice)
    if limit and used > 0.8 * limit:
        return warn("memory", what, advice="raise maxmemory: a full Redis takes no new incident")
    return ok("memory", what)


async def _generation(seen: Store) -> Finding:
    stands = as_text(await seen.redis.get(seen.keys.generation))
    wanted = os.environ.get("NIGHTSHIFT_GENERATION", "")
    if wanted and stands != wanted:
        what = f"this store is {stands or 'without a name'}, wanted is {wanted}"
        return fail("generation", what, advice="bring the right data back, or `nightshift init`")
    if not stands:
        return warn("generation", "no service has used this Redis yet", advice="start the services")
    pinned = "as NIGHTSHIFT_GENERATION says" if wanted else "NIGHTSHIFT_GENERATION is not set"
    return ok("generation", f"store {stands}; {pinned}")


async def _clock(seen: Store) -> Finding:
    before = time.time()
    now = (await seen.investigations.now()).timestamp()
    off = now - (before + time.time()) / 2
    what = f"this machine and Redis differ by {abs(off):.1f} s"
    advice = "set the clocks by NTP: signatures of AWS and Slack depend on them"
    if abs(off) > CLOCK_FAIL:
        return fail("clock", what, advice=advice)
    return warn("clock", what, advice=advice) if abs(off) > CLOCK_WARN else ok("clock", what)


async def _deadlines(seen: Store) -> Finding:
    now = (await seen.investigations.now()).timestamp()
    due: Any = await seen.redis.zrange(seen.keys.deadlines, 0, -1, withscores=True)
    late = [as_text(name) for name, at in due if float(at) < now - 10]
    if late:
        what = f"{len(late)} of {len(due)} open investigations are past their moment: {late[0]}"
        return fail("deadlines", what, advice="start a notifier: it ends what is due")
    return ok("deadlines", f"{len(due)} open, none overdue")


async def _backlog(seen: Store) -> Finding:
    held, seconds, taken = await waiting(seen)
    if held:
        what = f"{held} problems wait, the oldest for {seconds:.0f} s; {taken} places are taken"
        advice = "they open as places come free, or go into a summary: see NIGHTSHIFT_MAX_OPEN"
        return warn("backlog", what, advice=advice)
    return ok("backlog", f"nothing waits; {taken} places are taken")


async def _catalogue(seen: Store) -> Finding:
    sha256 = as_text(await seen.redis.get(seen.keys.current_catalogue))
    if not sha256:
        advice = "start a toolrunner: until then investigations wait for its tools"
        return warn("catalogue", "no tools are offered", advice=advice)
    return ok("catalogue", f"tools are offered ({sha256[:12]})")


async def _dead(seen: Store) -> Finding:
    counts = {s.name: int(await seen.redis.xlen(seen.keys.dead(s))) for s in STREAMS if s.readers}
    found = ", ".join(f"{count} of {name}" for name, count in counts.items() if count)
    if found:
        return warn("dead letters", found, advice="`nightshift dead-letters list` says why")
    return ok("dead letters", "none")


@dataclass
class _Work:
    """What a group has on all of its streams."""

    missing: list[str] = field(default_factory=list)
    lag: int = 0
    pending: int = 0
    alive: int = 0
    """Most replicas that took something lately; before Redis 7.2 an idle one does not show."""
    waited: float = 0.0
    """Seconds that the oldest entry waits which nobody took."""
    held: float = 0.0
    """Age of the oldest entry that is in work."""


async def _group(seen: Store, group: str, *, tells_idle: bool) -> Finding:
    """One group on all of its streams: does it stand, is it read, how much waits."""
    check, work = f"group {group}", await _work(seen, group)
    if work.missing:
        what = f"not there on {', '.join(work.missing)}"
        advice = f"start a {group}, or start it again: it creates its groups"
        return warn(check, what, advice=advice)
    what = f"{work.lag} waiting, {work.pending} in work"
    if tells_idle:
        what += f", {work.alive} replica{'' if work.alive == 1 else 's'} alive"
    if work.waited > WAITED_SECONDS:
        late = f"{what}; the oldest waits for {work.waited:.0f} s"
        more = "start more of them" if work.alive else f"start a {group}"
        finding = warn if work.alive else fail
        return finding(check, late, advice=more)
    if tells_idle and not work.alive:
        return warn(check, what, advice=f"start a {group}")
    if work.held > OLD_SECONDS:
        advice = f"its oldest entry is {work.held:.0f} s old: look at the logs of {group}"
        return warn(check, what, advice=advice)
    return ok(check, what)


async def _work(seen: Store, group: str) -> _Work:
    work = _Work()
    now = (await seen.investigations.now()).timestamp()
    for stream in STREAMS:
        if group not in [reader.group for reader in stream.readers]:
            continue
        name, row = seen.keys.stream(stream), await _row(seen, stream, group=group)
        if row is None:
            work.missing.append(stream.name)
            continue
        work.lag += int(row.get("lag") or 0)
        work.pending += int(row["pending"])
        consumers: Any = await seen.redis.xinfo_consumers(name, group)
        work.alive = max(work.alive, sum(int(one["idle"]) < ALIVE_MS for one in consumers))
        held: Any = await seen.redis.xpending(name, group)
        after = f"({as_text(row['last-delivered-id'])}"
        left: Any = await seen.redis.xrange(name, after, count=1)
        work.held = max(work.held, _age(held["min"], now))
        work.waited = max(work.waited, _age(left[0][0] if left else None, now))
    return work


def _age(entry_id: object, now: float) -> float:
    return now - int(as_text(entry_id).split("-")[0]) / 1000 if entry_id else 0.0


async def _row(seen: Store, stream: Stream, *, group: str) -> Mapping[str, Any] | None:
    try:
        rows: Any = await seen.redis.xinfo_groups(seen.keys.stream(stream))
    except ResponseError:  # there is no such stream
        return None
    return next((row for row in rows if as_text(row["name"]) == group), None)
