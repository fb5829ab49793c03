"""A large group is read once, moves while it is read, and holds nothing up that nobody waits for.

Of 4 MB of alerts every one was cleaned anew, 1.4 ms each, and the door saw nothing move: the answer
was 503 after 10 s. The reading went on; Alertmanager sent the group again, one more thread each
time, until a small group got no turn either.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator

import pytest

from bus.cleaning import clean
from bus.errors import Unavailable
from bus.testing import eventually
from services.ingest import alertmanager, log_batch
from services.ingest.adapters.reading_room import LONG, ReadingRoom
from services.ingest.posting import Posted
from services.ingest.progress import Asking, Step
from services.ingest.token_doors import AlertmanagerDoor
from tests.conftest import MakeBus
from tests.ingest.bodies import alert, alerts, log_lines, packed
from tests.ingest.shift import Shift


class Reading:
    """One that goes on until it may end, or is given up; and a second at most."""

    def __init__(self) -> None:
        self.began, self.ended, self.may_end = (threading.Event() for _ in range(3))
        self.is_read = False

    def __call__(self, step: Step) -> str:
        self.began.set()
        try:
            for _ in range(200):
                step()
                if self.may_end.wait(0.005):
                    break
            self.is_read = True
            return "read"
        finally:
            self.ended.set()


@pytest.fixture
def begin() -> Iterator[Callable[[], Reading]]:
    """`begin()`: a reading that has ended once the test is over."""
    begun: list[Reading] = []

    def one() -> Reading:
        begun.append(Reading())
        return begun[-1]

    yield one
    for reading in begun:
        reading.may_end.set()


async def until(event: threading.Event) -> None:
    async def is_set() -> bool:
        return event.is_set()

    await eventually(is_set)


async def gone() -> bool:
    return True


def test_of_alerts_that_are_alike_each_text_is_cleaned_once() -> None:
    cleaned: list[str] = []

    def counting(text: str) -> str:
        cleaned.append(text)
        return clean(text)

    held = [
        alert(pod=f"cart-{number}", **{f"l{n}": "x" for n in range(20)}) for number in range(99)
    ]
    found = alertmanager.read(json.loads(alerts(*held)), clean=counting)

    assert len(found) == 99
    assert len(cleaned) < 99 + 60


async def test_what_is_read_for_long_moves_for_whoever_waits_and_for_those_behind_it(
    begin: Callable[[], Reading],
) -> None:
    room, first, second = ReadingRoom(at_once=1, look_seconds=0.01), begin(), begin()
    moved: asyncio.Queue[str] = asyncio.Queue()

    def ask(reading: Reading, name: str) -> asyncio.Task[str]:
        asking = Asking(lambda: moved.put_nowait(name))
        return asyncio.create_task(room.read(reading, size=LONG, asking=asking))

    one, other = ask(first, "first"), ask(second, "second")
    await until(first.began)
    async with asyncio.timeout(5):
        seen = {await moved.get() for _ in range(6)}
    assert seen == {"first", "second"}
    assert not second.began.is_set()

    first.may_end.set()
    second.may_end.set()
    assert [await one, await other] == ["read", "read"]


async def test_a_reading_that_nobody_waits_for_ends_and_gives_its_place_to_the_next(
    begin: Callable[[], Reading],
) -> None:
    room, first, second = ReadingRoom(at_once=1, look_seconds=0.01), begin(), begin()
    asked = asyncio.create_task(room.read(first, size=LONG))
    await until(first.began)

    asked.cancel()
    await until(first.ended)
    assert not first.is_read
    with pytest.raises(Unavailable, match="went away"):
        await room.read(second, size=LONG, asking=Asking(is_gone=gone))

    second.may_end.set()
    assert await room.read(second, size=LONG) == "read"


def test_a_large_log_batch_is_read_step_by_step() -> None:
    """10 MB of lines took 9 s, in which the door saw nothing move."""
    steps: list[None] = []
    batch = packed(log_lines(*(f"ERROR lost {number}" for number in range(50))))

    log_batch.read(batch, clean=clean, step=lambda: steps.append(None))

    assert len(steps) >= 100


async def test_the_door_reads_no_further_for_a_sender_that_went_away(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"))
    shift.triggers.readings = ReadingRoom(look_seconds=0)
    body = alerts(*(alert(pod=f"cart-{number}") for number in range(100))).encode()

    with pytest.raises(Unavailable, match="went away"):
        await AlertmanagerDoor(shift.triggers, ()).take(
            Posted({}, body, asking=Asking(is_gone=gone))
        )

    assert await shift.incidents() == []
