"""From a tool's text to what is stored and shown, off the event loop where that takes long."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bus.errors import ToolFailed
from bus.events import InvestigationId
from bus.results import Results
from services.toolrunner.judging import Judged
from services.toolrunner.reading import in_time
from services.toolrunner.result_pages import Pattern, page, page_request
from services.toolrunner.tool_call import Answer, answered, smaller

QUICK_CHARACTERS = 16_000
"""Cleaning and condensing so much takes less than 20 ms; more is done in a thread."""
T = TypeVar("T")


@dataclass(frozen=True)
class Showing:
    """Answers and pages, of at most `cap` characters each."""

    results: Results
    compiled: Pattern
    cap: int

    async def answer(self, tool: str, text: str, *, repeated: bool, until: float) -> Answer:
        """The answer that a tool's text becomes, by `until` (monotonic) and a little more.

        Raises ToolFailed after that.
        """

        def made() -> Answer:
            return answered(tool, text, shown_characters=self.cap, repeated=repeated)

        return made() if len(text) <= QUICK_CHARACTERS else await in_time(made, until=until)

    async def page(self, inv: InvestigationId, judged: Judged, *, repeated: bool) -> Answer:
        """A page of a stored result. Raises ToolFailed, naming those that there are."""
        wanted = page_request(judged.arguments)
        result = await self.results.read(inv, wanted.call_id)
        if result is None:
            known = ", ".join(sorted(await self.results.shown(inv))) or "none yet"
            raise ToolFailed(f"there is no result {wanted.call_id!r}; stored results: {known}")
        whole = result.whole

        def made() -> str:
            return page(whole, wanted, cap=self.cap, compiled=self.compiled)

        shown = await _apart(made, len(whole))
        return Answer("repeated" if repeated else "executed", shown)

    async def smaller(self, answer: Answer, tool: str, *, room: int) -> Answer:
        """The answer, of which only `room` bytes may be stored."""

        def made() -> Answer:
            return smaller(answer, tool, shown_characters=self.cap, most_bytes=room)

        return await _apart(made, len(answer.whole))


async def _apart(make: Callable[[], T], characters: int) -> T:
    """The same, in a thread where it takes long: leases and other calls must not wait for it."""
    return make() if characters <= QUICK_CHARACTERS else await asyncio.to_thread(make)
