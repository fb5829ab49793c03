"""`nightshift publish --slack` tells what became of a request, which Slack acknowledges anyhow."""

import asyncio
from typing import get_args

import pytest

from bus.process import Service
from cli.publishing.asked import Asked
from cli.publishing.outgoing import NONE_OPENED
from cli.publishing.parcels import Post, parcels
from cli.publishing.sending import Answer, post
from cli.publishing.target import Target
from services.ingest import slack_answers
from services.ingest.trigger import Decision, Outcome
from simulator.slack import People
from tests.ingest.slack.conftest import SECRET

pytestmark = pytest.mark.timeout(40)


def rehearsed(service: str, target: Target) -> Answer:
    asked = Asked(service=service, summary="it is slow")
    (parcel,) = parcels("slack", asked, target=target, queue=False)
    assert isinstance(parcel, Post)
    return post(parcel, target)


async def test_a_request_that_ingest_refused_is_a_failure_with_its_answer(
    by_http: Service, people: People
) -> None:
    """It printed 200 and was a success."""
    variables = {"SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": f"{people.address}/api/"}
    target = Target(variables, f"http://127.0.0.1:{by_http.http_port}", control=people.address)

    taken = await asyncio.to_thread(rehearsed, "cartservice", target)
    refused = await asyncio.to_thread(rehearsed, "cartservise", target)
    elsewhere = await asyncio.to_thread(rehearsed, "frontend", Target(variables, target.url))

    assert taken.said.startswith("200 Nightshift investigates cartservice as `inc-")
    assert (taken.kind, taken.failed) == ("200, taken", False)
    assert "There is no service" in refused.said
    assert (refused.kind, refused.failed) == ("200, and refused", True)
    assert elsewhere.said == "200 acknowledged; whether it was taken, Slack alone is told"


def test_every_answer_to_a_request_says_whether_it_was_taken() -> None:
    for outcome in get_args(Outcome):
        answer = slack_answers.asked(Decision(outcome, "so it is", "inc-7"), "cart")
        assert slack_answers.says_taken(answer.text) is not answer.refused, outcome
    assert not slack_answers.says_taken(slack_answers.TOO_MANY)
    assert not slack_answers.says_taken(slack_answers.NOT_NOW)


def test_what_opens_nothing_may_have_been_folded() -> None:
    assert "folded into the summary" in NONE_OPENED
