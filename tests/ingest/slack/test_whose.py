"""Whose request it is: people of other workspaces may sit in a channel that two of them share."""

import pytest

from bus.cleaning import clean
from services.ingest.slack_people import Allowed
from services.ingest.slack_reading import Asked, Nothing, Pressed, read_slack
from simulator.slack import Human, payloads
from simulator.slack.payloads import Json
from simulator.slack.store import TEAM_ID, Message, Version

ALLOWED = Allowed(teams=(TEAM_ID, "T0SISTER"))
ANYBODY = Allowed()


def mention(event: Json, **around: object) -> Json:
    """A mention; a field of the event that is None is left out."""
    sent = payloads.mention("cartservice", Human())
    inner = sent["event"]
    assert isinstance(inner, dict)
    kept = {name: value for name, value in (inner | event).items() if value is not None}
    return sent | {"event": kept} | around


def press(user: Json, **around: object) -> Json:
    """A press of Stop by a user with those fields."""
    action = {"action_id": "nightshift_stop", "value": "inc-7"}
    message = Message("C0INCIDENTS", "1.0", [Version("1.0", "card", [])])
    sent = payloads.press(action, Human(), message=message, response_url="https://x", state={})
    inner = sent["user"]
    assert isinstance(inner, dict)
    kept = {name: value for name, value in (inner | user).items() if value is not None}
    return sent | {"user": kept} | around


def refusal(sent: Json, allowed: Allowed) -> str:
    found = read_slack(sent, clean=clean)
    assert isinstance(found, Asked | Pressed)
    return allowed.refusal(found.by)


@pytest.mark.parametrize(
    "sent",
    [
        mention({}),
        mention({"team": None}),
        mention({"team": None}, is_ext_shared_channel=False),
        mention({}, is_ext_shared_channel=True),
        mention({"user_team": TEAM_ID, "source_team": TEAM_ID}),
        mention({"team": "T0SISTER"}, is_ext_shared_channel=True),
        press({}),
        press({"team_id": "T0SISTER"}),
        press({}, team=None, is_enterprise_install=True),
    ],
)
def test_people_of_a_listed_workspace_are_taken(sent: Json) -> None:
    assert refusal(sent, ALLOWED) == ""


@pytest.mark.parametrize("allowed", [ALLOWED, ANYBODY])
@pytest.mark.parametrize(
    "sent",
    [
        mention({"team": "T0FOREIGN"}),
        mention({"team": "T0FOREIGN"}, is_ext_shared_channel=True),
        mention({"user_team": "T0FOREIGN"}),
        mention({"source_team": "T0FOREIGN", "team": TEAM_ID}),
        mention({"user_team": "T0FOREIGN", "source_team": "T0SISTER"}),
        mention({"team": None}, is_ext_shared_channel=True),
        mention({"team": None}, is_ext_shared_channel="no"),
        mention({"team": "not an id"}),
        mention({"team": {"id": TEAM_ID}}),
        press({"team_id": "T0FOREIGN"}),
        press({"team_id": None}),
        press({"team_id": 7}),
        press({"team_id": "T0FOREIGN"}, team=None),
    ],
)
def test_whoever_is_not_known_to_be_of_a_listed_workspace_is_refused(
    sent: Json, allowed: Allowed
) -> None:
    """A mention by a foreigner in a shared channel, told by `event.team` alone, was taken."""
    assert "workspace" in refusal(sent, allowed)


def test_a_press_of_an_app_of_a_whole_organisation_needs_a_list_of_workspaces() -> None:
    """Such a press has `team: null`, and was ignored without a word."""
    assert "of its own workspace" in refusal(press({}, team=None), ANYBODY)


@pytest.mark.parametrize("sent", [press({}, team=7), press({"team_id": None}, team=None)])
def test_a_press_of_no_workspace_at_all_is_nothing(sent: Json) -> None:
    assert isinstance(read_slack(sent, clean=clean), Nothing)


def test_a_mention_that_was_edited_is_not_asked_anew() -> None:
    """Slack sends it again under a new event, with `edited` beside the text and no `subtype`."""
    sent = mention({"edited": {"user": "U0ADA", "ts": "2.0"}})

    assert isinstance(read_slack(sent, clean=clean), Nothing)
