"""The doors of an ingest in a line each: who comes through, where, and how to try it."""

from collections.abc import Mapping

from cli.publishing.parcels import PATHS

_LINES = (
    ("--sns", "SNS over HTTP", PATHS["sns"], "NIGHTSHIFT_SNS_TOPICS"),
    ("--eventbridge", "EventBridge", "", "NIGHTSHIFT_QUEUE_URL"),
    ("--logs", "Logs by Firehose", PATHS["logs"], "NIGHTSHIFT_LOGS_TOKEN"),
    ("--slack", "Slack, /diagnose", PATHS["slack"], "SLACK_SIGNING_SECRET"),
    ("--alertmanager", "Alertmanager", PATHS["alertmanager"], "NIGHTSHIFT_ALERTMANAGER_TOKEN"),
)


def doors_told(variables: Mapping[str, str], url: str) -> str:
    """A line for each door that these variables open."""
    rows = [
        (f"nightshift publish {flag}", f"{name}: {url}{path}" if path else f"{name}: the queue")
        for flag, name, path, variable in _LINES
        if variables.get(variable)
    ]
    return "\n".join(f"  {command:<33} {told}" for command, told in rows)
