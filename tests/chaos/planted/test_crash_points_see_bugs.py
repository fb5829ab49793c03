"""Bugs that show only when a process is struck at the right point: the crash points see them.

In the full lane only, for each needs a fleet of its own. That the same points are green without the
bugs is what the crash points themselves show there.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.planted.test_planted_bugs import FAILED, run, tree
from tests.lane import Figures

__all__ = ["tree"]

pytestmark = [pytest.mark.xdist_group("chaos-2"), pytest.mark.timeout(300)]
TEST = "tests/chaos/test_crash_points.py"


@dataclass(frozen=True, kw_only=True)
class Struck:
    """A bug, the point that shows it, and what is said there. `old` stands once in `file`."""

    name: str
    file: str
    old: str
    new: str
    point: str
    said: str


BUGS = (
    Struck(
        name="progress after the final card",
        file="services/notifier/adapters/scripts/settle.lua",
        old="answer = 'covered' end",
        new="answer = 'over' end",
        point="slack chat.update (progress) #1, before, SIGSTOP",
        said="R5 card shows progress",
    ),
    Struck(
        name="a stop signal with each final card",
        file="services/notifier/adapters/scripts/finish.lua",
        old="local first = has[2] ~= 'final'",
        new="local first = true",
        point="commit: finish (InvestigationStopped) (final) #1, between, SIGKILL",
        said="R1 two stop signals",
    ),
    Struck(
        name="a tool is called although the lease ran out",
        file="services/toolrunner/handlers.py",
        old="return entry.check_held()",
        new="return float('inf')",
        point="commit: start_call 1-1 #1, between, SIGSTOP",
        said="R5 called after its result",
    ),
    Struck(
        name="a turn that was taken over is asked for twice",
        file="services/reasoner/running.py",
        old="await self.model.ask(request, seconds=seconds, check=entry.check_held)",
        new="[\n"
        "                await self.model.ask(request, seconds=seconds, check=entry.check_held)\n"
        "                for _ in range(min(entry.delivery_count, 2))\n"
        "            ][-1]",
        point="model call #1, between, SIGKILL",
        said="R1 repeat without a fault",
    ),
    Struck(
        name="a repeated call is audited as the first",
        file="bus/scripts/start_call.lua",
        old="then return 'started before' end",
        new="then return 'first' end",
        point="commit: store_result (ToolCallFinished+ToolCallAudited) 1-1 #1, before, SIGKILL",
        said="R5 repeat not audited",
    ),
    Struck(
        name="a turn that lost its owner ends the incident",
        file="services/reasoner/running.py",
        old="            prepared = await self._prepare(record)\n",
        new="            if entry.delivery_count > 1:\n"
        '                why = "its owner died"\n'
        '                await self._give_up(record, entry, outcome="failed", reason=why)\n'
        "                return\n"
        "            prepared = await self._prepare(record)\n",
        point="model call #1, between, SIGKILL",
        said="R1 wrong outcome",
    ),
    Struck(
        name="a second message that names no incident",
        file="services/notifier/message.py",
        old="            await self.edit(record, card, turn=turn)\n",
        new="            await self.edit(record, card, turn=turn)\n"
        "            await self.slack.post(card)\n",
        point="model call #1, between, SIGKILL",
        said="R2 message of nobody",
    ),
    Struck(
        name="a detail that stands twice is left there",
        file="services/notifier/thread.py",
        old="await self._take_back(standing, place=place)",
        new="pass",
        point="slack chat.postMessage (details) #1, before, SIGSTOP",
        said="R2 detail twice",
    ),
    Struck(
        name="a thread is not owed any more once somebody has begun",
        file="services/notifier/adapters/redis_thread.py",
        old="if await self.redis.zadd(key, {found: later}, xx=True, gt=True, ch=True):",
        new="if later and await self.redis.zrem(key, found):",
        point="commit: begin_detail (details) #1, between, SIGKILL",
        said="R2 detail missing",
    ),
    Struck(
        name="no call is audited",
        file="services/toolrunner/handlers.py",
        old="result, audited=audited, entry=entry",
        new="result, audited=None, entry=entry",
        point="model call #1, between, SIGKILL",
        said="audit result not audited",
    ),
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All of them in the full lane."""
    if "bug" in metafunc.fixturenames:
        bugs = BUGS if metafunc.config.option.full else ()
        metafunc.parametrize("bug", bugs, ids=[bug.name.replace(" ", "-") for bug in bugs])


def test_process_struck_at_one_point_shows_the_bug(
    tree: Path, bug: Struck, figures: Figures
) -> None:
    path = tree / bug.file
    whole = path.read_text(encoding="utf-8")
    assert whole.count(bug.old) == 1
    path.write_text(whole.replace(bug.old, bug.new), encoding="utf-8")
    try:
        result = run(tree, TEST, "--points", bug.point)
    finally:
        path.write_text(whole, encoding="utf-8")
    seen = result.returncode == FAILED and bug.said in result.stdout
    figures.add("planted bugs", f"{bug.name}, by a crash point", "red" if seen else "?", "red")
    assert seen, result.stdout[-3000:] + result.stderr[-2000:]
