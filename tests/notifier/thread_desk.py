"""A thread for a test: an incident that has ended, its results, and what its thread says."""

import json
import zlib
from collections import Counter

from bus.events import InvestigationId, Outcome
from bus.record import Record
from bus.testing import eventually
from simulator.slack.store import Message as SlackMessage
from tests.notifier.conftest import Replica
from tests.notifier.records import LINE, diagnosis
from tests.notifier.slack_desk import CHANNEL, Desk, texts

INCIDENT = InvestigationId("inc-7")
LOG = [f"line {number} of the log" for number in range(1, 601)]
LOG[411] = LINE


async def closed(replica: Replica, outcome: Outcome = "diagnosed", *, log: bool = True) -> Record:
    """An incident whose final card stands; its thread is still owed."""
    record = await replica.open()
    if log:
        await store(replica, "1-1", "\n".join(LOG))
    found = diagnosis() if outcome == "diagnosed" else None
    ended = await replica.end(record, outcome, found)
    await replica.closing.close(ended)
    return ended


async def store(replica: Replica, call: str, whole: str) -> None:
    """A tool call's result stands."""
    key = replica.bus.keys.of(INCIDENT, "results")
    shown = "\n".join(f"{number}| {line}" for number, line in enumerate(whole.split("\n"), 1))
    facts = json.dumps({"ok": True, "tool": "kubernetes__get_logs", "redactions": 0})
    await replica.bus.redis.hset(key, f"{call}:whole", zlib.compress(whole.encode()))
    await replica.bus.redis.hset(key, mapping={f"{call}:shown": shown, f"{call}:facts": facts})
    await replica.bus.redis.expire(key, 600)


def thread(desk: Desk, number: int = 0) -> list[SlackMessage]:
    """The replies to a message of the channel, oldest first."""
    return desk.stand_in.replies(CHANNEL, desk.messages[number].ts)


def keys(desk: Desk) -> Counter[str]:
    """How often each detail stands in the thread."""
    return Counter(key_of(desk, reply) for reply in thread(desk))


def key_of(desk: Desk, reply: SlackMessage) -> str:
    """Which detail a reply is, by its metadata or by the name of its file."""
    for file_id in reply.files:
        return desk.stand_in.files[file_id].name.removeprefix(f"{INCIDENT}-").partition(".")[0]
    assert reply.now.metadata is not None
    payload = reply.now.metadata["event_payload"]
    assert isinstance(payload, dict)
    return str(payload["detail"])


def said(desk: Desk, key: str) -> str:
    """What that detail says, as a message or as a file."""
    (reply,) = (reply for reply in thread(desk) if key_of(desk, reply) == key)
    for file_id in reply.files:
        return (desk.stand_in.files[file_id].content or b"").decode()
    return "\n".join(texts(reply.now.blocks))


async def owed(replica: Replica) -> int:
    """How many threads still lack something."""
    return int(await replica.bus.redis.zcard(f"{replica.bus.keys.prefix}details"))


async def told(replica: Replica) -> None:
    """Until the thread lacks nothing any more; a lease passes between two tries."""

    async def over() -> bool:
        await replica.threads.tell(INCIDENT)
        if await owed(replica):
            await a_lease_later(replica)
        return not await owed(replica)

    await eventually(over, seconds=8)


async def a_lease_later(replica: Replica) -> None:
    """All that stands in Redis about the incident happened a lease earlier."""
    key, state = replica.bus.keys.of(INCIDENT, "slack"), await replica.slack_state(INCIDENT)
    for moment in {"until", "thread_doubt_at", "thread_owed_at"} & state.keys():
        await replica.bus.redis.hincrby(key, moment, -1000 * round(replica.settings.lease_seconds))
