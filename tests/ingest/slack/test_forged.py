"""T2: what Slack did not send is 401 and leaves nothing; what it did send counts once."""

import asyncio
import gzip
import json
import logging
import time
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bus.connection import as_text
from bus.process import Service
from bus.streams import INCIDENTS
from bus.testing import entries, eventually
from simulator.slack import Human, payloads
from tests.ingest.slack.conftest import APP_TOKEN, SECRET
from tests.ingest.slack.forging import KIND, SIGNATURE, STAMP, good, mutations, send, wire
from tests.lane import Figures, Lane

pytestmark = pytest.mark.timeout(60)
JSON = "application/json"


async def keys_of_slack(service: Service) -> int:
    prefix = service.bus.keys.prefix
    names = [key async for key in service.bus.redis.scan_iter(match=f"{prefix}fingerprint:*")]
    written = [name for name in names if not name.endswith(b":ready")]
    return len(written) + len(await entries(service.bus, INCIDENTS))


async def test_twenty_forged_requests_are_401_and_leave_nothing(
    by_http: Service, figures: Figures, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    forged = mutations(time.time())

    answers = {name: await send(by_http.http_port, each) for name, each in forged.items()}

    refused = sum(status == 401 for status, _ in answers.values())
    figures.add("T2", "forged Slack requests refused with 401", f"{refused}/{len(forged)}", "all")
    assert {name: status for name, (status, _) in answers.items() if status != 401} == {}
    assert all(body == b"" for _, body in answers.values())
    assert len(forged) >= 20
    assert await keys_of_slack(by_http) == 0
    assert (await send(by_http.http_port, good()))[0] == 200


async def test_a_request_replayed_a_hundred_times_is_one_incident(
    by_http: Service, figures: Figures
) -> None:
    request, room = good(), asyncio.Semaphore(20)

    async def replay() -> int:
        async with room:
            return (await send(by_http.http_port, request))[0]

    statuses = await asyncio.gather(*(replay() for _ in range(100)))

    async def counted() -> bool:
        keys = [key async for key in by_http.bus.redis.scan_iter(match="*paced:*U0ADA")]
        return bool(keys) and as_text(await by_http.bus.redis.hget(keys[0], "all")) == "100"

    await eventually(counted, seconds=20)
    await eventually(lambda: no_work_is_left())
    found = len(await entries(by_http.bus, INCIDENTS))
    figures.add("T2", "incidents of one request replayed x100", found, 1)
    assert set(statuses) == {200}
    assert found == 1


async def no_work_is_left() -> bool:
    return not any("SlackApp._answer" in str(task.get_coro()) for task in asyncio.all_tasks())


async def test_the_logs_hold_no_secret_and_no_word_of_a_person(
    by_http: Service, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    word = "".join(("hunter", "2", "hunter", "2"))
    request = good(f"cartservice password={word}")
    for each in [request, good(word), *mutations(time.time()).values()]:
        await send(by_http.http_port, each)
    await eventually(no_work_is_left)

    written = caplog.text + "".join(capfd.readouterr())
    signatures = [dict(each[0]).get(SIGNATURE, b"").decode("latin-1") for each in [request]]
    hidden = [SECRET, APP_TOKEN, f"password={word}", "hooks.example/commands", *signatures]
    assert [each for each in hidden if each in written] == []


async def test_an_answer_goes_nowhere_but_to_slack(by_http: Service) -> None:
    """A signed request names the address of its answer; whoever holds the secret could name any."""
    called: list[object] = []

    async def somebody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(somebody, "127.0.0.1", 0) as elsewhere:
        port = elsewhere.sockets[0].getsockname()[1]
        for address in (f"http://127.0.0.1:{port}/", f"http://hooks.slack.com@127.0.0.1:{port}/"):
            sent = payloads.command("cartservice", Human(), response_url=address)
            request = wire(urlencode(sent).encode())
            assert (await send(by_http.http_port, request))[0] == 200
        await eventually(no_work_is_left)

    assert called == []
    assert len(await entries(by_http.bus, INCIDENTS)) == 2


FORM = "application/x-www-form-urlencoded"
UNREADABLE: list[tuple[bytes, str, list[tuple[bytes, bytes]], int]] = [
    (b"{}", "text/plain", [], 415),
    (b"{}", "", [], 415),
    (gzip.compress(b"{}", mtime=0), JSON, [(b"Content-Encoding", b"gzip")], 415),
    (b"{", JSON, [], 400),
    (b"[]", JSON, [], 400),
    (b"\xff\xfe", JSON, [], 400),
    (b"[" * 100_000, JSON, [], 400),
    (b"1" * 10_000, JSON, [], 400),
    (b"payload=%5B%5D", FORM, [], 400),
    (b"payload=%ff", FORM, [], 400),
    (b"a=1&" * 200, FORM, [], 400),
    (b" " * (1024 * 1024 + 1), JSON, [], 413),
    (b'{"type":"block_actions","team":7,"authorizations":5}', JSON, [], 400),
    (b'{"type":"block_actions","user":[],"actions":{"a":1}}', JSON, [], 400),
    (b'{"type":"block_actions","actions":[{"action_id":"nightshift_stop"}]}', JSON, [], 200),
]


async def test_what_is_signed_and_still_no_request_is_refused_with_its_reason(
    by_http: Service,
) -> None:
    for body, kind, more, status in UNREADABLE:
        headers, _ = wire(body, kind=kind)

        answer = await send(by_http.http_port, (headers + more, body))

        assert answer[0] == status, body[:80]


async def test_the_challenge_of_a_new_address_is_answered(by_http: Service) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"}).encode()

    status, answer = await send(by_http.http_port, wire(body, kind=JSON))

    assert status == 200
    assert json.loads(answer) == {"challenge": "3eZbrw1a"}


async def test_without_a_secret_there_is_no_such_path(slack_ingest: object, people: object) -> None:
    """Nothing can be forged where nothing is open."""
    from tests.ingest.slack.conftest import listening

    assert callable(slack_ingest)
    closed = {"slack_signing_secret": None, "slack_app_token": None}
    service = await slack_ingest(**closed, alertmanager_token=SecretStr("t" * 16))
    assert isinstance(service, Service)
    await listening(service)

    assert (await send(service.http_port, good()))[0] == 404


KEYS = (
    *("type", "event", "user", "team", "team_id", "actions", "action_id", "value", "channel"),
    *("user_id", "command", "text", "view", "authorizations", "state", "message", "id"),
    *("response_url", "trigger_id"),
)
VALUES = st.binary(max_size=40).filter(lambda value: not set(value) & set(b"\r\n\0"))
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner
            | st.sampled_from(["block_actions", "event_callback", "app_mention", "/diagnose"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


async def test_whatever_comes_is_answered_and_never_by_a_failure(
    by_http: Service, lane: Lane
) -> None:
    """Half of it signed: a stranger cannot, but then only our own reading stands in the way."""
    port, loop = by_http.http_port, asyncio.get_running_loop()
    seen: list[int] = []

    @settings(
        max_examples=lane.pick(120, 3000),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        signed=st.booleans(),
        sent=SHAPES,
        raw=st.binary(max_size=60),
        stamp=VALUES,
        signature=VALUES,
        kind=st.sampled_from([JSON, "application/x-www-form-urlencoded", "a/b"]),
    )
    def one(**drawn: object) -> None:
        request = _request(**drawn)
        future = asyncio.run_coroutine_threadsafe(send(port, request), loop)
        seen.append(future.result(10)[0])

    await asyncio.to_thread(one)

    assert set(seen) <= {200, 400, 401, 415}
    assert 200 in seen
    assert 401 in seen


def _request(**drawn: object) -> tuple[list[tuple[bytes, bytes]], bytes]:
    kind, raw = str(drawn["kind"]), drawn["raw"]
    assert isinstance(raw, bytes)
    if drawn["signed"]:
        return wire(json.dumps(drawn["sent"]).encode() if drawn["sent"] else raw, kind=kind)
    stamp, signature = drawn["stamp"], drawn["signature"]
    assert isinstance(stamp, bytes)
    assert isinstance(signature, bytes)
    return [(KIND, kind.encode()), (STAMP, stamp.strip()), (SIGNATURE, signature.strip())], raw
