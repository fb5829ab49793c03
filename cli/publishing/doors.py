"""The doors of the ingest of a stack: what opens them, for other commands and for a person."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cli.publishing.parcels import PATHS
from cli.publishing.target import DOORS_FILE, HOW
from cli.stack import service_environment

if TYPE_CHECKING:
    from cli.stack import Stack

_LINES = (
    ("--sns", "SNS over HTTP", PATHS["sns"], "NIGHTSHIFT_SNS_TOPICS"),
    ("--eventbridge", "EventBridge", "", "NIGHTSHIFT_QUEUE_URL"),
    ("--logs", "Logs by Firehose", PATHS["logs"], "NIGHTSHIFT_LOGS_TOKEN"),
    ("--slack", "Slack, /diagnose", PATHS["slack"], "SLACK_SIGNING_SECRET"),
    ("--alertmanager", "Alertmanager", PATHS["alertmanager"], "NIGHTSHIFT_ALERTMANAGER_TOKEN"),
)


def doors_of(stack: "Stack") -> dict[str, str]:
    """The variables that open the doors of this stack's ingest."""
    env = service_environment(stack, "ingest", replica="ingest-1")
    return {name: env[name] for name in HOW if env.get(name)}


def write_doors(stack: "Stack") -> dict[str, str]:
    """The same, in a file of its folder that nobody else may read."""
    found = doors_of(stack)
    file = stack.folder / DOORS_FILE
    file.touch(mode=0o600)
    file.write_text(json.dumps(found), encoding="utf-8")
    return found


def doors_told(variables: Mapping[str, str], url: str) -> str:
    """A line for each door that these variables open."""
    rows = [
        (f"nightshift publish {flag}", f"{name}: {url}{path}" if path else f"{name}: the queue")
        for flag, name, path, variable in _LINES
        if variables.get(variable)
    ]
    return "\n".join(f"  {command:<33} {told}" for command, told in rows)
