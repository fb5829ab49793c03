"""The details of an incident stand in the thread of its message, each once, whatever goes wrong."""

from collections import Counter
from typing import Literal

import pytest

from bus.record import Record
from bus.testing import eventually
from services.notifier import thread as threads
from services.notifier.adapters.slack_thread import SlackThread
from services.notifier.app import build
from services.notifier.blocks import Card
from services.notifier.ports import Unanswered
from services.notifier.report import live_card
from services.notifier.stop import Place
from services.notifier.thread_ports import DetailTurn
from simulator.faults import Fault
from tests.conftest import Start
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.slack_desk import CHANNEL, Desk
from tests.notifier.thread_desk import (
    INCIDENT,
    a_lease_later,
    closed,
    keys,
    owed,
    said,
    thread,
    told,
)

ALL = Counter({"evidence": 1, "timeline": 1, "results": 1})
ANNOUNCE, SHARE = "files.getUploadURLExternal", "files.completeUploadExternal"
BYTES = "F0000000001"
"""Under this name the bytes of the first file are sent."""
KEYS = ["evidence", "results"]
"""One is a message, one a file."""


async def begun(replica: Replica, record: Record, *, key: str) -> tuple[DetailTurn, str]:
    """A writer that has its turn, and the file that it is about to share, if it is a file."""
    inv, file_id = record.investigation_id, ""
    turn = await replica.threads.places.begin(inv, key)
    if key == "results":
        file_id = await replica.threads.slack.send_file("inc-7-results.txt", "x", urgency="details")
        await replica.threads.places.sharing(inv, turn, file_id=file_id)
    return turn, file_id


async def sent(replica: Replica, turn: DetailTurn, *, place: Place, file_id: str) -> str:
    """Where the detail of that writer stands now."""
    slack = replica.threads.slack
    if not file_id:
        card = Card("one that was written earlier")
        return await slack.reply(place, card, key=turn.key, incident_id=INCIDENT, urgency="details")
    await slack.share(place, file_id, title="one that was shared earlier", urgency="details")
    return file_id


def final(desk: Desk) -> Place:
    """Where the final card stands."""
    return Place(channel=CHANNEL, ts=desk.messages[0].ts)


