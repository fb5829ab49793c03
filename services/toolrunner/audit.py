"""The audit of tool calls: one entry per call, each with the hash of the one before it."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import JsonValue

from bus.cleaning import clean
from bus.events import ToolCallAudited, ToolCallRequested
from services.toolrunner.catalogue import canonical
from services.toolrunner.judging import Judged
from services.toolrunner.tool_call import Answer

QUICK_CHARACTERS = 250_000
"""So much is hashed in less than a millisecond; more is done in a thread."""


def entry_sha256(audited: ToolCallAudited) -> str:
    """The hash of an entry, which the next one of its chain holds."""
    return data_sha256(audited.model_dump(mode="json", exclude_defaults=True))


def data_sha256(fields: Mapping[str, JsonValue]) -> str:
    """The hash of an entry whose fields were read back from the stream.

    Of what stands there and nothing else: a later release may know more fields.
    """
    return _sha256(canonical(dict(fields)))


def mac_of(fields: Mapping[str, JsonValue], key: str) -> str:
    """What `mac` must be in an entry with these fields."""
    rest = {name: value for name, value in fields.items() if name != "mac"}
    return hmac.new(key.encode(), canonical(rest).encode(), hashlib.sha256).hexdigest()


@dataclass
class AuditChain:
    """The chain of one life of one replica, numbered from 1.

    A write whose fate is unknown ends the chain and begins another, so that a chain that stands in
    the stream never has two entries of one number, nor a hole.
    """

    consumer: str
    key: str = field(default="", repr=False)
    """Of the MACs; empty: entries have none."""
    _life: str = field(default_factory=lambda: secrets.token_hex(4))
    _number: int = 0
    _previous: str = ""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def entry(
        self, call: ToolCallRequested, judged: Judged, *, answer: Answer
    ) -> AsyncIterator[ToolCallAudited]:
        """The next entry, to be written inside the block; calls wait here for each other."""
        # Before the lock: a large result is nothing that other calls should wait for.
        result = await _sealed(answer)
        async with self._lock:
            audited = self._next(call, judged, answer=answer, result=result)
            written = False
            try:
                yield audited
                written = True
            finally:
                if written:
                    self._number, self._previous = audited.number, entry_sha256(audited)
                else:
                    self._life, self._number, self._previous = secrets.token_hex(4), 0, ""

    def _next(
        self, call: ToolCallRequested, judged: Judged, *, answer: Answer, result: "_Sealed"
    ) -> ToolCallAudited:
        audited = ToolCallAudited(
            investigation_id=call.investigation_id,
            tool_call_id=call.tool_call_id,
            tool=clean(call.tool)[:200],
            decision=judged.decision.verdict,
            reason=judged.decision.reason[:500],
            rules=judged.decision.rules,
            policy_sha256=judged.decision.policy_sha256,
            policy_mode=judged.decision.mode,
            argument_types=dict(judged.types),
            arguments_sha256=_sha256(judged.canonical),
            outcome=answer.outcome,
            result_sha256=result.sha256 if answer.ok else "",
            result_bytes=result.size,
            redactions=answer.redactions,
            replica=f"{self.consumer}/{self._life}",
            number=self._number + 1,
            previous_sha256=self._previous,
        )
        if not self.key:
            return audited
        fields = audited.model_dump(mode="json", exclude_defaults=True)
        return audited.model_copy(update={"mac": mac_of(fields, self.key)})


@dataclass(frozen=True)
class _Sealed:
    """What an entry says of a result: the hash of its bytes, and how many they are."""

    sha256: str
    size: int

    @classmethod
    def of(cls, text: str) -> "_Sealed":
        whole = text.encode()
        return cls(hashlib.sha256(whole).hexdigest(), len(whole))


async def _sealed(answer: Answer) -> _Sealed:
    """The same, in a thread where it takes long: leases and other calls must not wait for it."""
    if len(answer.whole) <= QUICK_CHARACTERS:
        return _Sealed.of(answer.whole)
    return await asyncio.to_thread(_Sealed.of, answer.whole)


def _sha256(text: str) -> str:
    return _Sealed.of(text).sha256
