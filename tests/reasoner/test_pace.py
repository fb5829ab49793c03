"""Limits, pauses and the breaker of the model: all replicas keep them together."""

from collections.abc import Callable

import pytest

from bus.errors import Unavailable
from bus.testing import eventually
from services.reasoner.adapters.pace import Leave, Pace
from services.reasoner.settings import Settings
from tests.conftest import MakeBus
from tests.reasoner.asking import question, replicas
from tests.reasoner.model_desk import ModelDesk, Said, text

MODEL = "claude-sonnet-5-5"
MakePaces = Callable[..., tuple[Pace, Pace]]


@pytest.fixture
def two(make_bus: MakeBus) -> MakePaces:
    """`two(**settings)`: the paces of two replicas."""

    def make(**settings: object) -> tuple[Pace, Pace]:
        paces = []
        for _ in range(2):
            bus = make_bus("reasoner", Settings, **settings)
            assert isinstance(bus.settings, Settings)
            paces.append(Pace(bus.redis, bus.keys, bus.settings))
        return paces[0], paces[1]

    return make


async def leave(pace: Pace, *, tokens: int = 0, patience: float = 30) -> Leave:
    return await pace.enter(MODEL, tokens=tokens, patience=patience)


def says(status: int, **headers: str) -> Said:
    return Said(status=status, headers={name.replace("_", "-"): v for name, v in headers.items()})


async def test_without_limits_every_call_goes_at_once_and_nothing_is_written(
    two: MakePaces,
) -> None:
    one, other = two()
    for pace in (one, other, one):
        assert await leave(pace, tokens=10**9) == Leave("go", 0.0)
    assert await one.redis.exists(f"{one.keys.prefix}pace:anthropic:{MODEL}") == 0


async def test_replicas_share_the_requests_of_a_minute_and_queue_for_the_next_places(
    two: MakePaces,
) -> None:
    one, other = two(model_requests_per_minute=6)
    waits = [(await leave(pace)).wait_seconds for pace in (one, other) * 4]
    assert waits[:6] == [0.0] * 6
    assert waits[6:] == pytest.approx([10.0, 20.0], abs=0.5)
    refused = await leave(one, patience=25)
    assert refused.word == "limit"
    assert refused.wait_seconds == pytest.approx(30, abs=0.5)
    assert (await leave(other)).wait_seconds == pytest.approx(30, abs=0.5), "no place was taken"


async def test_tokens_that_came_from_the_cache_are_given_back(two: MakePaces) -> None:
    one, other = two(model_tokens_per_minute=6000)
    assert (await leave(one, tokens=5000)).wait_seconds == 0
    assert (await leave(other, tokens=5000, patience=10)).word == "limit"
    await one.worked(MODEL, over=4500)
    assert (await leave(other, tokens=5000)).wait_seconds == 0


async def test_a_call_larger_than_a_minutes_tokens_goes_when_the_bucket_is_full(
    two: MakePaces,
) -> None:
    one, _ = two(model_tokens_per_minute=1000)
    assert (await leave(one, tokens=50_000)).word == "go"


async def test_a_pause_holds_for_all_but_no_longer_than_an_investigation_lives(
    two: MakePaces,
) -> None:
    one, other = two(deadline_seconds=120)
    await one.pause(MODEL, 3600)
    await one.pause(MODEL, 1)
    paused = await leave(other)
    assert paused.word == "paused"
    assert paused.wait_seconds == pytest.approx(120, abs=1)


async def test_failures_in_a_row_leave_the_model_alone_until_one_call_has_tried(
    two: MakePaces,
) -> None:
    one, other = two(model_failures=3, model_pause_seconds=0.2)
    for pace, by in ((one, "inc-1"), (other, "inc-2")):
        await pace.failed(MODEL, by=by)
    assert (await leave(one)).word == "go"
    await one.failed(MODEL, by="inc-1")
    alone = await leave(other)
    assert alone.word == "open"
    assert 0 < alone.wait_seconds <= 0.2

    async def trial() -> bool:
        return (await leave(one)).word == "go"

    await eventually(trial)
    assert (await leave(other)).word == "open", "one call tries, and no other"
    await one.failed(MODEL, by="inc-1")
    assert (await leave(other)).word == "open"
    await eventually(trial)
    await one.worked(MODEL)
    assert await leave(other) == Leave("go", 0.0)


async def test_a_success_begins_the_row_anew(two: MakePaces) -> None:
    one, other = two(model_failures=2)
    for _ in range(3):
        await one.failed(MODEL, by="inc-1")
        await leave(other)
        await other.worked(MODEL)
    await other.failed(MODEL, by="inc-2")
    assert (await leave(one)).word == "go"


async def test_a_burst_that_fails_in_parts_is_no_row_of_failures(two: MakePaces) -> None:
    """Twelve of forty calls that began together failed, and the model was left alone.

    The others had begun before the first failure, so that none of them told that it worked.
    """
    one, other = two(model_failures=3)
    for pace in (one, other) * 6:
        assert (await leave(pace)).word == "go"
    for number in range(6):
        await one.failed(MODEL, by=f"inc-{number}")
        await one.worked(MODEL)
    assert (await leave(other)).word == "go"


async def test_one_investigation_that_always_fails_closes_the_model_to_no_other(
    two: MakePaces,
) -> None:
    one, other = two(model_failures=2)
    for _ in range(9):
        await one.failed(MODEL, by="inc-1")
    assert (await leave(other)).word == "go"


async def test_a_limit_that_one_replica_is_told_holds_the_other_one_back(
    make_bus: MakeBus,
) -> None:
    desk = ModelDesk([says(429, retry_after="1000")])
    async with replicas(desk.app(), make_bus, 2) as (one, other):
        for replica, seconds, why in ((one, 5.0, "429"), (other, 3.0, "the API asked to wait")):
            with pytest.raises(Unavailable, match=why) as away:
                await replica.ask(seconds=seconds)
            assert away.value.retry_in_seconds <= seconds
    assert len(desk.bodies) == 1


async def test_a_short_wait_is_waited_for_and_the_call_goes_on(make_bus: MakeBus) -> None:
    desk = ModelDesk([says(429, retry_after="0.05"), text("It is the cart.")])
    async with replicas(desk.app(), make_bus) as (one,):
        assert (await one.ask()).text == "It is the cart."
    assert len(desk.bodies) == 2


async def test_a_model_that_is_left_alone_is_not_asked_and_the_turn_comes_back_later(
    make_bus: MakeBus,
) -> None:
    desk = ModelDesk([says(529)])
    async with replicas(desk.app(), make_bus, 2, model_failures=6) as (one, other):
        for replica, by in ((one, "inc-1"), (other, "inc-2")):
            with pytest.raises(Unavailable):
                await replica.ask(question(by))
        assert len(desk.bodies) == 6
        with pytest.raises(Unavailable, match="left alone for a while") as away:
            await one.ask(question("inc-3"))
        assert 0 < away.value.retry_in_seconds <= 5
    assert len(desk.bodies) == 6


async def test_a_call_that_has_no_place_within_the_minute_is_handed_back_unsent(
    make_bus: MakeBus,
) -> None:
    desk = ModelDesk([text("It is the cart.")])
    async with replicas(desk.app(), make_bus, 2, model_requests_per_minute=1) as (one, other):
        await one.ask()
        with pytest.raises(Unavailable, match="no place within this minute's limits"):
            await other.ask()
    assert len(desk.bodies) == 1
