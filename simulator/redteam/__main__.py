"""The hostile world as a process: `python -m simulator.redteam --cast FILE --state FOLDER`."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from simulator.redteam.attack import Attack
from simulator.redteam.world import HostileWorld
from simulator.scenario import ScenarioError


def main() -> int:
    """Runs until SIGTERM or SIGINT, then 0; 1 after one sentence when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m simulator.redteam", description=__doc__)
    parser.add_argument("--cast", required=True, type=Path, help="JSON: the attacks, as a list")
    parser.add_argument("--state", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--attacker-port", required=True, type=int)
    parser.add_argument("--model-seconds", type=float, help="not used: this model never thinks")
    given = parser.parse_args()
    try:
        attacks = [
            Attack.model_validate(each) for each in json.loads(given.cast.read_text("utf-8"))
        ]
        return asyncio.run(_run(attacks, given.state, attacker=given.attacker_port))
    except (ScenarioError, OSError, RuntimeError, ValueError) as error:
        print(f"the hostile world cannot start: {' '.join(str(error).split())}", file=sys.stderr)
        return 1


async def _run(attacks: Sequence[Attack], state: Path, *, attacker: int) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    async with HostileWorld(attacks, state, attacker=attacker):
        await stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
