"""Wrong settings are one clear sentence, and secrets are never shown."""

import os
import subprocess
import sys

import pytest

from bus.errors import NotConfigured
from bus.settings import BusSettings, load


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "nowhere")
    monkeypatch.setenv("NIGHTSHIFT_LEASE_SECONDS", "soon")
    with pytest.raises(NotConfigured) as caught:
        load(BusSettings)
    sentence = str(caught.value)
    assert "REDIS_URL must look like redis://host:6379/0" in sentence
    assert "NIGHTSHIFT_LEASE_SECONDS Input should be a valid number" in sentence
    assert "\n" not in sentence


def test_password_of_redis_is_masked_when_settings_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://user:" + "pass" + "word9@localhost:6379/0")
    assert "word9" not in repr(load(BusSettings))


@pytest.mark.timeout(30)
@pytest.mark.parametrize("service", ["ingest", "reasoner", "toolrunner", "notifier"])
def test_unreachable_redis_is_one_sentence_and_exit_code_1(service: str) -> None:
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "AWS_"))
    }
    env |= {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "NIGHTSHIFT_REDIS_WAIT_SECONDS": "0",
        "ANTHROPIC_API_KEY": "none",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_REGION": "eu-west-2",
        "NIGHTSHIFT_QUEUE_URL": "http://127.0.0.1:1/1/alarms",
        "NIGHTSHIFT_SLACK_CHANNEL": "C1",
        "NIGHTSHIFT_HTTP_PORT": "0",
    }
    if service == "notifier":
        env |= {"SLACK_BOT_TOKEN": "none"}
    ended = subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env=env,
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    assert ended.returncode == 1
    assert "Redis at redis://127.0.0.1:1/0 cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr
