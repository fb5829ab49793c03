"""Entries that are wrong in every way, on every stream: each is settled, and nothing stops."""

import pytest

from bus.broker import Route
from bus.envelope import Entry
from bus.events import Event
from bus.process import build_app
from bus.streams import STREAMS, Stream
from bus.testing import all_settled, dead_letters, eventually
from tests.conftest import MakeBus, Start

READ = [(stream, reader.group) for stream in STREAMS for reader in stream.readers]
DEEP = "[" * 100_000
HALF = '"\\ud800"'
GOOD = {
    "incidents": '{"service":"a","summary":"b"}',
    "turns": '{"investigation_id":"inc-1","turn":1}',
    "tool-calls": '{"investigation_id":"inc-1","tool_call_id":"1-1","turn":1,"tool":"k__x",'
    '"arguments":{}}',
    "tool-results": '{"investigation_id":"inc-1","tool_call_id":"1-1","ok":true}',
    "updates": '{"investigation_id":"inc-1","alarm":{"name":"a"}}',
    "progress": '{"investigation_id":"inc-1","turn":1,"activity":"a"}',
    "diagnoses": '{"investigation_id":"inc-1","outcome":"failed"}',
    "notices": '{"text":"a"}',
}
Fields = dict[str | bytes, str | bytes]
WRONG: list[Fields] = [
    {"data": "not json"},
    {"data": b"\xff\xfe"},
    {b"\xff": b"\xff", "data": b"{}"},
    {"data": DEEP},
    {"data": '{"summary":' + DEEP + "}"},
    {"data": "7" * 5000},
    {"data": HALF},
    {"data": "{" + HALF + ":1}"},
    {"data": '{"service":"a","summary":"b",' + HALF + ":1}"},
    {"data": '{"investigation_id":' + HALF + ',"incident_id":' + HALF + "}"},
    {"data": '{"investigation_id":"inc-1","tool_call_id":' + HALF + "}"},
    {"data": "NaN"},
    {"data": ""},
    {"nothing": "here"},
    {"data": "{}", "event": "NoSuchThing"},
    {"data": "{}", "event": "\ud7ff" * 99},
    {"data": "{}", "version": "2.0"},
    {"data": "{}", "version": "one"},
    {"data": "{}", "version": ""},
    {"data": "{}", "version": "1"},
    {"data": "{}", "version": "\u0661.\u0660"},
    {"data": "{}", "traceparent": "00-x"},
]


@pytest.mark.parametrize(("stream", "group"), READ, ids=[f"{s.name} {g}" for s, g in READ])
async def test_wrong_entries_are_settled_and_the_next_good_one_is_handled(
    make_bus: MakeBus, start: Start, stream: Stream, group: str
) -> None:
    bus = make_bus(group)
    handled: list[str] = []

    async def handle(event: Event, entry: Entry) -> None:
        handled.append(entry.entry_id)

    await start(build_app(bus, [Route(stream, stream.events[0], handle)]))
    key = bus.keys.stream(stream)
    good: Fields = {"data": GOOD[stream.name]}
    for fields in (*WRONG, good):
        await bus.redis.xadd(key, dict(fields.items()))

    async def settled() -> bool:
        return await all_settled(bus, stream, group=group)

    await eventually(settled, 8)
    aside = stream.reader(group).unreadable == "set aside"
    assert len(await dead_letters(bus, stream)) == (len(WRONG) if aside else 0)
    assert len(handled) == 1