async def test_details_stand_in_the_thread_once_the_stop_signal_is_out(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await closed(replica)
    (stopped,) = await replica.stop_signals()
    assert (stopped.ts, thread(desk), await owed(replica)) == (desk.messages[0].ts, [], 1)
    await told(replica)
    assert keys(desk) == ALL
    assert "> 412| StackExchange.Redis.RedisConnectionException" in said(desk, "evidence")
    assert "  415| line 415 of the log" in said(desk, "evidence")
    assert "Ended at" in said(desk, "timeline")
    assert said(desk, "results").count("\n") > 600
    assert not any("unknown_arguments" in line for line in desk.log.read("slack"))
    await replica.threads.tell(record.investigation_id)
    assert keys(desk) == ALL
    assert len(await replica.stop_signals()) == 1


@pytest.mark.parametrize("fault", ["503", "lost", "cut"])
@pytest.mark.parametrize("method", ["chat.postMessage", ANNOUNCE, BYTES, SHARE])
async def test_detail_stands_once_although_slack_fails_at_it(
    desk: Desk, make_replica: MakeReplica, method: str, fault: str
) -> None:
    replica = make_replica()
    await closed(replica)
    desk.faults.next[method] = [fault]
    await told(replica)
    assert keys(desk) == ALL


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("is_sent", [False, True])
async def test_successor_finds_what_a_dead_writer_may_have_written(
    desk: Desk, make_replica: MakeReplica, key: str, is_sent: bool
) -> None:
    dead, successor = make_replica(), make_replica()
    turn, file_id = await begun(dead, await closed(dead), key=key)
    if is_sent:
        await sent(dead, turn, place=final(desk), file_id=file_id)
    standing = thread(desk)
    await a_lease_later(successor)
    await told(successor)
    assert keys(desk) == ALL
    assert all(reply in thread(desk) for reply in standing)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("word", ["stands", "unknown"])
async def test_detail_of_a_late_writer_is_taken_back(
    desk: Desk, make_replica: MakeReplica, key: str, word: Literal["stands", "unknown"]
) -> None:
    """It froze with its request on the way, another one wrote the detail, and all was in order."""
    frozen, other = make_replica(), make_replica()
    record = await closed(frozen)
    turn, file_id = await begun(frozen, record, key=key)
    await a_lease_later(other)
    await told(other)
    standing = [reply.ts for reply in thread(desk)]
    at = await sent(frozen, turn, place=final(desk), file_id=file_id)
    await frozen.threads.places.end(record.investigation_id, turn, word=word, at=at)
    assert keys(desk)[key] == 2
    await told(other)
    assert [reply.ts for reply in thread(desk)] == standing


async def test_detail_that_arrives_after_it_was_looked_for_is_looked_for_again(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """Its writer is dead and will not tell."""
    dead, other = make_replica(), make_replica()
    turn, _ = await begun(dead, await closed(dead), key="evidence")

    await a_lease_later(other)
    await other.threads.tell(INCIDENT)
    assert (keys(desk), await owed(other)) == (ALL, 1)
    await sent(dead, turn, place=final(desk), file_id="")
    await told(other)
    assert keys(desk) == ALL


@pytest.mark.parametrize("word", ["missing_scope", "file_uploads_disabled"])
async def test_without_files_the_text_is_shortened_into_a_message_that_says_so(
    desk: Desk, make_replica: MakeReplica, word: str
) -> None:
    replica = make_replica()
    desk.planned.plan(Fault(stand_in="slack", fault=word, where=ANNOUNCE, times=0))
    await closed(replica)
    await told(replica)
    assert keys(desk) == ALL
    assert "files:write" in said(desk, "results")
    assert "more characters" in said(desk, "results")
    slack = replica.threads.slack
    assert isinstance(slack, SlackThread)
    assert await slack.channel.problem() == ""


async def test_thread_of_a_message_that_a_person_deleted_is_given_up_once(
    desk: Desk, make_replica: MakeReplica, caplog: pytest.LogCaptureFixture
) -> None:
    replica = make_replica()
    await closed(replica)
    desk.stand_in.messages.clear()
    await replica.threads.sweep()
    assert (await owed(replica), desk.stand_in.messages) == (0, [])
    assert caplog.text.count("given up") == 1


async def test_reply_that_slack_puts_into_the_channel_is_taken_back(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """Whose message was deleted in that very moment: a second top-level message must not stand."""
    replica = make_replica()
    await closed(replica)
    desk.faults.next["chat.postMessage"] = ["astray"]
    await replica.threads.sweep()
    assert (len(desk.messages), thread(desk), await owed(replica)) == (1, [], 0)


async def test_details_go_to_the_message_that_another_one_has_replaced(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    for fault, where in (("cant_update", "chat.update"), ("cant_delete", "chat.delete")):
        desk.planned.plan(Fault(stand_in="slack", fault=f"{fault}_message", where=where))
    await replica.closing.close(await replica.end(record))
    (stopped,) = await replica.stop_signals()
    assert stopped.ts == desk.messages[-1].ts
    await told(replica)
    assert [reply.thread_ts for reply in desk.stand_in.messages if not reply.top_level] == [
        stopped.ts
    ]


async def test_detail_waits_as_long_as_slack_asks(desk: Desk, make_replica: MakeReplica) -> None:
    replica = make_replica()
    await closed(replica)
    desk.faults.next["chat.postMessage"] = ["429"]
    await replica.threads.sweep()
    assert (thread(desk), await owed(replica)) == ([], 1)
    assert await replica.threads.places.claim() is None


async def test_what_slack_does_not_take_for_hours_is_given_up(
    desk: Desk, make_replica: MakeReplica, caplog: pytest.LogCaptureFixture
) -> None:
    replica = make_replica()
    await closed(replica)
    key = replica.bus.keys.of(INCIDENT, "slack")
    age = 1000 * (threads.GIVEN_UP_AFTER_SECONDS + 1)
    await replica.bus.redis.hincrby(key, "thread_owed_at", -age)
    desk.faults.always = "503"
    await replica.threads.sweep()
    assert await owed(replica) == 0
    assert "given up" in caplog.text


async def test_running_notifier_tells_the_thread_of_whoever_closed(
    desk: Desk, make_replica: MakeReplica, start: Start
) -> None:
    replica = make_replica()
    await closed(replica)
    await start(build(replica.settings, replica.bus))

    async def whole() -> bool:
        return keys(desk) == ALL

    await eventually(whole, seconds=8)


async def test_reply_whose_answer_is_lost_is_not_written_a_second_time_by_its_writer(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    turn, _ = await begun(replica, await closed(replica), key="evidence")
    desk.faults.next["chat.postMessage"] = ["lost"]
    with pytest.raises(Unanswered):
        await sent(replica, turn, place=final(desk), file_id="")
    assert keys(desk) == {"evidence": 1}
