"""The loop as people in Slack see it: asked there, stopped there, judged there."""

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.stack import call
from tests.loop.desk import Desk

pytestmark = pytest.mark.timeout(90)


def person(desk: Desk, order: Mapping[str, object]) -> None:
    """Somebody in the workspace does that, and Slack is answered in time."""
    parts = urlsplit(desk.stack.world["slack"]["SLACK_API_URL"])
    done = call(f"{parts.scheme}://{parts.netloc}/_simulator/person", order)
    assert done["acknowledged"], done


def told(desk: Desk, words: str) -> dict[str, object]:
    """The newest message for one person's eyes that holds those words."""
    found: list[dict[str, object]] = []

    def is_there() -> bool:
        said = call(f"{desk.stack.control}/_simulator/messages")["messages"]
        alone = [each for each in said if each["ephemeral_for"] and words in str(each["text"])]
        found[:] = alone[-1:]
        return bool(found)

    desk.wait(f"the answer {words!r}", is_there)
    return found[0]


def ask(desk: Desk, text: str) -> str:
    """The incident that a command opens, as its answer names it."""
    before = set(desk.incidents())
    person(desk, {"command": text})
    desk.wait("an incident", lambda: set(desk.incidents()) - before)
    (incident,) = set(desk.incidents()) - before
    assert re.search(incident, str(told(desk, incident)["text"]))
    return incident


def test_what_is_asked_in_slack_can_be_stopped_there(desk: Desk) -> None:
    slow = {"stand_in": "model", "fault": "slow", "seconds": 20}
    call(f"{desk.stack.control}/_simulator/faults", slow)
    incident = ask(desk, "cartservice the cart is empty")
    desk.wait("a card", lambda: desk.messages(incident))
    (message,) = desk.messages(incident)

    person(desk, {"press": "nightshift_stop", "ts": message["ts"]})
    told(desk, f"`{incident}` is stopped")

    record = desk.wait_for_end(incident)
    assert record.outcome == "cancelled"
    assert record.incident.note == "the cart is empty"
    assert "Cancelled" in desk.card(incident)
    (message,) = desk.messages(incident)
    assert "nightshift_stop" not in json.dumps(message["blocks"])


def test_a_thumbs_down_and_its_reason_are_in_the_feedback(desk: Desk) -> None:
    incident = ask(desk, "cartservice")
    desk.wait_for_end(incident)
    (message,) = desk.messages(incident)

    person(desk, {"press": "nightshift_not_useful", "ts": message["ts"]})
    form = told(desk, "What was wrong with it?")
    said = "it was the network after all"
    person(desk, {"press": "nightshift_reason_send", "ts": form["ts"], "typed": said})

    def kept() -> bool:
        env = {"REDIS_URL": desk.stack.redis_url}
        lines = CliRunner().invoke(app, ["feedback"], env=env).stdout.splitlines()
        found = [each for each in map(json.loads, lines) if each["incident"] == incident]
        return [(each["useful"], each["reason"]) for each in found] == [(False, said)]

    desk.wait("the feedback", kept)
