"""What passes the proxy, at which point of its way, and what a test may decide about it."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Phase = Literal["before", "between", "after"]
"""`before`: it reached the proxy and was not forwarded. `between`: it was executed outside, and
the reply has not been delivered. `after`: the reply was delivered."""
PHASES: tuple[Phase, ...] = ("before", "between", "after")


@dataclass(eq=False)
class Passage:
    """One request of one replica, and what became of it."""

    at: float
    replica: str
    service: str
    channel: str
    operation: str
    incident: str = ""
    call: str = ""
    """The tool call or the message it is about, where that is known."""
    answer: str = ""
    answered_at: float = 0.0
    fate: str = "passed"
    """What a test did to it: held, cut, answered by the proxy."""
    about: str = ""
    """Of a model or tool call: the case in its body, and the number of messages or the call."""
    began_at: float = 0.0
    """When the head of a request over HTTP had come."""
    given_up: bool = False
    """Whether the replica had closed its connection when the answer came."""

    def said(self) -> str:
        """A line for a timeline."""
        took = f" in {self.answered_at - self.at:.3f} s" if self.answered_at else ""
        call = f" {self.call}" if self.call else ""
        fate = "" if self.fate == "passed" else f" [{self.fate}]"
        return f"{self.replica}: {self.operation}{call} -> {self.answer or '?'}{took}{fate}"


class Gate:
    """Holds a passage until a test opens it, from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened = threading.Event()
        self._go_on = True
        self._woken: asyncio.Event | None = None

    def open(self, *, go_on: bool = True) -> None:
        """The passage goes on, or its connection is cut."""
        self._go_on = go_on
        self._opened.set()
        if self._loop is not None and self._woken is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    async def wait(self) -> bool:
        """Whether to go on, once it was opened."""
        self._woken, self._loop = asyncio.Event(), asyncio.get_running_loop()
        if not self._opened.is_set():
            await self._woken.wait()
        return self._go_on


@dataclass(frozen=True)
class Cut:
    """The replica's connection is reset."""


@dataclass(frozen=True)
class Hold:
    """It waits here until the gate opens."""

    gate: Gate


@dataclass(frozen=True)
class Delay:
    """It waits here that long."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """The proxy answers in place of the outside (HTTP only); `between`, after it was executed."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


Verdict = Cut | Hold | Delay | Answer
Hook = Callable[[Passage, Phase], Verdict | None]
"""A test's word about a passage, asked in the proxy's thread; None lets it pass."""


class Cutting(Exception):
    """The connection that this happens on is to be reset."""


class Answered(Exception):
    """The request gets this answer and no other."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


async def obey(verdict: Verdict | None, passage: Passage) -> None:
    """The passage may go on. Raises Cutting or Answered where it may not."""
    if verdict is None:
        return
    if isinstance(verdict, Delay):
        await asyncio.sleep(verdict.seconds)
        return
    if isinstance(verdict, Hold):
        passage.fate = "held" if passage.fate == "passed" else f"{passage.fate}, held"
        if await verdict.gate.wait():
            return
    if isinstance(verdict, Answer):
        passage.fate = f"answered {verdict.status} by the proxy"
        raise Answered(verdict)
    passage.fate = "cut" if passage.fate == "passed" else f"{passage.fate}, cut"
    raise Cutting
