"""The lock of the evidence server: `python -m tests.evaluation.evidence_lock` writes it anew."""

import asyncio
import tempfile
from pathlib import Path

from services.toolrunner.adapters.lock_file import lock_text
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.adapters.pinning import list_all
from services.toolrunner.pins import Lock, pinned_anew
from simulator.cases.cast import Cast
from simulator.cases.evidence import SERVER, build_evidence
from simulator.cases.world import LOCK
from simulator.request_log import RequestLog
from simulator.serving import served

COMMAND = "python -m tests.evaluation.evidence_lock"


async def lock_as_listed(folder: Path) -> str:
    """What the lock has to be."""
    app = build_evidence(Cast({}), RequestLog(folder / "requests.jsonl"))
    async with served(app) as address:
        entries = {SERVER: ServerEntry(url=f"{address}/mcp")}
        listed = await list_all(entries, seconds=10, max_bytes=1_000_000)
    return lock_text(pinned_anew(Lock({}), listed, all_of_it=True))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        LOCK.write_text(asyncio.run(lock_as_listed(Path(scratch))), encoding="ascii")
