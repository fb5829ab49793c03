"""What the Slack adapter makes of answers, and which problems readiness shows."""

import asyncio
import json

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bus.errors import Unavailable
from bus.testing import eventually
from bus.tracing import root_of
from services.notifier.adapters.slack import SlackChannel
from services.notifier.adapters.slack_calls import AT_ONCE
from services.notifier.blocks import Card
from services.notifier.ports import Crowded, Unanswered
from simulator.faults import Fault
from simulator.serving import served
from tests.notifier.conftest import MakeReplica, Replica
from tests.notifier.records import opened
from tests.notifier.slack_desk import Desk


def channel(replica: Replica) -> SlackChannel:
    assert isinstance(replica.messages.slack, SlackChannel)
    return replica.messages.slack


async def test_wrong_token_shows_before_the_first_incident(make_replica: MakeReplica) -> None:
    slack = channel(make_replica(slack_bot_token=SecretStr("wrong")))
    assert await slack.problem() == ""
    await slack.introduce()
    assert "set SLACK_BOT_TOKEN" in await slack.problem()


async def test_slack_that_answers_again_is_no_problem_any_more(
    desk: Desk, make_replica: MakeReplica
) -> None:
    slack = channel(make_replica())
    desk.faults.always = "503"
    with pytest.raises(Unanswered):
        await slack.find("inc-7", opened().opened_at)
    assert "503" in await slack.problem()
    desk.faults.always = ""
    await slack.introduce()
    assert await slack.problem() == ""


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("archived", "is_inactive: the channel is archived"),
        ("channel_not_found", "must be its id"),
        ("token_revoked", "set SLACK_BOT_TOKEN"),
        ("account_inactive", "set SLACK_BOT_TOKEN"),
        ("missing_scope", "it needs chat:write"),
    ],
)
async def test_what_only_a_person_can_put_right_shows_until_an_edit_succeeds(
    desk: Desk, make_replica: MakeReplica, fault: str, words: str
) -> None:
    slack = channel(make_replica())
    place = await slack.post(Card("hello"))
    desk.planned.plan(Fault(stand_in="slack", fault=fault, where="chat.update"))
    with pytest.raises(Unavailable):
        await slack.edit(place, Card("more"), incident_id="inc-7")
    assert words in await slack.problem()
    await slack.edit(place, Card("more"), incident_id="inc-7")
    assert await slack.problem() == ""


async def test_introduction_is_made_once(desk: Desk, make_replica: MakeReplica) -> None:
    slack = channel(make_replica())
    await slack.introduce()
    await slack.introduce()
    assert desk.calls("auth.test") == 1


async def test_call_outside_an_entry_begins_no_trace(make_replica: MakeReplica) -> None:
    replica, spans = make_replica(), InMemorySpanExporter()
    replica.bus.tracing.provider.add_span_processor(SimpleSpanProcessor(spans))
    await channel(replica).introduce()
    assert spans.get_finished_spans() == ()
    with replica.bus.tracing.span("process notices", parent=root_of("inc-7").traceparent):
        await channel(replica).post(Card("hello"))
    assert [span.name for span in spans.get_finished_spans()] == [
        "slack chat.postMessage",
        "process notices",
    ]


async def test_message_is_sent_with_nothing_that_slack_parses_or_unfolds(
    desk: Desk, make_replica: MakeReplica
) -> None:
    sent: list[dict[str, object]] = []

    async def record(request: Request) -> Response:
        sent.append(json.loads(await request.body()))
        return JSONResponse({"ok": True, "channel": "C1", "ts": "1.000001"})

    routes = [Route("/api/{method}", record, methods=["POST"])]
    async with served(Starlette(routes=routes)) as address:
        slack = channel(make_replica(slack_api_url=f"{address}/api/"))
        await slack.post(Card("hello"), "inc-7")
    (arguments,) = sent
    for name, value in (
        ("parse", "none"),
        ("link_names", False),
        ("unfurl_links", False),
        ("unfurl_media", False),
    ):
        assert arguments[name] == value
    assert "markdown_text" not in arguments


