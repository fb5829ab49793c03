"""A Redis client whose every command waits until the schedule lets it go.

The services' own coroutines run on one event loop, each as a `Task` of the schedule. Between two
commands a task stands at the gate, so the schedule alone decides who takes the next step, and a
process is killed by never letting its tasks go again.
"""

import asyncio
import contextvars
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, Protocol

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.chaos.schedules.wire import Wire, Word

Letting = Literal["go", "twice", "reply lost", "not sent"]
"""How a command is let go: once; once more after its reply was lost (as the client's retry does);
with its reply lost for good; or over a connection that breaks before."""

IDLE_SECONDS = 3600.0
"""Longer than anything that the services wait for by the clock."""


@dataclass(frozen=True)
class Step:
    """What a task wants to do next: a command or a script by its name, a model or a tool call."""

    name: str
    args: tuple[Any, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether it may change what others see."""
        return self.name in ("commit", "open", "store_result", "append", "XACK", "XADD", "ZADD")


@dataclass(eq=False)
class Task:
    """One thing that one process is doing: a delivery, a sweep, a stop."""

    name: str
    owner: str
    """The process it dies with."""
    holds: str = ""
    """The entry that it handles, and the group."""
    free: bool = False
    """It runs to its end without waiting."""
    said: str = "submit"
    """What the model or the tool answers it next."""
    at: Step | None = None
    looked: int = 0
    """At which step it last looked at the record of `investigation`."""
    investigation: str = ""
    stood: bool = False
    """The result of its tool call stood already when it asked whether to call."""
    reservation: str = ""
    work: "asyncio.Task[None] | None" = None
    stands: "asyncio.Future[None] | None" = None
    let: "asyncio.Future[Letting] | None" = None

    @property
    def done(self) -> bool:
        """Whether it came to its end."""
        return self.work is not None and self.work.done()

    @property
    def waits(self) -> bool:
        """Whether it can only go on when other tasks of its process have."""
        return self.let is None and not self.done


_task: contextvars.ContextVar[Task] = contextvars.ContextVar("the task that runs")


class Watcher(Protocol):
    """Who is told of every step that was taken."""

    def question(self) -> Sequence[Word]:
        """What to ask Redis after a step that writes."""
        ...

    def sees(self, task: Task, step: Step, *, reply: Any, found: Any = None) -> None:
        """A step was taken; `found` is the answer to the question, after a step that writes."""
        ...


@dataclass
class Gate:
    """Where tasks wait."""

    wire: Wire
    watcher: Watcher
    ahead: int = 0
    """Seconds by which the clock of Redis has been moved on."""

    async def start(self, task: Task, work: Coroutine[Any, Any, None]) -> None:
        """The task stands at its first step, or has come to its end."""
        context = contextvars.copy_context()
        context.run(_task.set, task)
        loop = asyncio.get_running_loop()
        task.stands = loop.create_future()
        task.work = loop.create_task(work, context=context)
        task.work.add_done_callback(lambda _: _arrive(task))
        await task.stands

    async def step(self, task: Task, letting: Letting = "go") -> None:
        """The task has taken its step, and `arrives` at what comes next."""
        if task.let is None:
            raise RuntimeError(f"{task.name} does not stand at the gate")
        task.stands = asyncio.get_running_loop().create_future()
        let, task.let = task.let, None
        let.set_result(letting)
        await self.arrives(task)

    async def arrives(self, task: Task) -> None:
        """The task stands at a step, has come to its end, or waits for others of its process."""
        if task.stands is not None:
            # Time passes at once where nothing else is to be done, so an hour is no wait.
            await asyncio.wait([task.stands], timeout=IDLE_SECONDS)

    async def passes(self, step: Step) -> tuple[Task, Letting]:
        """Wait at the gate with that step."""
        task = _task.get()
        task.at = step
        if task.free:
            return task, "go"
        task.let = asyncio.get_running_loop().create_future()
        _arrive(task)
        return task, await task.let

    async def command(self, step: Step) -> object:
        """Take the step of a command, in the way in which it is let go."""
        task, letting = await self.passes(step)
        if letting == "not sent":
            raise RedisConnectionError("the connection broke before the command")
        reply: Any = None
        for _ in range(2 if letting == "twice" else 1):
            reply, found = self._send(step)
            self.watcher.sees(task, step, reply=reply, found=found)
        if step.name == "TIME":
            reply = [int(reply[0]) + self.ahead, reply[1]]
        if letting == "reply lost":
            raise RedisConnectionError("the connection broke before the reply")
        return reply

    def _send(self, step: Step) -> tuple[Any, Any]:
        """The reply, and for a step that writes what is found behind it, in one round trip."""
        if not step.writes:
            return self.wire(*step.args), None
        reply, found = self.wire.many([step.args, self.watcher.question()])
        return reply, found


class GatedRedis(Redis):
    """The client that the services get; one blocking connection, for only one task ever runs."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(protocol=2)
        self._gate = gate
        self._names: dict[str, str] = {}

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """The command's reply, once the schedule let it go."""
        name = self._names[args[1]] if args[0] == "EVALSHA" else str(args[0])
        reply = await self._gate.command(Step(name, args))
        options.pop("keys", None)  # for the client's cache, which there is none of
        read = self.response_callbacks.get(args[0])
        return read(reply, **options) if read else reply

    def register_script(self, script: Any) -> Any:
        """The script, already loaded, so that running it is one step at all times."""
        registered = AsyncScript(self, script)
        self._names[self._gate.wire.load(script)] = SCRIPTS[first_line(script)]
        return registered


def first_line(script: str) -> str:
    """The comment that a script opens with; it names the script in its broken variants too."""
    return script.strip().split("\n", 1)[0]


def script_text(name: str) -> str:
    """The text of a script of the bus."""
    return files("bus").joinpath("scripts", f"{name}.lua").read_text(encoding="utf-8")


def _arrive(task: Task) -> None:
    if task.stands is not None and not task.stands.done():
        task.stands.set_result(None)


SCRIPTS = {
    first_line(script_text(name)): name
    for name in ("append", "commit", "open", "renew", "start_call", "store_result")
} | {
    "-- KEYS 1 spend of the day   ARGV 1 reservation  2 dollars  3 dollars kept free": "reserve",
    "-- KEYS 1 spend of the day   ARGV 1 reservation  2 dollars spent  3 seconds to keep": "settle",
}
