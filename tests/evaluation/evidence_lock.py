"""The lock of the evidence server: `python -m tests.evaluation.evidence_lock` writes it anew."""

import asyncio
import tempfile
from pathlib import Path

from services.toolrunner.adapters.lock_file import lock_text
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from simulator.cases.cast import Cast
from simulator.cases.evidence import SERVER, build_evidence
from simulator.cases.world import LOCK
from simulator.request_log import RequestLog
from simulator.serving import served
from tests.toolrunner.foreign import lock_as_listed

COMMAND = "python -m tests.evaluation.evidence_lock"


async def evidence_lock(folder: Path) -> str:
    """What the file has to hold."""
    app = build_evidence(Cast({}), RequestLog(folder / "requests.jsonl"))
    async with served(app) as address:
        return lock_text(await lock_as_listed({SERVER: ServerEntry(url=f"{address}/mcp")}))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        LOCK.write_text(asyncio.run(evidence_lock(Path(scratch))), encoding="ascii")
