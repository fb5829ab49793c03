"""Become a service of the simulated world: `laptop.py SERVICE`, in a container of compose.yaml.

The simulator says in `simulator.json` which addresses and tokens each service is to have. What
compose.yaml sets goes before it. The process then is the service, signals and exit code included.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

DESCRIBED = Path("/state/simulator.json")


def environment(service: str, described: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The variables of that service: the world's, and over them those that were given."""
    world = json.loads(described.read_text(encoding="utf-8"))
    found: dict[str, str] = dict(world["environment"].get("all", {}))
    found |= world["environment"].get(service, {})
    if service == "ingest":
        found |= world["slack"]
    return found | dict(given)


if __name__ == "__main__":
    name = sys.argv[1]
    command = [sys.executable, "-m", f"services.{name}"]
    os.execve(sys.executable, command, environment(name, DESCRIBED, os.environ))
