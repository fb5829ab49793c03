"""Recorded incidents as a process: `python -m simulator.cases --cast FILE --state FOLDER`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from simulator.cases.cast import Cast, read_cast
from simulator.cases.folder import CaseError
from simulator.cases.world import CaseWorld


def main() -> int:
    """Runs until SIGTERM or SIGINT, then 0; 1 after one sentence when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m simulator.cases", description=__doc__)
    parser.add_argument("--cast", required=True, type=Path, help="JSON: incident id -> case folder")
    parser.add_argument("--state", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--model-seconds", type=float, default=0.3)
    parser.add_argument("--real-model", action="store_true")
    given = parser.parse_args()
    seconds = None if given.real_model else given.model_seconds
    try:
        return asyncio.run(_run(read_cast(given.cast), given.state, seconds=seconds))
    except (CaseError, OSError, RuntimeError, ValueError) as error:
        print(f"the simulator cannot start: {' '.join(str(error).split())}", file=sys.stderr)
        return 1


async def _run(cast: Cast, state: Path, *, seconds: float | None) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    async with CaseWorld(cast, state, seconds_per_reply=seconds):
        await stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
