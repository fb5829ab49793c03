"""What Slack posts for `/diagnose`, and the signature that every request of Slack carries."""

import hashlib
import hmac
import secrets
from urllib.parse import urlencode

from simulator.senders.problem import Problem
from simulator.slack.store import APP_ID, TEAM_ID

COMMAND = "/diagnose"
FORM = "application/x-www-form-urlencoded"
PERSON = "U0REHEARSAL"


def command(problem: Problem, *, channel: str, response_url: str = "", person: str = PERSON) -> str:
    """The form that Slack posts when a person types `/diagnose SERVICE what they see`."""
    return urlencode(
        {
            "token": "not-used",  # Slack's old verification token: nobody should read it
            "team_id": TEAM_ID,
            "team_domain": "rehearsal",
            "channel_id": channel,
            "channel_name": "incidents",
            "user_id": person,
            "user_name": "rehearsal",
            "command": COMMAND,
            "text": f"{problem.service} {problem.title}",
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": response_url or f"https://hooks.slack.com/commands/{TEAM_ID}/1/x",
            "trigger_id": f"{secrets.randbelow(10**13)}.{secrets.token_hex(16)}",
        }
    )


def signed(body: str, *, secret: str, at: float, content_type: str = FORM) -> dict[str, str]:
    """The headers of a request with that body at that moment."""
    moment = str(int(at))
    said = hmac.new(secret.encode(), f"v0:{moment}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "Content-Type": content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": f"v0={said}",
    }
