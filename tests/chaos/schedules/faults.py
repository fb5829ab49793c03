"""The same services with one guard taken out each: what the schedules must be able to see.

A broken script is the bus's own text with a line changed, a broken decision wraps the real one.
Each fault sits in a subclass of the part that it breaks; nothing is patched.
"""

from dataclasses import replace

from redis.asyncio import Redis

from bus import record as records
from bus.commits import Investigations
from bus.connection import Script
from bus.envelope import Entry, entry_fields
from bus.events import ToolCallFinished, TurnDue
from bus.record import Commit, Record
from bus.results import Results
from bus.streams import STREAM_OF
from services.reasoner import investigation
from services.reasoner.handlers import Reasoner
from services.reasoner.investigation import Answer
from services.reasoner.running import Turns
from tests.chaos.schedules.cast import Parts
from tests.chaos.schedules.gate import script_text

STALE = "if version ~= ARGV[1] then return 0 end"
STORED = "if redis.call('HEXISTS', KEYS[3], ARGV[1] .. ':whole') == 1 then return 'stored' end"
FIRST = "redis.call('HSETNX', KEYS[1], ARGV[1] .. ':whole', ARGV[2])"
REMOVED = "if ARGV[5] == 'end' then redis.call('ZREM', KEYS[6], ARGV[4])"
COUNTED = "results_counted"


class Altered(Script):
    """A script of the bus with one passage changed."""

    def __init__(self, redis: Redis, name: str, *, old: str, new: str) -> None:
        text = script_text(name)
        if text.count(old) != 1:
            raise ValueError(f"{name}.lua does not hold this once: {old}")
        self._script = redis.register_script(text.replace(old, new))


class NoVersionCheck(Investigations):
    """A decision is written although the record moved on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._write = Altered(self.redis, "commit", old=STALE, new="")


class AcknowledgesStale(Investigations):
    """The loser of a race is acknowledged at once, and decides again afterwards."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ack = "if ARGV[7] ~= '' then redis.call('XACK', KEYS[7], ARGV[7], ARGV[8]) end"
        new = STALE.replace("return 0", f"{ack} return 0")
        self._write = Altered(self.redis, "commit", old=STALE, new=new)


class AcknowledgesFirst(Investigations):
    """The entry is acknowledged before the commit, in a step of its own."""

    async def commit(self, before: Record, commit: Commit, *, entry: Entry | None = None) -> bool:
        if entry is not None:
            await self.acknowledge(entry)
        return await super().commit(before, commit)


class AnnouncesLater(Investigations):
    """State is written first, the events that follow from it in steps of their own."""

    async def commit(self, before: Record, commit: Commit, *, entry: Entry | None = None) -> bool:
        if commit.dead_letter_of:
            return await super().commit(before, commit, entry=entry)
        written = await super().commit(before, replace(commit, events=()), entry=entry)
        for event in commit.events if written else ():
            key = self.keys.stream(STREAM_OF[type(event)])
            await self.redis.xadd(key, dict(entry_fields(event).items()))
        return written


class AnnouncesTurnsTwice(Investigations):
    """A due turn gets two entries."""

    async def commit(self, before: Record, commit: Commit, *, entry: Entry | None = None) -> bool:
        again = tuple(event for event in commit.events if isinstance(event, TurnDue))
        twice = replace(commit, events=(*commit.events, *again))
        return await super().commit(before, twice, entry=entry)


class ForgetsNoDeadline(Investigations):
    """An end leaves its moment among the deadlines."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._write = Altered(self.redis, "commit", old=REMOVED, new="if ARGV[5] == 'end' then")


class CallsAgain(Results):
    """A redelivered call is made again although its result stands."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._start = Altered(self.redis, "start_call", old=STORED, new="")


class StoresAgain(Results):
    """A later result replaces the first."""

    def __post_init__(self) -> None:
        super().__post_init__()
        always = FIRST.replace("HSETNX", "HSET") + " * 0 + 1"
        self._store = Altered(self.redis, "store_result", old=FIRST, new=always)


class CountsResults(Reasoner):
    """The join counts events, where it should look which calls are open."""

    async def on_tool_call_finished(self, finished: ToolCallFinished, entry: Entry) -> None:
        def decide(stands: Record) -> Commit | None:
            if stands.state != "awaiting_tools":
                return None
            sent = [c for c in stands.calls_of(stands.turn) if not c.sentence or c.state == "open"]
            turn, _, count = stands.notes.get(COUNTED, "").partition(":")
            counted = int(count) + 1 if turn == str(stands.turn) else 1
            noted = stands.changed(notes=stands.notes | {COUNTED: f"{stands.turn}:{counted}"})
            closed = investigation.after_result(noted, finished)
            record = closed.record if closed else noted
            if counted < len(sent):
                return Commit(record=record.changed(state="awaiting_tools", turn=stands.turn))
            return records.due_next_turn(record.changed(turn=stands.turn))

        await self.investigations.apply(finished.investigation_id, decide, entry=entry)


class TakesLateResults(Reasoner):
    """A result is taken although its call is closed."""

    async def on_tool_call_finished(self, finished: ToolCallFinished, entry: Entry) -> None:
        def decide(stands: Record) -> Commit | None:
            reopened = tuple(
                call.model_copy(update={"state": "open"})
                if call.tool_call_id == finished.tool_call_id
                else call
                for call in stands.calls
            )
            return investigation.after_result(stands.changed(calls=reopened), finished)

        await self.investigations.apply(finished.investigation_id, decide, entry=entry)


class TakesAnyReply(Turns):
    """A reply is committed without a look at whether its turn is still due."""

    async def _commit(self, answer: Answer, entry: Entry, *, known: Record) -> bool:
        def decide(stands: Record) -> Commit | None:
            request = replace(answer.request, turn=stands.turn)
            due = stands.changed(state="turn_due")
            return investigation.after_reply(due, replace(answer, request=request))

        inv = answer.request.investigation_id
        await self.investigations.apply(inv, decide, entry=entry, known=known)
        return True


FAULTS: dict[str, Parts] = {
    "no version check": Parts(investigations=NoVersionCheck),
    "acknowledge on a stale version": Parts(investigations=AcknowledgesStale),
    "acknowledge before the commit": Parts(investigations=AcknowledgesFirst),
    "events outside the commit": Parts(investigations=AnnouncesLater),
    "TurnDue appended twice": Parts(investigations=AnnouncesTurnsTwice),
    "the deadline stays after the end": Parts(investigations=ForgetsNoDeadline),
    "a stored call is made again": Parts(results=CallsAgain),
    "a later result replaces the first": Parts(results=StoresAgain),
    "join by counting events": Parts(reasoner=CountsResults),
    "results taken for closed calls": Parts(reasoner=TakesLateResults),
    "no look at whether the turn is due": Parts(turns=TakesAnyReply),
}
"""Each fault by its name."""
