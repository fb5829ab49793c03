"""A post of a writer that slept comes in after all: it goes, whoever is cancelled or dies then."""

import asyncio
import dataclasses
import math
from dataclasses import dataclass, field

import pytest

from bus.events import InvestigationId, InvestigationStopped
from bus.record import Record
from bus.testing import eventually
from services.notifier.adapters.redis_owing import RedisOwing
from services.notifier.adapters.redis_places import RedisPlaces
from services.notifier.message import Messages
from services.notifier.ports import Finished, Settled, Turn
from services.notifier.report import live_card
from services.notifier.stop import Place, signal
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.slack_desk import Desk
from tests.notifier.test_taking_back import overtaken, owed, swept


@dataclass
class Reconnecting(RedisPlaces):
    """Slack has answered, and the connection to Redis has yet to be made anew."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    async def wrote(
        self, investigation_id: InvestigationId, turn: Turn, *, place: Place
    ) -> Settled:
        """The same, later."""
        await self._wait()
        return await super().wrote(investigation_id, turn, place=place)

    async def finish(
        self, investigation_id: InvestigationId, turn: Turn, *, signal: InvestigationStopped
    ) -> Finished:
        """The same, later."""
        await self._wait()
        return await super().finish(investigation_id, turn, signal=signal)

    async def _wait(self) -> None:
        self.asked.set()
        await self.connected.wait()


def reconnecting(replica: Replica) -> tuple[Messages, Reconnecting]:
    """Its messages, over such a connection."""
    settings, bus = replica.settings, replica.bus
    places = Reconnecting(bus.redis, bus.keys, settings.lease_seconds, settings.progress_seconds)
    return dataclasses.replace(replica.messages, places=places), places


async def cancelled(writing: "asyncio.Task[object]", places: Reconnecting) -> None:
    """As its entry's new owner has it: between Slack's answer and what Redis is told of it."""
    await places.asked.wait()
    writing.cancel()
    await asyncio.wait([writing], timeout=0.05)
    places.connected.set()
    with pytest.raises(asyncio.CancelledError):
        await writing


@pytest.mark.parametrize("purpose", ["place", "final"])
async def test_post_of_a_writer_that_is_cancelled_after_slacks_answer_is_taken_back(
    desk: Desk, make_replica: MakeReplica, purpose: str
) -> None:
    """It woke, its post came in beside the final card, and its entry had another owner.

    The doubt about it had been settled, and the cancellation came before Redis was told: two
    messages stood for good, of which one said that the work goes on.
    """
    frozen, other = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    record, woken = await overtaken(frozen, other, closed=True)
    stands = desk.messages[0].ts
    await swept(other, desk)
    messages, places = reconnecting(frozen)
    write = messages.edit if purpose == "place" else messages.finish
    card = live_card(record)
    await cancelled(asyncio.ensure_future(write(record, card, turn=woken)), places)
    assert len(desk.messages) == 2
    await swept(other, desk)
    assert desk.messages[0].ts == stands
    assert len(await other.stop_signals()) == 1


async def test_edit_of_a_writer_that_is_cancelled_after_slacks_answer_is_written_over(
    desk: Desk, make_replica: MakeReplica
) -> None:
    frozen, other = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    record = await other.open()
    await other.messages.place(record, live_card(record))
    turn = await frozen.places.take(record.investigation_id, "progress", order="1-0")
    await other.closing.close(await other.end(record))
    messages, places = reconnecting(frozen)
    woken = dataclasses.replace(turn, ends_at=math.inf)
    edit = messages.edit(record, live_card(record, "reading logs"), turn=woken)
    await cancelled(asyncio.ensure_future(edit), places)
    assert "reading logs" in desk.said()
    await frozen.closing.repair()
    assert "reading logs" not in desk.said()


async def test_post_that_comes_in_after_it_was_looked_for_at_the_end_is_found_a_lease_later(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """Its writer died with it, so nobody knows of it but Slack."""
    frozen, other = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    record, _ = await overtaken(frozen, other, closed=True)
    stands = desk.messages[0].ts
    await frozen.messages.slack.post(live_card(record), record.investigation_id)
    assert len(desk.messages) == 2
    await swept(other, desk)
    assert desk.messages[0].ts == stands
    assert desk.calls("conversations.history") == 3


async def test_message_that_was_stored_while_the_final_card_was_posted_is_known_as_the_second(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """The search fails here, as for a token that lacks its scope, and is not needed."""
    frozen, other = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    ended, turn, woken = await posting_at_once(frozen, other)
    place = await other.messages.slack.post(live_card(ended, "the end"), "inc-7")
    await frozen.messages.edit(ended, live_card(ended), turn=woken)
    finished = await other.places.finish(ended.investigation_id, turn, signal=signal(ended, place))
    assert finished.first
    assert finished.owed
    desk.faults.next["conversations.history"] = ["503"]
    await other.messages.second_messages.take_back(ended)
    assert [message.ts for message in desk.messages] == [place.ts]
    assert await owed(other) == 1
    await swept(other, desk)
    assert (await other.slack_state("inc-7"))["ts"] == place.ts


async def posting_at_once(frozen: Replica, other: Replica) -> tuple[Record, Turn, Turn]:
    """An ended incident, the turn to close it, and that of a writer that sleeps before its post."""
    record = await other.open()
    inv = record.investigation_id
    woken = await frozen.places.take(inv, "place")
    ended = await other.end(record)

    async def taken() -> Turn | None:
        turn = await other.places.take(inv, "final")
        return turn if turn.word == "yours" else None

    turn = await eventually(taken)
    assert turn is not None
    return ended, turn, dataclasses.replace(woken, ends_at=math.inf)


async def test_look_up_that_began_before_a_doubt_arose_does_not_settle_it(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """Two replicas looked, one settled the doubt, the sleeper raised its own, the other ended."""
    frozen, other = make_replica(lease_seconds=0.6), make_replica(lease_seconds=0.6)
    record, woken = await overtaken(frozen, other, closed=True)
    inv, owing = record.investigation_id, other.messages.second_messages.owing
    assert isinstance(owing, RedisOwing)
    before = await owing.owed(inv)
    await owing.forget(inv, before)
    assert await owed(other) == 0
    await frozen.places.failed(inv, woken, known=False)
    await owing.forget(inv, before)
    assert await owed(other) == 1
    await swept(other, desk)
