"""Where ingest is, and what it takes: of a running `nightshift up`, or of this shell."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bus.errors import NotConfigured
from cli import where

NOTHING_RUNS = "no `nightshift up` is running here"
DOORS_FILE = "doors.json"
"""In the folder of a stack: the variables that open its doors."""
HOW = {
    "NIGHTSHIFT_SNS_TOPICS": "the topics that this ingest takes",
    "NIGHTSHIFT_ALERTMANAGER_TOKEN": "the bearer token of its Alertmanager door",
    "NIGHTSHIFT_LOGS_TOKEN": "the access key of its logs door",
    "SLACK_SIGNING_SECRET": "the secret by which it knows Slack",
    "SLACK_API_URL": "where it answers people",
    "NIGHTSHIFT_QUEUE_URL": "the queue that ingest reads (or start `nightshift up` here)",
}


@dataclass(frozen=True)
class Target:
    """One ingest: its address, the variables that it was started with, and who can steer SQS."""

    variables: Mapping[str, str]
    url: str = ""
    """Its HTTP address; empty where none is known."""
    control: str = ""
    """The simulator's control address, through which its queue is reached; else boto3 is used."""
    signing: Path | None = None
    """The folder with the test key that signs what SNS sends."""

    def needs(self, variable: str) -> str:
        """The value of that variable, the first of several; raises NotConfigured without one."""
        value = self.variables.get(variable, "").partition(",")[0].strip()
        if not value:
            raise NotConfigured(f"{variable} is not set: {HOW[variable]}")
        return value

    def at(self, path: str) -> str:
        """The address of one door; raises NotConfigured where ingest's own is not known."""
        if not self.url:
            raise NotConfigured(f"{NOTHING_RUNS}; or name an ingest with --to http://HOST:8080")
        return f"{self.url.rstrip('/')}{path}"


def found(to: str, keys: str) -> Target:
    """The ingest at that address, by this shell's variables; without one that which runs here.

    Raises NotConfigured with one sentence.
    """
    signing = Path(keys) if keys else None
    if to:
        if not to.startswith(("http://", "https://")):
            raise NotConfigured(f"--to takes an address such as http://127.0.0.1:8080, not {to!r}")
        return Target(os.environ, to, signing=signing)
    if os.environ.get("NIGHTSHIFT_QUEUE_URL"):
        return Target(os.environ, signing=signing)
    running = where.running()
    if not running:
        return Target(os.environ, signing=signing)
    described = _described(Path(running.get("logs", "")))
    return Target(
        described,
        running.get("ingest", ""),
        control=running["control"],
        signing=signing or Path(running.get("logs", "")) / "sns",
    )


def _described(folder: Path) -> Mapping[str, str]:
    """The variables that the ingest of `nightshift up` was given."""
    file = folder / DOORS_FILE
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        return {str(name): str(value) for name, value in given.items()}
    except (OSError, ValueError, AttributeError):
        raise NotConfigured(f"{file} cannot be read: start `nightshift up` again") from None