@pytest.mark.parametrize(
    "answer",
    [
        PlainTextResponse("proxy says hello"),
        PlainTextResponse("no", status_code=500),
        Response("<html>", media_type="text/html", status_code=502),
        Response("{not json", media_type="application/json"),
        JSONResponse({"ok": False, "error": "fatal_error"}),
        JSONResponse({"ok": True}),
        JSONResponse({"ok": True, "channel": "C1", "ts": None}),
        JSONResponse({"ok": True, "channel": {"id": "C1"}, "ts": "1.000001"}),
        JSONResponse([{"ok": True}]),
    ],
)
async def test_answer_that_is_none_of_slacks_leaves_the_post_unknown(
    make_replica: MakeReplica, answer: Response
) -> None:
    async def reply(_: Request) -> Response:
        return answer

    routes = [Route("/api/{method}", reply, methods=["POST"])]
    async with served(Starlette(routes=routes)) as address:
        slack = channel(make_replica(slack_api_url=f"{address}/api/"))
        with pytest.raises(Unanswered):
            await slack.post(Card("hello"))


async def test_stand_in_that_knows_no_introduction_is_no_problem(
    make_replica: MakeReplica,
) -> None:
    async def reply(_: Request) -> Response:
        return JSONResponse({"ok": False, "error": "unknown_method"})

    routes = [Route("/api/{method}", reply, methods=["POST"])]
    async with served(Starlette(routes=routes)) as address:
        slack = channel(make_replica(slack_api_url=f"{address}/api/"))
        await slack.introduce()
        assert await slack.problem() == ""
        with pytest.raises(Unavailable):
            await slack.post(Card("hello"))
        assert "unknown_method" in await slack.problem()


async def test_token_without_the_right_to_read_posts_all_the_same(
    make_replica: MakeReplica,
) -> None:
    async def reply(request: Request) -> Response:
        if request.url.path.endswith("history"):
            return JSONResponse({"ok": False, "error": "missing_scope"})
        return JSONResponse({"ok": True, "channel": "C1", "ts": "1.000001"})

    routes = [Route("/api/{method}", reply, methods=["GET", "POST"])]
    async with served(Starlette(routes=routes)) as address:
        slack = channel(make_replica(slack_api_url=f"{address}/api/"))
        assert await slack.find("inc-7", opened().opened_at) is None
        assert "channels:history" in await slack.problem()


@pytest.mark.parametrize("messages", [None, "none", {"ts": "1.000001"}])
async def test_look_up_without_messages_is_no_answer(
    make_replica: MakeReplica, messages: object
) -> None:
    """Taken for an empty channel it would end in a second message."""

    async def reply(_: Request) -> Response:
        return JSONResponse({"ok": True, "messages": messages})

    routes = [Route("/api/{method}", reply, methods=["GET", "POST"])]
    async with served(Starlette(routes=routes)) as address:
        slack = channel(make_replica(slack_api_url=f"{address}/api/"))
        with pytest.raises(Unanswered):
            await slack.find("inc-7", opened().opened_at)
        assert "holds no messages" in await slack.problem()


async def test_what_stands_in_the_channel_and_is_none_of_ours_is_passed_over(
    make_replica: MakeReplica,
) -> None:
    metadata = {"event_type": "nightshift_incident", "event_payload": {"incident_id": "inc-7"}}
    others = ["text", None, {}, {"ts": "1.0", "metadata": "text"}, {"metadata": metadata}]
    odd = {"ts": "2.0", "metadata": {"event_type": "nightshift_incident", "event_payload": []}}

    async def reply(_: Request) -> Response:
        ours = {"ts": "3.0", "metadata": metadata}
        return JSONResponse({"ok": True, "messages": [*others, odd, ours]})

    routes = [Route("/api/{method}", reply, methods=["GET", "POST"])]
    async with served(Starlette(routes=routes)) as address:
        slack = channel(make_replica(slack_api_url=f"{address}/api/"))
        place = await slack.find("inc-7", opened().opened_at)
    assert place is not None
    assert place.ts == "3.0"


