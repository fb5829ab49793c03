"""One schedule's world: its processes, the tasks under way, and all that a schedule can do."""

import asyncio
import json
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Literal, TypeVar

from redis.exceptions import RedisError

from bus.connection import as_text
from bus.envelope import entry_fields, flat
from bus.events import Event, InvestigationId
from bus.record import Commit, Record, end_from_outside
from bus.streams import STREAM_OF, Keys, Stream
from services.notifier.adapters.redis_deadlines import Deadlines
from services.notifier.due import decide_when_due
from tests.chaos.schedules.cast import TOOL, Cast, Parts, Process, Stage
from tests.chaos.schedules.gate import Gate, Letting, Task
from tests.chaos.schedules.survey import GROUPS, Violation
from tests.chaos.schedules.witness import Witness

T = TypeVar("T")
Group = tuple[Stream, str]
REPLICAS = (("reasoner", 3), ("toolrunner", 2), ("notifier", 1))
CATALOGUE = json.dumps([{"name": TOOL, "description": "logs", "input_schema": {"type": "object"}}])
CATALOGUE_SECONDS = 3600
Ending = Literal[
    "all die", "the oldest goes on first", "the newest goes on first", "all wake up late"
]
ROUNDS = 40
"""Most rounds of the work that is left at the end of a schedule."""


@dataclass(frozen=True)
class Pending:
    """An entry that a process has, living or dead."""

    group: Group
    entry_id: str
    owner: str

    @property
    def place(self) -> str:
        """Where it stands: stream, entry, group."""
        return f"{self.group[0].name} {self.entry_id} {self.group[1]}"


