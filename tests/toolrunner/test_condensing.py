"""The process that condenses long texts: it may break, and nothing of it stays behind."""

import asyncio
import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue

from bus.errors import ToolFailed
from bus.testing import eventually
from services.toolrunner.adapters.condensing import Condensing
from services.toolrunner.adapters.condensing_child import BEGIN, CONTENT, DROP, FRAME, PIECE, serve
from services.toolrunner.adapters.mcp_connection import Connection
from services.toolrunner.adapters.mcp_http import Bounds
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.long_texts import (
    NOT_CONDENSED,
    Condense,
    LongTexts,
    NotCondensed,
    Unescaped,
)
from simulator.redis_server import free_port
from tests.toolrunner.processes import running

ROOT = Path(__file__).parents[2]
MOST = 20_000
LINES = "\\n".join(f"INFO served request {number}" for number in range(2_000)).encode()
MESSAGE = b'{"id":1,"result":{"content":[{"type":"text","text":"%s"}]}}' % LINES


@pytest.fixture
def condensing() -> Iterator[Condensing]:
    """One whose process has ended after the test."""
    found = Condensing()
    yield found
    found.end()


def through(condense: Condense) -> LongTexts:
    """All of the message but for its end."""
    texts = LongTexts(MOST, in_all=100 * MOST, condense=condense)
    texts.through(MESSAGE[:-10])
    return texts


def test_a_process_of_its_own_keeps_of_a_text_what_we_would(condensing: Condensing) -> None:
    theirs, ours = through(condensing.text), through(Unescaped)
    assert condensing.pid
    assert ours.can_be_cut
    assert theirs.through(MESSAGE[-10:]) == ours.through(MESSAGE[-10:])
    cut = [through(each).cut("it was cut", request="1") for each in (condensing.text, Unescaped)]
    assert cut[0] == cut[1]


def test_a_process_that_is_killed_takes_its_text_along_and_the_next_has_another(
    condensing: Condensing,
) -> None:
    texts, cut = through(condensing.text), through(condensing.text)
    before = condensing.pid
    os.kill(before, signal.SIGKILL)
    assert (texts.through(MESSAGE[-10:]), texts.problem) == (b"", NOT_CONDENSED)
    again = through(condensing.text)
    assert (cut.cut("it was cut", request="1"), cut.problem) == (b"", NOT_CONDENSED)
    assert condensing.pid not in (0, before)
    assert b"served request 1999" in again.through(MESSAGE[-10:])


def test_a_process_that_is_stuck_is_ended_and_the_next_text_has_another(
    condensing: Condensing,
) -> None:
    condensing.stuck_seconds = 0.3
    texts = through(condensing.text)
    condensing.stuck_seconds = 9.0
    os.kill(condensing.pid, signal.SIGSTOP)
    texts.through(MESSAGE[-10:])
    assert (texts.problem, condensing.pid) == (NOT_CONDENSED, 0)
    assert b"served request 1999" in through(condensing.text).through(MESSAGE[-10:])


def test_texts_that_were_given_up_do_not_stay_in_the_process(condensing: Condensing) -> None:
    given_up, kept, last = (condensing.text(MOST) for _ in range(3))
    given_up.add(LINES)
    kept.add(LINES)
    given_up.drop()
    assert b"served" in kept.content("")
    assert (given_up.content(""), bool(condensing.pid)) == (b"", True)
    last.content("")
    assert not condensing.pid  # with the last of them it has ended
    held: dict[int, Unescaped] = {}
    begin = json.dumps({"most": MOST, "mark": "m"}).encode()
    frames = [(1, BEGIN, begin), (2, BEGIN, begin), (1, PIECE, LINES), (1, DROP, b"")]
    answers: list[bytes] = []
    sent = [*frames, (1, PIECE, LINES), (2, CONTENT, b""), (1, CONTENT, b"")]
    written = b"".join(FRAME.pack(number, kind, len(by)) + by for number, kind, by in sent)
    serve(io.BytesIO(written), answers.append, texts=held)
    assert held == {}
    assert len(answers) == 2


async def test_nothing_is_left_of_it_when_it_stops(condensing: Condensing) -> None:
    keeping = asyncio.create_task(condensing.keep())
    await asyncio.to_thread(through, condensing.text)
    pid = condensing.pid
    keeping.cancel()
    await asyncio.wait([keeping])
    with pytest.raises(ProcessLookupError):  # not even a zombie
        os.kill(pid, 0)
    with pytest.raises(NotCondensed):
        condensing.text(MOST)


OWNER = """
from services.toolrunner.adapters.condensing import Condensing
condensing = Condensing()
condensing.text(1000).add(b"x" * 5000)
print(condensing.pid, flush=True)
input()
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")
async def test_it_ends_with_a_toolrunner_that_is_killed() -> None:
    pipe = asyncio.subprocess.PIPE
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER), cwd=ROOT, stdin=pipe, stdout=pipe
    )
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    assert _runs(pid)
    owner.kill()
    await owner.communicate()

    async def has_ended() -> bool:
        return not _runs(pid)

    await eventually(has_ended)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@contextlib.asynccontextmanager
async def connected(kind: str, condense: Condense) -> AsyncIterator[Connection]:
    """A hostile server by HTTP ("far") or as a process ("near")."""
    async with contextlib.AsyncExitStack() as stack:
        if kind == "far":
            port = free_port()
            await stack.enter_async_context(running("tests.toolrunner.hostile", str(port)))
            entry = ServerEntry(url=f"http://127.0.0.1:{port}/mcp")
        else:
            module = ("-m", "tests.toolrunner.hostile")
            env = {"PYTHONPATH": str(ROOT)}
            entry = ServerEntry(command=sys.executable, args=module, env=env, cwd=str(ROOT))
        connection = Connection("shop", entry, at_once=5, bounds=Bounds(400_000, condense))
        keeping = asyncio.create_task(connection.keep())
        try:
            await asyncio.wait_for(connection.listed.wait(), 9)
            yield connection
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])


async def read(connection: Connection, topic: str, lines: int) -> str:
    given: dict[str, JsonValue] = {"topic": topic, "lines": lines}
    return await connection.call("read", given, seconds=8, check=lambda: 9e9, read_only=True)


@pytest.mark.parametrize("kind", ["far", "near"])
async def test_the_call_whose_process_was_killed_says_so_and_the_next_one_is_answered(
    kind: str, condensing: Condensing
) -> None:
    async with connected(kind, condensing.text) as connection:
        call = asyncio.create_task(read(connection, "log", 3))
        await eventually(lambda: asyncio.sleep(0, condensing.pid))
        os.kill(condensing.pid, signal.SIGKILL)
        with pytest.raises(ToolFailed, match=f"^shop: {NOT_CONDENSED}; ask for less$"):
            await call
        assert "ERROR the one that matters" in await read(connection, "log", 1)


@pytest.mark.parametrize("kind", ["far", "near"])
async def test_a_long_answer_that_nobody_waits_for_any_more_is_dropped(kind: str) -> None:
    begun: list[_Noted] = []

    def condense(most: int) -> _Noted:
        begun.append(_Noted(most))
        return begun[-1]

    async with connected(kind, condense) as connection:
        call = asyncio.create_task(read(connection, "stalled", 1))
        await eventually(lambda: asyncio.sleep(0, begun))
        call.cancel()
        await asyncio.wait([call])
        # The client reads on for as long as the connection and the time of the call are there.
    assert [each.is_dropped for each in begun] == [True]


class _Noted(Unescaped):
    is_dropped = False

    def drop(self) -> None:
        self.is_dropped = True
