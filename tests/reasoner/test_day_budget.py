"""The day's dollars in Redis: what is set aside, and what a call that nobody finished counts."""

import pytest

from bus.broker import Bus
from services.reasoner.adapters.redis_budget import RedisDayBudget
from services.reasoner.budget import Reservation
from tests.conftest import MakeBus

DAY = "2026-11-24"


def wanted(
    name: str, *, keep_usd: float = 0.0, own_usd: float = 9.0, last: bool = False
) -> Reservation:
    """Forty cents."""
    return Reservation(name=name, usd=0.4, keep_usd=keep_usd, own_usd=own_usd, concludes=last)


@pytest.fixture
def bus(make_bus: MakeBus) -> Bus:
    return make_bus("reasoner")


async def test_the_day_holds_what_is_reserved_and_what_must_be_kept(bus: Bus) -> None:
    day = RedisDayBudget(bus.redis, bus.keys, 1.0)
    assert await day.reserve(DAY, wanted("inc-1:1:a")) == ""
    assert await day.reserve(DAY, wanted("inc-2:1:a", keep_usd=0.3)) == "day budget"
    assert await day.reserve(DAY, wanted("inc-2:1:a", last=True)) == ""
    assert await day.reserve(DAY, wanted("inc-3:1:a", last=True)) == "day budget"
    await day.settle(DAY, "inc-1:1:a", spent_usd=0.1)
    assert await day.reserve(DAY, wanted("inc-3:1:a")) == ""


async def test_a_call_that_was_never_finished_counts_for_its_investigation_too(bus: Bus) -> None:
    """It was cut off, or its process died: it may have been billed, and no record knows."""
    day = RedisDayBudget(bus.redis, bus.keys, 100.0)
    assert await day.reserve(DAY, wanted("inc-1:1:a", own_usd=0.5)) == ""
    assert await day.reserve(DAY, wanted("inc-1:1:b", own_usd=0.5)) == "dollars"
    assert await day.reserve(DAY, wanted("inc-11:1:a", own_usd=0.5)) == ""
    assert await day.reserve(DAY, wanted("inc-1:1:b", own_usd=0.5, last=True)) == ""
    for name in ("inc-1:1:a", "inc-1:1:b"):
        await day.settle(DAY, name, spent_usd=0.0)
    assert await day.reserve(DAY, wanted("inc-1:2:a", own_usd=0.5)) == ""
