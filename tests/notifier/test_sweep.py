"""What the sweep does about what it cannot close."""

from bus.events import IncidentOpened, InvestigationId
from bus.process import Service
from bus.testing import eventually
from services.notifier.adapters.redis_deadlines import Deadlines

INV = InvestigationId("inc-7")


async def test_id_without_a_record_is_taken_out_of_the_deadlines(service: Service) -> None:
    bus = service.bus
    await bus.redis.zadd(bus.keys.deadlines, {"inc-gone": 1.0})

    async def gone() -> bool:
        now = await bus.investigations.now()
        return await Deadlines(bus.redis, bus.keys).due(now) == []

    await eventually(gone)


async def test_investigation_of_another_release_is_left_to_its_own_replicas(
    service: Service,
) -> None:
    """Put off for a minute, as what cannot be read is, it would have missed its deadline."""
    bus = service.bus
    await bus.publish(IncidentOpened(service="cartservice", summary="500", incident_id=INV))

    async def opened() -> bool:
        return await bus.investigations.read(INV) is not None

    await eventually(opened)
    key = bus.keys.of(INV, "record")
    await bus.redis.hset(key, "schema_version", "2.0")
    await bus.redis.zadd(bus.keys.deadlines, {INV: 1.0})

    async def postponed() -> float:
        score = float(await bus.redis.zscore(bus.keys.deadlines, INV) or 0)
        return score - (await bus.investigations.now()).timestamp() if score > 1 else 0.0

    assert await eventually(postponed) < 2
    assert await bus.redis.hget(key, "outcome") == b"null"


async def test_a_key_that_is_no_record_keeps_nobody_elses_deadline(service: Service) -> None:
    """The sweep ended at the first id whose key could not be read, and all later ones waited."""
    bus = service.bus
    await bus.redis.set(bus.keys.of("odd", "record"), "not a hash", ex=600)
    await bus.publish(IncidentOpened(service="cartservice", summary="500", incident_id=INV))

    async def opened() -> bool:
        return await bus.investigations.read(INV) is not None

    await eventually(opened)
    await bus.redis.zadd(bus.keys.deadlines, {"odd": 1.0, INV: 2.0})

    async def looked_at() -> bool:
        return float(await bus.redis.zscore(bus.keys.deadlines, INV) or 0) > 2

    await eventually(looked_at)
    assert float(await bus.redis.zscore(bus.keys.deadlines, "odd") or 0) > 1
