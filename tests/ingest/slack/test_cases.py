"""Real payloads of Slack that nobody of us wrote, by reading and through the real doors."""

import asyncio
import json
from pathlib import Path

import pytest

from bus.streams import INCIDENTS
from bus.testing import entries, eventually
from simulator.slack import People
from simulator.slack.payloads import signed
from tests.ingest.slack.cases import CASES, action_of_slack, sent_by, slack_cases
from tests.ingest.slack.conftest import SECRET, StartIngest, listening
from tests.ingest.slack.forging import send
from tests.ingest.slack.test_forged import no_work_is_left

pytestmark = [
    pytest.mark.timeout(40),
    pytest.mark.skipif(not CASES.is_dir(), reason="the open cases lie beside the repository"),
]
OPEN = {"catalog": None, "slack_teams": ""}


def want(case: Path) -> str:
    return str(json.loads((case / "expected.json").read_text())["want"])


def test_every_case_of_slack_is_read_as_it_is_wanted() -> None:
    wanted = {case.name: want(case) for case in slack_cases()}

    assert {case.name: action_of_slack(case) for case in slack_cases()} == wanted
    assert len(wanted) == 13


async def test_through_the_socket_each_case_opens_what_it_should_and_no_more(
    slack_ingest: StartIngest, people: People
) -> None:
    """All in one store: the same event twice, and once as a retry, is one incident."""
    service = await slack_ingest(**OPEN)
    await people.socket.connected()
    cases = [case for case in slack_cases() if want(case) != "challenge"]

    delivered = [people.socket.deliver(*sent_by(case)) for case in cases]

    assert all(each.acknowledged for each in await asyncio.gather(*delivered))

    await eventually(no_work_is_left)
    texts = {json.dumps(sent_by(case)[1]) for case in cases if want(case) == "incident"}
    ids = {json.loads(text).get("event_id", text) for text in texts}
    assert len(await entries(service.bus, INCIDENTS)) == len(ids) == 3
    assert people.socket.violations == []


async def test_through_http_each_case_is_acknowledged_and_the_challenge_is_answered(
    slack_ingest: StartIngest,
) -> None:
    service = await slack_ingest(**OPEN, slack_app_token=None)
    await listening(service)

    async def answered(case: Path) -> None:
        _, sent = sent_by(case)
        body, headers = signed(sent, SECRET)
        wire = [(name.encode(), value.encode()) for name, value in headers.items()]
        status, answer = await send(service.http_port, (wire, body))
        assert status == 200, case.name
        if want(case) == "challenge":
            assert json.loads(answer)["challenge"] == sent["challenge"]

    await asyncio.gather(*map(answered, slack_cases()))
    await eventually(no_work_is_left)
    assert len(await entries(service.bus, INCIDENTS)) == 3
