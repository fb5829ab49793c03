"""Tool calls and their results: started once, stored once, read by whoever checks evidence."""

import asyncio
import json
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter
from redis.asyncio import Redis

from bus.connection import Script, as_text
from bus.envelope import Entry, flat
from bus.errors import ToolFailed
from bus.events import InvestigationId, ToolCallAudited, ToolCallFinished, ToolCallId, Value
from bus.seals import UNSIGNED, Seals
from bus.streams import AUDIT, KEPT_SECONDS, TOOL_RESULTS, Keys

MOST_STORED, MOST_OF_ALL = 8 << 20, 64 << 20  # bytes of a result, and of all, compressed
Start = Literal["first", "started before", "stored", "closed", "ended"]
_START: TypeAdapter[Start] = TypeAdapter(Start)


class Result(Value):
    """A stored result: the cleaned whole, the view that the model gets, and facts about both."""

    whole: str
    shown: str
    ok: bool = True
    tool: str = ""
    redactions: int = 0


class NoRoom(ToolFailed):
    """The result was not stored; its argument is how many bytes may still be."""


@dataclass
class Results:
    """Calls and results of all investigations; of one it stores `most` bytes in all."""

    redis: Redis
    keys: Keys
    most: int = MOST_OF_ALL
    seals: Seals = UNSIGNED
    _start: Script = field(init=False)
    _store: Script = field(init=False)

    def __post_init__(self) -> None:
        self._start = Script(self.redis, "start_call")
        self._store = Script(self.redis, "store_result")

    async def start(
        self, investigation_id: InvestigationId, tool_call_id: ToolCallId, *, by: str
    ) -> Start:
        """Record that a call starts, and say what to do.

        `first`: call it. `started before`: another start without a result stands. `stored`: the
        result stands. `closed` or `ended`: nothing may be called any more.
        """
        start = json.dumps({"by": by, "token": uuid.uuid4().hex})
        keys = [self.keys.of(investigation_id, part) for part in ("record", "calls", "results")]
        answer = await self._start.run(keys, [tool_call_id, start, str(KEPT_SECONDS)])
        return _START.validate_python(as_text(answer))

    async def started(self, investigation_id: InvestigationId) -> frozenset[str]:
        """Ids of the calls of an investigation whose start is recorded."""
        names = await self.redis.hkeys(self.keys.of(investigation_id, "calls"))
        return frozenset(as_text(name) for name in names)

    async def store(
        self,
        finished: ToolCallFinished,
        result: Result,
        *,
        audited: ToolCallAudited | None,
        entry: Entry,
    ) -> None:
        """Store the result unless one stands, tell, audit, acknowledge: one script, or NoRoom."""
        parent = entry.traceparent
        told = flat(self.seals.fields(finished, parent))
        audit = flat(self.seals.fields(audited, parent)) if audited else []
        inv = finished.investigation_id
        stored = await self._store.run(
            [
                self.keys.of(inv, "results"),
                self.keys.stream(TOOL_RESULTS),
                self.keys.stream(AUDIT),
                self.keys.stream(entry.stream),
            ],
            [
                finished.tool_call_id,
                await _apart(zlib.compress, result.whole.encode()),
                result.shown,
                result.model_dump_json(include={"ok", "tool", "redactions"}),
                str(KEPT_SECONDS),
                *(entry.group, entry.entry_id, str(len(told)), str(len(audit))),
                *(str(MOST_STORED), str(self.most), *told, *audit),
            ],
        )
        if isinstance(stored, int) and stored < 0:
            raise NoRoom(-1 - stored)
        entry.acknowledged = True

    async def read(self, investigation_id: InvestigationId, tool_call_id: str) -> Result | None:
        """The stored result of a call (or of `trigger:<name>`), or None."""
        parts = [f"{tool_call_id}:{part}" for part in ("whole", "shown", "facts")]
        key = self.keys.of(investigation_id, "results")
        whole, shown, facts = await self.redis.hmget(key, parts)
        if whole is None:
            return None
        known = json.loads(facts) if facts else {}
        packed = whole if isinstance(whole, bytes) else whole.encode()
        text = (await _apart(zlib.decompress, packed)).decode()
        return Result.model_validate(
            {**known, "whole": text, "shown": as_text(shown)}, extra="ignore"
        )

    async def shown(
        self, investigation_id: InvestigationId, only: Iterable[str] | None = None
    ) -> dict[str, str]:
        """What the model gets to see of every stored result, by tool call id, or `only` of some."""
        key = self.keys.of(investigation_id, "results")
        if only is None:
            names = [as_text(name) for name in await self.redis.hkeys(key)]
            only = [name.removesuffix(":shown") for name in names if name.endswith(":shown")]
        wanted = [f"{call_id}:shown" for call_id in only]
        if not wanted:
            return {}
        texts = await self.redis.hmget(key, wanted)
        return {
            name.removesuffix(":shown"): as_text(text)
            for name, text in zip(wanted, texts, strict=True)
            if text is not None
        }


async def _apart(change: Callable[[bytes], bytes], packed: bytes) -> bytes:
    # In a thread where it takes long.
    return change(packed) if len(packed) < 65_536 else await asyncio.to_thread(change, packed)


def numbered(text: str, header: str = "") -> str:
    """The text with `12| ` before each line, after a header line of ours.

    The whole stays unnumbered.
    """
    lines = [f"{number}| {line}" for number, line in enumerate(text.split("\n"), start=1)]
    return "\n".join([header, *lines] if header else lines)


def attachment_fields(attachments: Mapping[str, str]) -> list[str | bytes]:
    """Texts that came with a trigger as fields of the results hash.

    `trigger:<name>:whole` and `:shown`.
    """
    fields: list[str | bytes] = []
    for name, text in attachments.items():
        call = f"trigger:{name}"
        facts = json.dumps({"ok": True, "tool": "trigger"})
        fields += [f"{call}:whole", zlib.compress(text.encode()), f"{call}:facts", facts]
        fields += [f"{call}:shown", numbered(text, f"came with the trigger: {name}")]
    return fields
