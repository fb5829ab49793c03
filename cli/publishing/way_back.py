"""What a person in Slack is answered: known where Slack is the stand-in of `nightshift up`."""

import json
import time
from urllib.request import Request, urlopen

from cli.publishing.target import Target
from services.ingest.slack_answers import says_taken

ANSWERED_SECONDS = 5.0
ONLY_IN_SLACK = "acknowledged; whether it was taken, Slack alone is told"


def way_back(target: Target) -> str:
    """An address for the answer to one request; empty where none can be had."""
    api = target.variables.get("SLACK_API_URL", "")
    if not target.control or not api:
        return ""
    origin = api.rstrip("/").removesuffix("/api")
    try:
        return str(_asked(Request(f"{origin}/_simulator/hook", b"{}", method="POST"))["url"])
    except (OSError, ValueError, KeyError):
        return ""


def answered(address: str) -> tuple[str, bool]:
    """The answer as soon as it is there, and whether it says that the request was taken."""
    give_up_at = time.monotonic() + ANSWERED_SECONDS
    while time.monotonic() < give_up_at:
        try:
            said = _asked(Request(address))["said"]
        except (OSError, ValueError, KeyError):
            break
        if isinstance(said, list) and said:
            return str(said[0]), says_taken(str(said[0]))
        time.sleep(0.02)
    return "acknowledged, but no answer came", False


def _asked(request: Request) -> dict[str, object]:
    with urlopen(request, timeout=ANSWERED_SECONDS) as answer:
        found = json.loads(answer.read())
    return found if isinstance(found, dict) else {}
