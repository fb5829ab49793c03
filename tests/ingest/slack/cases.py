"""The open cases of Slack's kinds: what each leads to, in the words of their `want`."""

import json
from pathlib import Path
from urllib.parse import parse_qsl

from bus.cleaning import clean
from services.ingest.slack_reading import Asked, Pressed, Read, read_slack

CASES = Path(__file__).parents[4] / "shared" / "cases" / "triggers"


def slack_cases() -> list[Path]:
    """The folders of the cases that come from Slack."""
    found = sorted(CASES.glob("*/expected.json")) if CASES.is_dir() else []
    return [path.parent for path in found if json.loads(path.read_text())["kind"][:6] == "slack_"]


def sent_by(case: Path) -> tuple[str, dict[str, object]]:
    """The kind of envelope it would have on a socket, and what is in it."""
    (path,) = case.glob("payload.*")
    text = path.read_text()
    if path.suffix == ".txt":
        return "slash_commands", dict(parse_qsl(text, keep_blank_values=True))
    sent = json.loads(text)
    if "envelope_id" in sent:
        return str(sent["type"]), sent["payload"]
    kind = "events_api" if sent["type"] == "event_callback" else "interactive"
    return kind, sent


def action_of_slack(case: Path) -> str:
    """What it leads to; a retry of a request that was heard before counts for nothing more."""
    _, sent = sent_by(case)
    if sent.get("type") == "url_verification":
        return "challenge"
    found: Read = read_slack(sent, clean=clean)
    headers = case / "headers.json"
    if headers.is_file() and "X-Slack-Retry-Num" in json.loads(headers.read_text()):
        again = read_slack(sent, clean=clean)
        is_same = isinstance(found, Asked) and isinstance(again, Asked)
        return "deduplicate" if is_same and found == again else "incident"
    if isinstance(found, Asked):
        return "incident"
    is_press = isinstance(found, Pressed) or sent.get("type") == "block_actions"
    return "interaction" if is_press else "ignore"
