"""`nightshift dead-letters`: what was set aside is listed, shown, and put back once. Real Redis."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from redis import Redis

from bus.broker import Bus, Route
from bus.connection import as_text
from bus.envelope import Entry
from bus.events import DeadLetter, Event, IncidentOpened, InvestigationId, NoticeRequested, TurnDue
from bus.process import build_app
from bus.record import end
from bus.streams import INCIDENTS, NOTICES, TURNS, Stream
from bus.testing import dead_letters, entries, eventually
from cli.replay import DeadLetterBox
from tests.bus.incidents import OPENED_AT, opened
from tests.cli.nightshift import Ended, run
from tests.conftest import MakeBus, Start

pytestmark = pytest.mark.timeout(60)
INV = InvestigationId("inc-1")
OLD = "1700000000000-0"


async def put(
    bus: Bus, stream: Stream, fields: Mapping[str, str], *, group: str = "", reason: str = "broken"
) -> str:
    """A dead letter as a consumer would have written it; its id."""
    letter = DeadLetter(
        stream=stream.name,
        group=group or stream.readers[0].group,
        entry_id=OLD,
        reason=reason,
        delivery_count=3,
        fields=dict(fields),
        set_aside_at=OPENED_AT,
    )
    written = {"event": "DeadLetter", "data": letter.model_dump_json()}
    return as_text(await bus.redis.xadd(bus.keys.dead(stream), dict(written.items())))


async def command(bus: Bus, folder: Path, *arguments: str) -> Ended:
    url = bus.settings.redis_url.get_secret_value()
    return await asyncio.to_thread(
        run,
        "dead-letters",
        *arguments,
        folder=folder,
        REDIS_URL=url,
        NIGHTSHIFT_STREAM_PREFIX=bus.keys.prefix,
        COLUMNS="80",
    )


def incident(**values: str) -> dict[str, str]:
    return {"data": json.dumps({"service": "cartservice", "summary": "HTTP 500"} | values)}


async def test_what_was_set_aside_for_a_passing_cause_is_handled_after_its_replay(
    make_bus: MakeBus, start: Start, tmp_path: Path
) -> None:
    bus = make_bus("reasoner")
    handled: list[Event] = []
    is_broken = True

    async def handle(event: Event, entry: Entry) -> None:
        if is_broken:
            raise RuntimeError("not yet")
        handled.append(event)

    await start(build_app(bus, [Route(INCIDENTS, IncidentOpened, handle)]))
    old_id = as_text(await bus.redis.xadd(bus.keys.stream(INCIDENTS), dict(incident().items())))

    async def set_aside() -> list[DeadLetter]:
        return await dead_letters(bus, INCIDENTS)

    await eventually(set_aside, 15)
    is_broken = False
    listed = await command(bus, tmp_path, "list", "--json")
    (row,) = [json.loads(line) for line in listed.output.splitlines()]
    assert "failed 3 times, at last with RuntimeError: not yet" in row["reason"]

    replayed = await command(bus, tmp_path, "replay", row["stream"], row["id"])

    assert (replayed.code, replayed.errors) == (0, "")

    async def done() -> list[Event]:
        return handled

    (event,) = await eventually(done)
    assert isinstance(event, IncidentOpened)
    assert event.incident_id == f"inc-{old_id}"
    assert await set_aside() == []
    *_, entry = await entries(bus, INCIDENTS)
    assert entry.fields["id"] == old_id
    assert entry.fields["replayed_from"] == f"incidents.dead/{row['id']}"
    assert replayed.output == f"incidents {row['id']} is entry {entry.entry_id} again\n"


async def test_many_replays_at_once_write_one_entry(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    letter_id = await put(bus, INCIDENTS, incident() | {"id": "e1", "note": "\\xff"})
    url = bus.settings.redis_url.get_secret_value()

    with Redis.from_url(url) as redis:
        aside = DeadLetterBox(redis, bus.keys).find(INCIDENTS, letter_id)
    assert aside is not None
    found = aside

    def replay() -> str:
        with Redis.from_url(url) as redis:
            return DeadLetterBox(redis, bus.keys).replay(found)

    ids = await asyncio.gather(*(asyncio.to_thread(replay) for _ in range(12)))
    assert len([entry_id for entry_id in ids if entry_id]) == 1
    (entry,) = await entries(bus, INCIDENTS)
    assert entry.fields["id"] == "e1"
    assert entry.fields["note"] == "\\xff"


async def test_second_replay_says_that_there_is_no_such_letter(
    make_bus: MakeBus, tmp_path: Path
) -> None:
    bus = make_bus("notifier")
    notice = NoticeRequested(text="a sentence").model_dump_json()
    ids = [await put(bus, NOTICES, {"data": notice}) for _ in range(2)]
    first = await command(bus, tmp_path, "replay", "notices", *ids)
    assert first.code == 0
    assert len(first.output.splitlines()) == 2
    again = await command(bus, tmp_path, "replay", "notices", ids[0], "nonsense")
    assert again.code == 3
    assert again.errors.splitlines() == [
        f"nightshift dead-letters: there is no dead letter {ids[0]} of notices",
        "nightshift dead-letters: there is no dead letter nonsense of notices",
    ]
    assert len(await entries(bus, NOTICES)) == 2


async def test_what_would_have_no_effect_is_said_and_stays(
    make_bus: MakeBus, tmp_path: Path
) -> None:
    bus = make_bus("reasoner")
    await opened(bus)
    await bus.investigations.apply(INV, lambda record: end(record, "failed", at=OPENED_AT))
    turn = TurnDue(investigation_id=INV, turn=1).model_dump_json()
    cases = {
        await put(bus, TURNS, {"data": turn}): "investigation inc-1 has ended (failed)",
        await put(bus, TURNS, {"data": "not json"}): "it still cannot be read: `data` is not JSON",
        await put(bus, TURNS, {"body": "x"}, group="ingest"): "send the message to its queue",
        await put(bus, TURNS, {"data": turn.replace("inc-1", "inc-2")}): "turn 1 is not due",
    }
    before = await bus.redis.xlen(bus.keys.stream(TURNS))
    ended = await command(bus, tmp_path, "replay", "turns", *cases)
    assert ended.code == 4
    for sentence, (letter_id, why) in zip(ended.errors.splitlines(), cases.items(), strict=True):
        assert sentence.startswith(f"nightshift dead-letters: turns {letter_id} was not replayed")
        assert why in sentence
    assert await bus.redis.xlen(bus.keys.stream(TURNS)) == before
    assert len(await dead_letters(bus, TURNS)) == len(cases)


async def test_list_and_show_fit_a_terminal_and_hide_what_could_steer_it(
    make_bus: MakeBus, tmp_path: Path
) -> None:
    bus = make_bus("toolrunner")
    empty = await command(bus, tmp_path, "list")
    assert (empty.code, empty.output) == (0, "no dead letters\n")
    reason = "failed 3 times, at last with \x1b[31mRuntimeError\x1b[0m:\n" + "very " * 100
    fields = {"data": "\\xff\x1b[2J", "event": "ToolCallRequested"}
    letter_id = await put(bus, INCIDENTS, fields, group="notifier", reason=reason)
    await bus.redis.xadd(bus.keys.dead(NOTICES), {"by": "hand"})
    listed = await command(bus, tmp_path, "list")
    shown = await command(bus, tmp_path, "show", "incidents", letter_id)
    lines = [*listed.output.splitlines(), *shown.output.splitlines()]
    assert [line for line in lines if len(line) > 80] == []
    assert f"incidents {letter_id}  2026-11-24 03:00:00  notifier, 3 deliveries" in listed.output
    assert "this is not a dead letter" in listed.output
    assert "\x1b" not in listed.output + shown.output
    assert "    data: \\xff\n" in shown.output
    assert "very very" in shown.output


async def test_a_letter_that_nobody_can_read_is_listed_whatever_its_id(
    make_bus: MakeBus, tmp_path: Path
) -> None:
    bus = make_bus("reasoner")
    for letter_id in ("9999999999999999-0", f"{2**64 - 1}-{2**64 - 1}"):
        await bus.redis.xadd(bus.keys.dead(INCIDENTS), {"by": "hand"}, letter_id)

        listed = await command(bus, tmp_path, "list")
        shown = await command(bus, tmp_path, "show", "incidents", letter_id)

        assert (listed.code, listed.errors, shown.code) == (0, "", 0)
        assert f"incidents {letter_id}  9999-12-31" in listed.output
        assert "    by: hand\n" in shown.output


async def test_every_good_letter_is_replayed_whatever_stands_beside_it(
    make_bus: MakeBus, tmp_path: Path
) -> None:
    bus = make_bus("notifier")
    notice = NoticeRequested(text="a sentence").model_dump_json()
    first, second = [await put(bus, NOTICES, {"data": notice}) for _ in range(2)]
    wrong = ["²-1", "99999999999999999999999-0", f"{2**64}-0", "", "-", "1-1-1", "\x1b[2J"]

    end = await command(bus, tmp_path, "replay", "notices", first, *wrong, second)

    assert end.code == 3
    assert [line.split()[1] for line in end.output.splitlines()] == [first, second]
    assert len(end.errors.splitlines()) == len(wrong)
    for sentence in end.errors.splitlines():
        assert sentence.startswith("nightshift dead-letters: there is no dead letter ")
    assert "\x1b" not in end.errors


async def test_no_part_of_a_letter_can_steer_a_terminal_or_pass_for_a_line_of_ours(
    make_bus: MakeBus, tmp_path: Path
) -> None:
    bus = make_bus("reasoner")
    trick = "\x1b[2J\x9b1m\u202e\nincidents 1-1  forged"
    letter = DeadLetter(
        stream=trick,
        group=trick,
        entry_id=trick,
        reason=trick,
        delivery_count=1,
        fields={trick: trick, "event": trick},
        set_aside_at=OPENED_AT,
    )
    fields = {"event": "DeadLetter", "data": letter.model_dump_json()}
    letter_id = as_text(await bus.redis.xadd(bus.keys.dead(INCIDENTS), dict(fields.items())))

    for arguments in (["list"], ["show", "incidents", letter_id]):
        end = await command(bus, tmp_path, *arguments)
        assert end.code == 0
        assert [sign for sign in "\x1b\x9b\u202e" if sign in end.output] == []
        assert [line for line in end.output.splitlines() if line.startswith("incidents 1-1")] == []
        assert "forged" in end.output


async def test_a_key_that_is_no_stream_is_named_and_the_other_letters_are_listed(
    make_bus: MakeBus, tmp_path: Path
) -> None:
    bus = make_bus("reasoner")
    letter_id = await put(bus, INCIDENTS, incident())
    key = bus.keys.dead(TURNS)
    await bus.redis.set(key, "x", ex=60)

    listed = await command(bus, tmp_path, "list")

    assert f"incidents {letter_id}" in listed.output
    for refused in (
        listed,
        await command(bus, tmp_path, "show", "turns", OLD),
        await command(bus, tmp_path, "replay", "turns", OLD, OLD),
    ):
        assert refused.code == 1
        (sentence,) = refused.errors.splitlines()
        assert sentence.startswith(f"nightshift dead-letters: {key} holds no dead letters but")


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "words"),
    [
        (["list"], {"REDIS_URL": "redis://127.0.0.1:9/0"}, 1, "redis://127.0.0.1:9/0 cannot"),
        (["list"], {"REDIS_URL": "nonsense"}, 1, "REDIS_URL must look like"),
        (["show", "stops", OLD], {}, 2, "not one of incidents"),
    ],
)
def test_wrong_use_is_one_sentence_and_a_code_of_its_own(
    arguments: list[str], variables: dict[str, str], code: int, *, words: str, tmp_path: Path
) -> None:
    ended = run("dead-letters", *arguments, folder=tmp_path, **variables)
    assert ended.code == code
    assert words in " ".join(ended.errors.split())
    assert "Traceback" not in ended.errors
