"""deploy/slack/manifest.yaml: the app may do what the code does, and no more."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.ingest.adapters.slack_http import PATH
from services.ingest.service_choice import COMMAND
from services.ingest.slack_reading import MENTION

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "deploy" / "slack" / "manifest.yaml").read_text(encoding="utf-8")
SCOPES = {
    "auth.test": set(),
    "chat.delete": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"channels:history"},
    "conversations.replies": {"channels:history"},
    "files.completeUploadExternal": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
}
"""Scopes of a bot token by method, as Slack's pages of the methods name them."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)
    return found


def test_the_scopes_are_those_of_the_methods_that_are_called(manifest: dict[str, Any]) -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "services/notifier").rglob("*.py")
    )
    methods = set(re.findall(r'"((?:auth|chat|conversations|files|reactions)\.[A-Za-z]+)"', source))
    needed = {scope for method in methods for scope in SCOPES[method]}

    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed | {
        "app_mentions:read",
        "commands",
    }
    assert "user" not in manifest["oauth_config"]["scopes"]


def test_command_event_and_buttons_are_those_that_are_heard(manifest: dict[str, Any]) -> None:
    (command,) = manifest["features"]["slash_commands"]
    settings = manifest["settings"]

    assert command["command"] == COMMAND
    assert command["should_escape"] is False
    assert settings["event_subscriptions"]["bot_events"] == [MENTION]
    assert settings["interactivity"]["is_enabled"] is True
    assert settings["socket_mode_enabled"] is True
    assert PATH in TEXT


def test_without_socket_mode_every_address_is_the_one_path(manifest: dict[str, Any]) -> None:
    """What the manifest's head tells people to set: three addresses, all ours."""
    assert re.search(r"`url` of the\n# command and as `request_url` of event_subscriptions", TEXT)
    assert "url" not in manifest["features"]["slash_commands"][0]
