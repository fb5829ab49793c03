"""A notice stands once for its key, in its channel, whoever dies over it."""

import pytest

from bus.errors import Unavailable
from bus.events import NoticeRequested
from bus.process import Service
from bus.streams import NOTICES
from bus.testing import all_settled, dead_letters, eventually
from services.notifier.adapters.redis_notices import RedisNotices
from services.notifier.blocks import Card
from services.notifier.notices import NoticeBoard, id_of
from services.notifier.ports import Unanswered
from services.notifier.routing import Routes
from simulator.faults import Fault
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.slack_desk import CHANNEL, Desk

CART = "C0CARTTEAM"
ROUTES = Routes(default=CHANNEL, services={"cartservice": CART})
TEXT = "A request was refused: nobody knows the service cartt."


def board(replica: Replica, lease_seconds: float = 3.0) -> NoticeBoard:
    bus = replica.bus
    notices = RedisNotices(bus.redis, bus.keys, lease_seconds)
    return NoticeBoard(bus.investigations, replica.messages.slack, notices, ROUTES)


async def told(one: NoticeBoard) -> bool:
    try:
        await one.tell(TEXT, "k")
    except Unavailable:
        return False
    return True


@pytest.mark.parametrize("fault", ["lost", "503"])
async def test_notice_that_slack_did_not_answer_is_looked_for_before_it_is_posted_again(
    desk: Desk, make_replica: MakeReplica, fault: str
) -> None:
    one, other = board(make_replica()), board(make_replica())
    desk.faults.next["chat.postMessage"] = [fault]
    with pytest.raises(Unanswered):
        await one.tell(TEXT, "k")
    with pytest.raises(Unavailable, match="another replica"):
        await other.tell(TEXT, "k")
    await eventually(lambda: told(other))
    await one.tell(TEXT, "k")
    assert [message.now.text for message in desk.messages] == [TEXT]
    assert desk.calls("conversations.history") == 1


async def test_notice_whose_writer_died_after_the_post_is_not_posted_again(
    desk: Desk, make_replica: MakeReplica
) -> None:
    dead, successor = board(make_replica(), lease_seconds=0.2), board(make_replica())
    turn = await dead.notices.claim(id_of("k"), channel=CHANNEL)
    assert turn is not None
    await dead.slack.post(Card(TEXT), id_of("k"))
    await eventually(lambda: told(successor))
    assert len(desk.messages) == 1
    # The dead one wakes, and says what it knows: that is true still.
    await dead.notices.posted(id_of("k"), turn)
    await successor.tell(TEXT, "k")
    assert len(desk.messages) == 1


async def test_notice_that_slack_refused_to_take_is_posted_anew_without_a_search(
    desk: Desk, make_replica: MakeReplica
) -> None:
    one = board(make_replica())
    desk.stand_in.channels.clear()
    for _ in range(2):
        with pytest.raises(Unavailable, match="NIGHTSHIFT_SLACK_CHANNEL"):
            await one.tell(TEXT, "k")
    desk.stand_in.channels[CHANNEL] = "incidents"
    await one.tell(TEXT, "k")
    assert len(desk.messages) == 1
    assert desk.calls("conversations.history") == 0


async def test_writer_whose_turn_is_nearly_over_posts_nothing(
    desk: Desk, make_replica: MakeReplica
) -> None:
    with pytest.raises(Unavailable, match="nearly over"):
        await board(make_replica(), lease_seconds=0.1).tell(TEXT, "k")
    assert desk.messages == []


async def test_notice_about_a_service_or_an_incident_stands_in_its_channel(
    desk: Desk, make_replica: MakeReplica
) -> None:
    desk.stand_in.channels[CART] = "cart"
    replica = make_replica()
    one, record = board(replica), await replica.open()
    await one.tell("a", "service:cartservice:storm")
    await one.tell("b", f"incident:{record.investigation_id}")
    await one.tell("c", "incident:inc-unknown")
    await one.tell("d", "service:frontend")
    await one.tell("e", "generation:1")
    assert [message.now.text for message in desk.stand_in.top_level(CART)] == ["a", "b"]
    assert [message.now.text for message in desk.messages] == ["c", "d", "e"]


async def test_notice_for_a_channel_that_takes_none_stands_in_the_default_which_says_so(
    desk: Desk, make_replica: MakeReplica
) -> None:
    one = board(make_replica())
    await one.tell(TEXT, "service:cartservice")
    await one.tell(TEXT, "service:cartservice")
    (message,) = desk.messages
    assert TEXT in message.now.text
    assert f"belongs in channel {CART}" in str(message.now.blocks)


async def test_incident_that_cannot_be_read_is_told_once_in_a_sentence(
    desk: Desk, service: Service
) -> None:
    bus = service.bus
    await bus.redis.xadd(bus.keys.stream(NOTICES), {"event": "NoticeRequested", "data": "{"})
    reason = "An entry on incidents was set aside: service: Field required"
    for _ in range(2):
        await bus.publish(NoticeRequested(text=reason, key="dead:incidents:1-0"))
        await eventually(lambda: all_settled(bus, NOTICES, group="notifier"), seconds=9)
    assert [message.now.text for message in desk.messages] == [reason]
    assert len(await dead_letters(bus, NOTICES)) == 1


async def test_notice_whose_card_slack_refuses_stands_as_plain_text(
    desk: Desk, make_replica: MakeReplica
) -> None:
    desk.planned.plan(Fault(stand_in="slack", fault="invalid_blocks", where="chat.", times=1))
    await board(make_replica()).tell(TEXT, "k")
    (message,) = desk.messages
    assert message.now.text == TEXT
    assert not message.now.blocks