@pytest.mark.parametrize("fault", ["429", "429 unsaid"])
async def test_wait_that_one_replica_is_asked_for_is_kept_by_the_other(
    desk: Desk, make_replica: MakeReplica, fault: str
) -> None:
    one, two = channel(make_replica()), channel(make_replica())
    desk.faults.next["chat.postMessage"] = [fault]
    with pytest.raises(Unavailable, match="asked to wait 1 s"):
        await one.post(Card("hello"))
    with pytest.raises(Crowded) as refused:
        await two.post(Card("world"))
    assert 0.5 < refused.value.retry_in_seconds <= 1.1
    assert desk.calls("chat.postMessage") == 1


async def test_request_to_wait_with_a_body_that_nobody_can_read_is_one_all_the_same(
    make_replica: MakeReplica,
) -> None:
    async def reply(_: Request) -> Response:
        return Response("{not", 429, {"Retry-After": "70"}, media_type="application/json")

    routes = [Route("/api/{method}", reply, methods=["POST"])]
    async with served(Starlette(routes=routes)) as address:
        slack = channel(make_replica(slack_api_url=f"{address}/api/"))
        with pytest.raises(Unavailable, match="asked to wait 70 s"):
            await slack.post(Card("hello"))
        assert "asks to wait 70 s with chat.postMessage" in await slack.problem()


async def test_request_to_wait_for_hours_is_tried_after_one_and_a_person_is_told_both(
    make_replica: MakeReplica,
) -> None:
    async def reply(_: Request) -> Response:
        return Response("{}", 429, {"Retry-After": "7200"}, media_type="application/json")

    routes = [Route("/api/{method}", reply, methods=["POST"])]
    async with served(Starlette(routes=routes)) as address:
        slack = channel(make_replica(slack_api_url=f"{address}/api/"))
        with pytest.raises(Unavailable) as refused:
            await slack.post(Card("hello"))
    assert 3600 < refused.value.retry_in_seconds < 3601
    said = "asks to wait 7200 s with chat.postMessage, and is asked again after 3600 s"
    assert said in await slack.problem()


async def test_token_that_is_valid_again_is_no_problem_of_any_method(
    desk: Desk, make_replica: MakeReplica
) -> None:
    slack = channel(make_replica())
    place = await slack.post(Card("hello"))
    desk.planned.plan(Fault(stand_in="slack", fault="token_revoked", where="chat.", times=2))
    for call in (slack.post(Card("more")), slack.edit(place, Card("more"), incident_id="inc-7")):
        with pytest.raises(Unavailable):
            await call
    assert "the token was revoked" in await slack.problem()
    await slack.introduce()
    assert await slack.problem() == ""


async def test_slow_slack_keeps_progress_from_waiting_and_a_card_from_being_in_doubt(
    desk: Desk, make_replica: MakeReplica
) -> None:
    slack = channel(make_replica(lease_seconds=1.0))
    place = await slack.post(Card("hello"))
    desk.faults.next["auth.test"] = ["hung"] * AT_ONCE
    hung = [
        asyncio.create_task(slack.calls.call("auth.test", urgency="details"))
        for _ in range(AT_ONCE)
    ]

    async def busy() -> bool:
        return desk.calls("auth.test") == AT_ONCE

    await eventually(busy)
    with pytest.raises(Crowded, match="busy"):
        await slack.edit(place, Card("progress"), incident_id="inc-7")
    with pytest.raises(Crowded, match="slow"):
        await slack.post(Card("a card"), "inc-7", urgency="final")
    for ended in await asyncio.gather(*hung, return_exceptions=True):
        assert isinstance(ended, Unanswered)
    assert desk.calls("chat.update") == 0
