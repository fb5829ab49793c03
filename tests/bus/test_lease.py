"""Leases against owners that froze: whose entry it is, and until when that is sure."""

import asyncio
import shutil
import sys

import pytest
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisConnectionError

from bus.broker import Bus, Route
from bus.connection import as_text
from bus.envelope import Entry
from bus.errors import Unavailable
from bus.events import InvestigationId, TurnDue
from bus.lease import Leases
from bus.process import build_app
from bus.streams import TURNS
from bus.testing import entries, eventually
from simulator.redis_server import RedisServer
from tests.conftest import MakeBus, Start

UNSHARE = shutil.which("unshare") or ""
TURN = TurnDue(investigation_id=InvestigationId("inc-1"), turn=7)


async def taken(bus: Bus, *, lease_seconds: float) -> Entry:
    """An entry that this consumer owns, its lease just taken."""
    key = bus.keys.stream(TURNS)
    await bus.redis.xgroup_create(key, "reasoner", id="0", mkstream=True)
    await bus.publish(TURN)
    await bus.redis.xreadgroup("reasoner", bus.settings.consumer, {key: ">"})
    (entry,) = await entries(bus, TURNS)
    entry.group = "reasoner"
    leases = Leases(bus.redis, bus.keys, bus.settings.consumer, lease_seconds)
    assert await leases.take(entry)
    return entry


async def test_handler_stops_when_its_entry_was_finished_by_another_owner(
    make_bus: MakeBus, start: Start
) -> None:
    """A replica froze, its entry was taken over and acknowledged, and then it woke up.

    Its renewal found no entry at all, said nothing, and the handler went on to call the outside.
    """
    bus = make_bus("reasoner", lease_seconds=0.5)
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def work(event: TurnDue, entry: Entry) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.set()
            raise

    await start(build_app(bus, [Route(TURNS, TurnDue, work)]))
    entry_id = await bus.publish(TURN)
    await begun.wait()
    key = bus.keys.stream(TURNS)
    await bus.redis.xclaim(key, "reasoner", "another", 0, [entry_id])
    await bus.redis.xack(key, "reasoner", entry_id)
    await asyncio.wait_for(stopped.wait(), 5)


async def test_entry_that_comes_twice_at_once_to_a_process_is_taken_once(make_bus: MakeBus) -> None:
    """Its reader was slower than the lease, so that its own takeover brought the entry as well."""
    bus = make_bus("reasoner")
    entry = await taken(bus, lease_seconds=5)
    again = Entry(stream=TURNS, group="reasoner", entry_id=entry.entry_id, fields=entry.fields)
    leases = Leases(bus.redis, bus.keys, bus.settings.consumer, 5)
    both = [leases.take(entry), leases.take(again)]
    assert sorted(await asyncio.gather(*both)) == [False, True]
    assert not await leases.take(again)
    leases.let_go(entry)
    assert await leases.take(again)


async def test_entry_is_held_for_its_lease_and_no_longer(make_bus: MakeBus) -> None:
    entry = await taken(make_bus("reasoner"), lease_seconds=0.3)
    entry.check_held()

    async def ran_out() -> bool:
        try:
            entry.check_held()
        except Unavailable:
            return True
        return False

    await eventually(ran_out)


async def test_renewal_extends_what_is_held(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    entry = await taken(bus, lease_seconds=0.5)
    first = entry.held_until
    leases = Leases(bus.redis, bus.keys, bus.settings.consumer, 0.5)
    task = asyncio.create_task(for_ever())
    keeper = asyncio.create_task(leases.keep())
    leases.started(entry, task)

    async def renewed_past_the_first_lease() -> bool:
        return entry.held_until > first + 0.5

    await eventually(renewed_past_the_first_lease)
    entry.check_held()
    for running in (task, keeper):
        running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeper


async def test_renewal_of_a_woken_owner_does_not_steal_the_entry_back(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    entry = await taken(bus, lease_seconds=0.5)
    key = bus.keys.stream(TURNS)
    await bus.redis.xclaim(key, "reasoner", "another", 0, [entry.entry_id])
    leases = Leases(bus.redis, bus.keys, bus.settings.consumer, 0.5)
    assert not await leases.take(entry)
    (row,) = await bus.redis.xpending_range(key, "reasoner", min="-", max="+", count=1)
    assert as_text(row["consumer"]) == "another"


@pytest.mark.skipif(not UNSHARE, reason="unshare is not installed")
async def test_lease_runs_out_while_its_machine_sleeps(make_bus: MakeBus) -> None:
    """Python's monotonic clock stands still then; a woken machine took its lost lease for its own.

    The child's clocks are those of a machine that has slept for a minute more than this one.
    """
    entry = await taken(make_bus("reasoner"), lease_seconds=30)
    entry.check_held()
    slept = [UNSHARE, "--user", "--map-root-user", "--time", "--boottime", "60"]
    ask = (
        "from bus.envelope import Entry; from bus.streams import TURNS; "
        "Entry(stream=TURNS, group='', entry_id='1-1', fields={}, "
        f"held_until={entry.held_until}).check_held()"
    )
    probe = await asyncio.create_subprocess_exec(*slept, "true", stderr=asyncio.subprocess.PIPE)
    if await probe.wait():
        pytest.skip("this user may not make namespaces")
    child = await asyncio.create_subprocess_exec(
        *slept, sys.executable, "-c", ask, stderr=asyncio.subprocess.PIPE
    )
    _, words = await child.communicate()
    assert b"the lease on this entry has run out" in words


async def for_ever() -> None:
    await asyncio.Event().wait()


@pytest.mark.timeout(60)
async def test_redis_that_goes_away_during_the_work_is_counted_against_nobody(
    own_redis: RedisServer, make_bus: MakeBus, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """The work failed because Redis was away, and so did handing it back; that counted as a death.

    Six short outages set an innocent entry aside.
    """
    bus = make_bus("reasoner", redis_url=SecretStr(own_redis.url), lease_seconds=12)
    begun = asyncio.Event()
    deliveries: list[int] = []

    async def work(event: TurnDue, entry: Entry) -> None:
        deliveries.append(entry.delivery_count)
        if len(deliveries) == 1:
            own_redis.kill()
            begun.set()
            raise RedisConnectionError("away")

    await start(build_app(bus, [Route(TURNS, TurnDue, work)]))
    await bus.publish(TURN)
    await begun.wait()
    await eventually(lambda: _is_in("waits for Redis", caplog), 30)
    own_redis.start()
    await eventually(lambda: redelivered(deliveries), 40)
    assert deliveries == [1, 1]


async def _is_in(words: str, caplog: pytest.LogCaptureFixture) -> bool:
    return words in caplog.text


async def redelivered(deliveries: list[int]) -> bool:
    return len(deliveries) == 2
