"""The outside world as a process: `python -m simulator --scenario NAME --state FOLDER`."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from simulator.faults import FaultError, read_faults
from simulator.scenario import Scenario, ScenarioError, load_scenario
from simulator.world import STATE_FILE, World


def main() -> int:
    """Runs until SIGTERM or SIGINT, then 0; 1 after one sentence when it cannot start."""
    arguments = _arguments()
    try:
        scenario = load_scenario(arguments.scenario)
        faults = [fault for text in arguments.fault for fault in read_faults(json.loads(text))]
        seconds = None if arguments.real_model else arguments.model_seconds
        world = World(
            scenario,
            arguments.state,
            seconds_per_reply=seconds,
            faults=faults,
            slack_limits=arguments.slack_limits,
        )
    except (ScenarioError, FaultError, OSError, ValueError) as error:
        return _failed(str(error))
    try:
        return asyncio.run(_run(scenario, world))
    except (ScenarioError, OSError, RuntimeError) as error:
        return _failed(f"the simulator cannot start: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="The outside world of one incident, on loopback, until it is stopped.",
    )
    parser.add_argument("--scenario", required=True, help="a scenario's name, or a .yaml file")
    parser.add_argument(
        "--state",
        required=True,
        type=Path,
        metavar="FOLDER",
        help=f"where {STATE_FILE} (addresses, tokens) and the request log are written",
    )
    parser.add_argument(
        "--model-seconds",
        type=float,
        default=0.3,
        help="how long the scripted model thinks per reply (default 0.3)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="JSON",
        help='planned from the start, such as {"stand_in": "model", "fault": "slow"}; repeatable',
    )
    parser.add_argument(
        "--slack-limits",
        action="store_true",
        help="Slack allows no more calls than it publishes",
    )
    parser.add_argument(
        "--real-model",
        action="store_true",
        help="start no scripted model: the reasoner uses the real API with ANTHROPIC_API_KEY",
    )
    return parser.parse_args()


async def _run(scenario: Scenario, world: World) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    async with world:
        print(f"the outside world of {scenario.name} is ready: {world.described_in}", flush=True)
        await stopped.wait()
    return 0


def _failed(sentence: str) -> int:
    print(" ".join(sentence.split()), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
