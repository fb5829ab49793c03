"""What ingest's scripts word themselves is signed after them, once, whichever replica does it."""

import asyncio
import json
from typing import Any

import pytest
from pydantic import SecretStr

from bus.events import AlarmJoined
from bus.seals import Seals
from bus.streams import UPDATES
from bus.testing import entries, events
from cli.envelope_keys import stepped, value
from tests.conftest import MakeBus
from tests.ingest.shift import Shift

KEYS = stepped({}, "new")


def signed(make_bus: MakeBus, service: str) -> Any:
    keys = SecretStr(value(KEYS, service))
    return make_bus(service, envelopes="require", envelope_keys=keys)


@pytest.fixture
def shift(make_bus: MakeBus) -> Shift:
    """A replica that signs."""
    return Shift(signed(make_bus, "ingest"))


async def test_an_alarm_that_joins_is_told_under_ingests_signature(
    shift: Shift, make_bus: MakeBus
) -> None:
    readers: list[Seals] = [signed(make_bus, name).seals for name in ("reasoner", "notifier")]
    first = await shift.raised("cart")
    await shift.begin()

    await shift.raised("cart")

    (joined,) = await events(shift.bus, UPDATES)
    assert isinstance(joined, AlarmJoined)
    assert joined.investigation_id == first.incident_id
    (entry,) = await entries(shift.bus, UPDATES)
    for reader in readers:
        reader.check(entry)
    assert entry.fields["traceparent"]


async def test_what_a_dead_replica_left_unsigned_the_next_drain_signs_once(
    shift: Shift, make_bus: MakeBus
) -> None:
    other = Shift(signed(make_bus, "ingest"))
    fields = ["event", "AlarmJoined", "id", "1", "version", "1.1", "data"]
    fields.append('{"investigation_id":"inc-1","alarm":{"name":"cart"}}')
    key = f"{shift.bus.keys.prefix}fingerprint:unsealed"
    await shift.bus.redis.lpush(key, json.dumps(["updates", fields]))
    await shift.bus.redis.expire(key, 60)

    await asyncio.gather(shift.backlog.drain(), other.backlog.drain())

    (entry,) = await entries(shift.bus, UPDATES)
    signed(make_bus, "reasoner").seals.check(entry)
    assert await shift.bus.redis.exists(key) == 0
