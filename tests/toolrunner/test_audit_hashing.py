"""A result is hashed for its audit entry: off the event loop where it is large, and never wrong."""

import hashlib
import threading

import pytest

from bus.events import InvestigationId, ToolCallId, ToolCallRequested
from services.toolrunner.audit import QUICK_CHARACTERS, AuditChain
from services.toolrunner.judging import Judged
from services.toolrunner.policy import Decision
from services.toolrunner.tool_call import Answer

CALL = ToolCallRequested(
    investigation_id=InvestigationId("inc-1"),
    tool_call_id=ToolCallId("1-1"),
    turn=1,
    tool="shop__read",
    arguments={},
)
JUDGED = Judged("shop__read", {}, "{}", Decision("allow", "It may be read."), offered=True)


class Watched(str):
    """A text that notes which threads make bytes of it."""

    threads: set[int]

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        self.threads.add(threading.get_ident())
        return super().encode(encoding, errors)


@pytest.mark.parametrize(
    ("characters", "apart"), [(QUICK_CHARACTERS, False), (QUICK_CHARACTERS + 1, True)]
)
async def test_a_large_result_is_hashed_off_the_event_loop(characters: int, apart: bool) -> None:
    text = "é" * characters
    whole = Watched(text)
    whole.threads = set()
    async with AuditChain("r").entry(CALL, JUDGED, answer=Answer("executed", "", whole)) as entry:
        assert entry.result_bytes == 2 * characters
        assert entry.result_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (threading.get_ident() not in whole.threads) == apart
