"""What becomes of a message whose turn at Slack has not come: nothing is held, nothing is lost."""

import asyncio
import contextlib
from collections.abc import Mapping

import pytest

from bus.errors import Retryable, Unavailable
from bus.streams import INCIDENTS
from bus.testing import entries, eventually
from services.notifier.adapters.redis_feedback import RedisFeedback
from services.notifier.adapters.redis_notices import RedisNotices
from services.notifier.adapters.redis_pace import RedisPace
from services.notifier.adapters.slack import SlackChannel
from services.notifier.handlers import Handlers
from services.notifier.notices import NoticeBoard
from services.notifier.pace import RATES, Rate
from services.notifier.ports import Crowded
from services.notifier.report import live_card
from services.notifier.routing import Routes
from simulator.faults import Fault
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.records import diagnosis
from tests.notifier.slack_desk import CHANNEL, Desk


def paced(replica: Replica, rates: Mapping[str, Rate] = RATES) -> RedisPace:
    """The pace that the replica keeps from now on."""
    assert isinstance(replica.messages.slack, SlackChannel)
    pace = RedisPace(replica.bus.redis, replica.bus.keys, rates={**RATES, **rates})
    replica.messages.slack.calls.pace = pace
    return pace


async def test_placeholder_whose_turn_has_not_come_holds_no_lease_and_leaves_no_doubt(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    await paced(replica).close("chat.postMessage", CHANNEL, seconds=30)
    with pytest.raises(Crowded) as refused:
        await replica.messages.place(record, live_card(record))
    assert 10 < refused.value.retry_in_seconds <= 15
    state = await replica.slack_state("inc-7")
    assert not {"owner", "state", "doubt"} & set(state)
    assert desk.faults.happened == []


async def test_placeholder_of_an_incident_that_ended_meanwhile_is_skipped(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica()
    record = await replica.open()
    pace = paced(replica, {"chat.postMessage": Rate(120, 1, per_channel=True)})
    post = "chat.postMessage"
    assert await pace.ask(post, CHANNEL, urgency="final", waiter="another") == 0.0
    (entry,) = await entries(replica.bus, INCIDENTS)
    opening = asyncio.create_task(_handlers(replica).on_incident_opened(record.incident, entry))

    async def in_line() -> bool:
        key = f"{replica.bus.keys.prefix}slack-line:{post}:{CHANNEL}"
        return bool(await replica.bus.redis.zcard(key))

    await eventually(in_line)
    await replica.end(record)
    await opening
    assert desk.messages == []


def _handlers(replica: Replica) -> Handlers:
    redis, keys = replica.bus.redis, replica.bus.keys
    return Handlers(
        replica.bus.investigations,
        replica.messages,
        replica.live,
        replica.closing,
        RedisFeedback(redis, keys),
        NoticeBoard(
            replica.bus.investigations,
            replica.messages.slack,
            RedisNotices(redis, keys, replica.settings.lease_seconds),
            Routes(default=CHANNEL),
        ),
        replica.settings.deadline_seconds,
    )


async def test_progress_that_waits_for_its_turn_is_dropped_at_the_end(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica(progress_seconds=0.0)
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    pace = paced(replica, {"chat.update": Rate(120, 1)})
    assert await pace.ask("chat.update", CHANNEL, urgency="final", waiter="another") == 0.0
    waiting = asyncio.create_task(
        replica.live.show(record.investigation_id, "too late", order="2-0")
    )

    async def in_line() -> bool:
        key = f"{replica.bus.keys.prefix}slack-line:chat.update"
        return bool(await replica.bus.redis.zcard(key))

    await eventually(in_line)
    assert "owner" not in await replica.slack_state("inc-7")
    await replica.end(record)
    await waiting
    assert desk.calls("chat.update") == 0


async def test_progress_whose_turn_comes_soon_is_shown(
    desk: Desk, make_replica: MakeReplica
) -> None:
    replica = make_replica(progress_seconds=0.0)
    record = await replica.open()
    await replica.messages.place(record, live_card(record))
    pace = paced(replica, {"chat.update": Rate(300, 1)})
    assert await pace.ask("chat.update", CHANNEL, urgency="final", waiter="another") == 0.0
    await replica.live.show(record.investigation_id, "reading logs", order="2-0")
    assert "reading logs" in desk.said()


@pytest.mark.parametrize(
    "fault", ["archived", "token_revoked", "channel_not_found", "restricted_action"]
)
async def test_what_was_owed_is_written_once_slack_takes_it_again(
    desk: Desk, make_replica: MakeReplica, fault: str
) -> None:
    replica = make_replica()
    record = await replica.open()
    ended = await replica.end(record, "diagnosed", diagnosis())
    desk.planned.plan(Fault(stand_in="slack", fault=fault, where="chat.", times=2))
    assert isinstance(replica.messages.slack, SlackChannel)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await replica.closing.close(ended)
        assert await replica.messages.slack.problem() != ""
    await replica.closing.close(ended)
    assert "RedisCartStore.cs" in desk.said()
    assert [stopped.outcome for stopped in await replica.stop_signals()] == ["diagnosed"]
    assert await replica.messages.slack.problem() == ""


async def test_final_card_goes_before_everything_that_was_asked_for_earlier(
    desk: Desk, make_replica: MakeReplica
) -> None:
    one, two = make_replica(lease_seconds=6.0), make_replica()
    record = await one.open()
    await one.messages.place(record, live_card(record))
    ended = await one.end(record)
    rates = {"chat.update": Rate(240, 1)}
    pace, other = paced(one, rates), paced(two, rates)
    assert await pace.ask("chat.update", CHANNEL, urgency="final", waiter="before") == 0.0
    for number in range(20):
        await other.ask("chat.update", CHANNEL, urgency="details", waiter=f"inc-{number}")
    with contextlib.suppress(Retryable):
        await one.closing.close(ended)
    assert len(await one.stop_signals()) == 1