class World:
    """Processes, tasks under way, and their witness."""

    def __init__(self, stage: Stage, parts: Parts) -> None:
        keys = Keys(f"test-{uuid.uuid4().hex[:10]}:")
        self.stage = stage
        self.witness = Witness(stage.wire, keys, stage.rules)
        self.gate = Gate(stage.wire, self.witness)
        self.cast = Cast(self.gate, keys, parts=parts, stage=stage)
        self.survey = self.witness.survey
        self.processes: list[Process] = []
        self.tasks: list[Task] = []
        self._dead: list[Task] = []
        self._started = 0
        self._prepare()
        for service, count in REPLICAS:
            for _ in range(count):
                self.start(service)

    def run(self, work: Awaitable[T]) -> T:
        """Do it now. Raises Violation when it led to what must not be."""

        async def whole() -> T:
            return await work

        answer = self.stage.loop.run_until_complete(whole())
        self.tasks = [task for task in self.tasks if not task.done]
        self.demand()
        return answer

    def demand(self) -> None:
        """Raise Violation, with the story so far, when something is wrong."""
        if wrong := self.witness.wrong:
            raise Violation(f"{wrong[0]}\nafter these steps:\n{self.witness.story}")

    def start(self, service: str) -> Process:
        """A new process of that service."""
        self._started += 1
        process = self.cast.process(service, f"{service}-{self._started}")
        self.processes.append(process)
        return process

    def of(self, service: str) -> list[Process]:
        """The living processes of a service."""
        return [process for process in self.processes if process.service == service]

    def unread(self) -> list[Group]:
        """Groups with an entry that nobody was given yet."""
        return [group for group in GROUPS if self.survey.unread(*group)]

    def pending(self) -> list[Pending]:
        """Everything that somebody has and has not acknowledged."""
        return [
            Pending(group, entry_id, owner)
            for group in GROUPS
            for entry_id, owner in self.survey.pending[group[0].name, group[1]]
        ]

    def holding(self) -> list[tuple[Task, Pending]]:
        """Living tasks whose entry another process of the service could take over."""
        rows = {pending.place: pending for pending in self.pending()}
        found = [(task, rows.get(task.holds)) for task in self.tasks]
        return [(t, p) for t, p in found if p is not None and len(self.of(p.group[1])) > 1]

    def publish(self, event: Event) -> None:
        """Somebody writes an entry."""
        key = self.cast.keys.stream(STREAM_OF[type(event)])
        written = ("XADD", key, "*", *flat(entry_fields(event)))
        self.witness.tell("somebody", f"writes {event!r}")
        _, found = self.stage.wire.many([written, self.witness.question()])
        self.witness.looks(found)

    async def deliver(self, group: Group, process: Process) -> Task:
        """The group's next entry goes to that process."""
        stream, name = group
        key = self.cast.keys.stream(stream)
        read = ("XREADGROUP", "GROUP", name, process.name, "COUNT", 1, "STREAMS", key, ">")
        ((_, ((entry_id, raw),)),) = self.stage.wire(*read)
        self.survey.delivered[stream.name, name] += 1
        pending = Pending(group, as_text(entry_id), process.name)
        self.survey.pending[stream.name, name].append((pending.entry_id, process.name))
        return await self._handle(pending, process, raw=raw)

    async def take_over(self, pending: Pending, process: Process) -> Task:
        """A pending entry goes to that process, whether its owner lives or not."""
        key = self.cast.keys.stream(pending.group[0])
        claim = ("XCLAIM", key, pending.group[1], process.name, 0, pending.entry_id)
        ((_, raw),) = self.stage.wire(*claim)
        self.witness.tell(process.name, f"takes {pending.entry_id} over from {pending.owner}")
        return await self._handle(pending, process, raw=raw)

    async def step(self, task: Task, letting: Letting = "go") -> None:
        """The task takes one step, unless it waits for others."""
        if letting != "go":
            self.witness.tell(task.name, f"({letting})")
        if not task.waits:
            await self.gate.step(task, letting)

    async def finish(self, task: Task) -> None:
        """The task goes on to its end; before it, where it waits for them, others beside it do."""
        task.free = True
        if not task.done and not task.waits:
            await self.gate.step(task)
        if not task.waits:
            return
        for other in [other for other in self.tasks if other.owner == task.owner]:
            if not other.done and not other.waits:
                await self.finish(other)
        await self.gate.arrives(task)
        if not task.done:
            self.witness.wrong.append(f"{task.name} waits for what nobody does")

    async def to_the_brink(self, task: Task) -> None:
        """The task goes on until its next step is one that writes, it waits, or to its end."""
        while not task.done and not task.waits and not (task.at and task.at.writes):
            await self.gate.step(task)

    def kill(self, process: Process) -> None:
        """None of its tasks ever takes another step; a new process comes in its place."""
        self.witness.tell(process.name, "is killed")
        self.processes.remove(process)
        self._dead += [task for task in self.tasks if task.owner == process.name]
        self.tasks = [task for task in self.tasks if task.owner != process.name]
        self.start(process.service)

    async def sweep(self, process: Process) -> Task:
        """What every notifier does from time to time."""
        return await self._begin(Task(f"{process.name} sweep", process.name), self._sweep())

    async def stop(self, inv: str) -> Task:
        """Somebody presses Stop."""
        return await self._begin(Task(f"stop {inv}", "ingest"), self._stop(InvestigationId(inv)))

    async def hear_stop(self, process: Process, inv: str) -> None:
        """The process is told that the investigation ended, and cancels what it does for it."""
        self.witness.tell(process.name, f"hears that {inv} has ended")
        process.deliveries.stop_work(inv)
        for _ in range(10):  # nothing is on its way here, so a few turns of the loop are plenty
            await asyncio.sleep(0)

    async def end(self, ending: Ending) -> None:
        """Whatever is left to do is done by others; then everything must have come to its end."""
        self.witness.tell("at the end", ending)
        under_way = self.tasks
        if ending == "all wake up late":
            await self._drain()
        if ending == "the newest goes on first":
            under_way = under_way[::-1]
        for task in under_way if ending != "all die" else ():
            await self.finish(task)
        self._dead += under_way
        await self._drain()
        self.witness.wrong += self.witness.at_end()

    async def _drain(self) -> None:
        """Of each service one process that has just started does all that can be done."""
        fresh = {service: self.start(service) for service, _ in REPLICAS}
        for _ in range(ROUNDS):
            if self.gate.ahead:
                await self.finish(await self.sweep(fresh["notifier"]))
            left = self.pending()
            if not left and not self.unread():
                return
            for pending in left:
                await self.finish(await self.take_over(pending, fresh[pending.group[1]]))
            while unread := self.unread():
                await self.finish(await self.deliver(unread[0], fresh[unread[0][1]]))

    def clear(self) -> None:
        """No task waits any more, and nothing is left in Redis."""
        works = [task.work for task in (*self.tasks, *self._dead) if task.work is not None]
        for work in works:
            work.cancel()

        async def all_gone() -> None:
            await asyncio.gather(*works, return_exceptions=True)

        self.stage.loop.run_until_complete(all_gone())
        self.witness.clear()

    def _prepare(self) -> None:
        keys, sha256 = self.cast.keys, "of-the-schedule"
        groups = [
            ("XGROUP", "CREATE", keys.stream(stream), group, "0", "MKSTREAM")
            for stream, group in GROUPS
        ]
        kept = ("EX", CATALOGUE_SECONDS)
        tools = ("SET", keys.catalogue(sha256), CATALOGUE, *kept)
        current = ("SET", keys.current_catalogue, sha256, *kept)
        self.stage.wire.many([*groups, tools, current])
        self.witness.touches(keys.catalogue(sha256), keys.current_catalogue)

    async def _handle(self, pending: Pending, process: Process, *, raw: list[bytes]) -> Task:
        stream, group = pending.group
        name = f"{process.name} on {stream.name} {pending.entry_id}"
        work = process.deliveries.deliver(
            stream,
            stream.reader(group),
            entry_id=pending.entry_id,
            raw=dict(zip(raw[::2], raw[1::2], strict=True)),
        )
        task = Task(name, process.name, holds=pending.place)
        return await self._begin(task, work)

    async def _begin(self, task: Task, work: Awaitable[None]) -> Task:
        self.tasks.append(task)
        await self.gate.start(task, _survived(work))
        return task

    async def _sweep(self) -> None:
        """The notifier's sweep, without the cards."""
        now = await self.cast.investigations.now()
        for inv in await Deadlines(self.cast.redis, self.cast.keys).due(now):
            await self.cast.investigations.apply(inv, partial(decide_when_due, now=now))

    async def _stop(self, inv: InvestigationId) -> None:
        def decide(record: Record) -> Commit | None:
            return end_from_outside(record, "cancelled", at=datetime.now(UTC), reason="by a person")

        await self.cast.investigations.apply(inv, decide)


async def _survived(work: Awaitable[None]) -> None:
    """A process outlives a connection that breaks in what it does beside its deliveries."""
    try:
        await work
    except RedisError:
        return
