"""What a submitted diagnosis rests on, read from the store, and what was found about it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bus.record import Record
from bus.results import Results
from services.reasoner import calls, patches, places
from services.reasoner.diagnosis import SUBMIT, Submission, submission
from services.reasoner.sources import TRIGGER, Known, Source, arguments_of, origin, told_by
from services.reasoner.transcript import Message, Reply

QUICK_CHARACTERS = 65_536
"""So much is checked at once; more in a thread, so that leases and other turns need not wait."""


@dataclass(frozen=True)
class Checking:
    """Checks submissions against the stored results; `services` are those of the catalogue."""

    results: Results
    services: frozenset[str] = frozenset()

    async def findings(
        self, record: Record, reply: Reply, *, transcript: Sequence[Message]
    ) -> calls.Findings:
        """What was found about every diagnosis that the reply submits."""
        used = [use for use in reply.tool_uses if use.name == SUBMIT][: calls.SUBMISSIONS]
        given = [each for use in used if not isinstance(each := submission(use.arguments), str)]
        sources = await self._sources(record, given, transcript=transcript) if given else {}
        known = Known(told=told_by(record), services=self.services)
        size = sum(len(source.whole) + len(source.shown) for source in sources.values())
        if size <= QUICK_CHARACTERS:
            return calls.findings(reply, sources, known=known)
        return await asyncio.to_thread(calls.findings, reply, sources, known=known)

    async def _sources(
        self, record: Record, given: Iterable[Submission], *, transcript: Sequence[Message]
    ) -> dict[str, Source]:
        """What the model saw of every result, with the whole of those that have to be read."""
        asked, shown = arguments_of(transcript), await self.results.shown(record.investigation_id)
        sources = {
            name: Source(tool="trigger", shown=text)
            for name, text in shown.items()
            if name.startswith(TRIGGER)
        }
        for call in record.calls:
            if call.state == "ok" and call.tool_call_id in shown:
                sources[call.tool_call_id] = Source(
                    tool=call.tool,
                    shown=shown[call.tool_call_id],
                    arguments=asked.get(call.tool_call_id, {}),
                )
        for name in _to_read(sources, given):
            found = await self.results.read(record.investigation_id, name)
            if found is not None:
                stands = sources.get(name, Source(tool=found.tool))
                sources[name] = stands.model_copy(update={"whole": found.whole})
        return sources


def _to_read(sources: dict[str, Source], given: Iterable[Submission]) -> list[str]:
    """The results that are quoted, and those of the files that the submissions speak of."""
    named, paths = list[str](), list[str]()
    for each in given:
        named += [origin(name, sources) for name in each.named]
        paths += each.paths
    read = (
        name
        for name, source in sources.items()
        if places.reads_files(source.tool)
        and any(patches.matches(path, places.path_asked(source)) for path in paths)
    )
    return list(dict.fromkeys([*named, *read]))
