"""What Slack sends when somebody types a command, mentions the app or presses a button."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from simulator.slack.signing import signed_headers
from simulator.slack.store import APP_ID, BOT_USER, TEAM_ID, Message

Json = dict[str, object]
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True)
class Human:
    """Who acts, in which channel and from which workspace."""

    user: str = "U0ADA"
    channel: str = "C0INCIDENTS"
    team: str = TEAM_ID


def command(text: str, by: Human, *, response_url: str, name: str = "/diagnose") -> Json:
    """A slash command, as its form's fields."""
    return {
        "token": "verification",
        "team_id": by.team,
        "team_domain": "nightshift",
        "channel_id": by.channel,
        "channel_name": "incidents",
        "user_id": by.user,
        "user_name": "ada",
        "command": name,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": _trigger(),
    }


def mention(text: str, by: Human) -> Json:
    """An event `app_mention`; the text begins behind the mention of the bot."""
    ts = f"{time.time():.6f}"
    event: Json = {
        "type": "app_mention",
        "user": by.user,
        "team": by.team,
        "text": f"<@{BOT_USER}> {text}",
        "ts": ts,
        "channel": by.channel,
        "event_ts": ts,
    }
    return event_callback(event, by)


def event_callback(event: Mapping[str, object], by: Human) -> Json:
    """Any event in its envelope, with an id of its own."""
    seen_by = {"team_id": by.team, "user_id": BOT_USER, "is_bot": True}
    return {
        "token": "verification",
        "team_id": by.team,
        "api_app_id": APP_ID,
        "event": dict(event),
        "type": "event_callback",
        "event_id": f"Ev{uuid.uuid4().hex[:10].upper()}",
        "event_time": int(time.time()),
        "authorizations": [seen_by | {"is_enterprise_install": False, "enterprise_id": None}],
    }


def press(
    action: Mapping[str, object],
    by: Human,
    *,
    message: Message,
    response_url: str,
    state: Mapping[str, object],
) -> Json:
    """A button of that message was pressed; `state` is what its fields hold, by block."""
    hidden = message.ephemeral_for is not None
    container = {"type": "message", "message_ts": message.ts, "channel_id": by.channel}
    shown = {} if hidden else {"message": message.as_slack(with_metadata=False)}
    return {
        "type": "block_actions",
        "user": {"id": by.user, "username": "ada", "name": "ada", "team_id": by.team},
        "api_app_id": APP_ID,
        "token": "verification",
        "container": container | {"is_ephemeral": hidden},
        "trigger_id": _trigger(),
        "team": {"id": by.team, "domain": "nightshift"},
        "channel": {"id": by.channel, "name": "incidents"},
        "response_url": response_url,
        "state": {"values": dict(state)},
        "actions": [{**action, "action_ts": f"{time.time():.6f}"}],
        **shown,
    }


def signed(
    sent: Mapping[str, object], secret: str, *, at: float | None = None
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of the HTTP request that Slack would send for this."""
    if "command" in sent:
        body, kind = urlencode({name: str(value) for name, value in sent.items()}), FORM
    elif str(sent.get("type")) in ("event_callback", "url_verification"):
        body, kind = json.dumps(sent), JSON
    else:
        body, kind = urlencode({"payload": json.dumps(sent)}), FORM
    raw = body.encode()
    return raw, {"content-type": kind} | signed_headers(raw, secret, at=at)


def _trigger() -> str:
    return f"{uuid.uuid4().int % 10**12}.{uuid.uuid4().int % 10**12}.{uuid.uuid4().hex}"
