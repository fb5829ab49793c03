"""What nobody signed who may write it: a dead letter, a notice, and no effect on any incident."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from bus.broker import Bus, Route
from bus.commits import Investigations
from bus.envelope import Entry
from bus.events import (
    Event,
    InvestigationId,
    NoticeRequested,
    StopRequested,
    ToolCallFinished,
    ToolCallId,
    TurnDue,
)
from bus.process import build_app
from bus.record import Commit, Record, end
from bus.seals import Seals
from bus.streams import NOTICES, STOPS, STREAM_OF, TOOL_RESULTS, TURNS
from bus.testing import dead_letters, entries, events, eventually
from cli.envelope_keys import stepped, value
from tests.bus.incidents import opened
from tests.conftest import MakeBus, Start

INV = InvestigationId("inc-1")
KEYS = stepped({}, "new")
Signed = Callable[[str], Bus]


@pytest.fixture
def signed(make_bus: MakeBus) -> Signed:
    """A service's bus, with its own keys."""

    def make(service: str) -> Bus:
        keys = SecretStr(value(KEYS, service))
        return make_bus(service, envelopes="require", envelope_keys=keys)

    return make


async def put(bus: Bus, event: Event, seals: Seals) -> str:
    """The event on its stream, as that one would sign it."""
    fields: dict[Any, Any] = dict(seals.fields(event).items())
    return str(await bus.redis.xadd(bus.keys.stream(STREAM_OF[type(event)]), fields))


async def test_forged_entries_are_set_aside_and_told_and_end_nothing(
    signed: Signed, make_bus: MakeBus, start: Start
) -> None:
    reasoner, thief = signed("reasoner"), signed("toolrunner")
    handled: list[str] = []

    async def note(event: Event, entry: Entry) -> None:
        handled.append(entry.entry_id)

    record = await opened(reasoner)
    routes = [Route(TURNS, TurnDue, note), Route(TOOL_RESULTS, ToolCallFinished, note)]
    await start(build_app(reasoner, routes))
    inv = record.investigation_id
    await eventually(lambda: count_of(handled, 1))
    turn = TurnDue(investigation_id=inv, turn=1)
    result = ToolCallFinished(investigation_id=inv, tool_call_id=ToolCallId("1-1"), ok=True)
    await put(reasoner, turn, Seals())
    await put(reasoner, turn, thief.seals)
    await put(reasoner, result, make_bus("toolrunner").seals)
    await put(reasoner, result, thief.seals)

    await eventually(lambda: count_of(handled, 2))
    letters = await eventually(lambda: letters_of(reasoner))

    reasons = sorted(letter.reason for letter in letters)
    assert reasons == [
        "not accepted: it is not signed",
        "not accepted: it is not signed",
        "not accepted: its sender may not write this",
    ]
    told = [each for each in await events(reasoner, NOTICES) if isinstance(each, NoticeRequested)]
    assert len([each for each in told if "was refused" in each.text]) == 3
    stands = await reasoner.investigations.read(inv)
    assert stands is not None
    assert stands.state == "turn_due"
    assert stands.version == record.version


async def test_what_a_service_writes_is_accepted_by_those_who_read_it(signed: Signed) -> None:
    """Of commits, results, dead letters and plain publishing alike."""
    reasoner, notifier = signed("reasoner"), signed("notifier")
    await opened(reasoner)
    await notifier.publish(NoticeRequested(text="a sentence"))
    await reasoner.publish(StopRequested(investigation_id=INV, outcome="failed"))

    for stream, readers in ((TURNS, [reasoner]), (STOPS, [reasoner]), (NOTICES, [notifier])):
        written = await entries(reasoner, stream)
        assert len(written) == 1
        for reader in readers:
            reader.seals.check(written[0])


async def test_a_repeated_entry_has_no_effect_at_the_record(signed: Signed) -> None:
    """Within the hour nothing forbids it (decision 0043)."""
    reasoner = signed("reasoner")
    record = await opened(reasoner)
    (first,) = await entries(reasoner, TURNS)
    await reasoner.redis.xadd(reasoner.keys.stream(TURNS), dict(first.fields.items()))
    (_, copy) = await entries(reasoner, TURNS)

    reasoner.seals.check(copy)
    one, other = [await ended(reasoner.investigations, each) for each in (first, copy)]

    assert (one, other) == (record.version + 1, record.version + 1)


async def ended(investigations: Investigations, entry: Entry) -> int:
    """The record's version after the turn of that entry was asked to end it."""
    at = await investigations.now()

    def decide(record: Record) -> Commit | None:
        return None if record.state == "ended" else end(record, "inconclusive", at=at)

    entry.group = "reasoner"
    found = await investigations.apply(INV, decide, entry=entry)
    assert found is not None
    return found.version


async def letters_of(bus: Bus) -> list[Any]:
    found = [*await dead_letters(bus, TURNS), *await dead_letters(bus, TOOL_RESULTS)]
    return found if len(found) >= 3 else []


async def count_of(handled: list[str], number: int) -> bool:
    return len(handled) == number
