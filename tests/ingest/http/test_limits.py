"""What is too long, too slow, too many or in no form that is taken is answered and bounded."""

import asyncio
import contextlib
import gzip
import json
import tracemalloc

import pytest
from pydantic import SecretStr

from bus.streams import INCIDENTS
from bus.testing import entries
from simulator.redis_server import RedisServer
from tests.ingest.http.conftest import ALERTS, LOGS, SNS, Doors, Open
from tests.ingest.http.test_token_doors import ACCESS, BEARER, JSON, delivery

MEBIBYTE = 1024 * 1024


async def sent(doors: Doors, *pieces: bytes) -> bytes:
    """What comes back for raw bytes, until the other side has closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", doors.port)
    try:
        for piece in pieces:
            writer.write(piece)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        async with asyncio.timeout(8):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def head(path: str, *lines: str) -> bytes:
    rows = [f"POST {path} HTTP/1.1", "Host: ingest", "Connection: close", *lines, "", ""]
    return "\r\n".join(rows).encode()


async def test_bodies_in_no_form_that_is_taken_are_refused_by_name(open_doors: Open) -> None:
    doors = await open_doors()
    plain = {"Content-Type": "text/plain", "x-amz-sns-message-type": "Notification"}
    deep = b'{"a":' * 200_000
    bomb = gzip.compress(b" " * (40 * MEBIBYTE))
    packed = ACCESS | {"Content-Encoding": "gzip"}
    wanted = [
        (SNS, b"{}", {"Content-Type": "text/html"}, 415),
        (SNS, b"{}", {"Content-Type": "text/plain; charset=utf-16"}, 415),
        (SNS, gzip.compress(b"{}"), plain | {"Content-Encoding": "gzip"}, 415),
        (LOGS, b"{}", ACCESS | {"Content-Encoding": "br"}, 415),
        (SNS, b"", plain, 400),
        (SNS, b"\xff\xfe{}", plain, 400),
        (SNS, b"[]", plain, 400),
        (SNS, deep[: 500 * 1024], plain, 400),
        (ALERTS, b'{"version": ' + b"9" * 5000 + b"}", BEARER, 400),
        (ALERTS, json.dumps({"version": "4", "alerts": ["\ud800"]}).encode(), BEARER, 400),
        (LOGS, b"not gzip", packed, 400),
        (LOGS, gzip.compress(delivery())[:-9], packed, 400),
        (LOGS, gzip.compress(delivery()) + b"more", packed, 400),
        (LOGS, delivery(request_id="another"), ACCESS, 400),
        (SNS, b"x" * MEBIBYTE, plain, 413),
        (ALERTS, b"x" * 5 * MEBIBYTE, BEARER, 413),
        (LOGS, bomb, packed, 413),
    ]

    got = [(await doors.post(path, body, headers)).status for path, body, headers, _ in wanted]

    assert got == [status for *_, status in wanted]
    assert await entries(doors.bus, INCIDENTS) == []


async def test_a_small_body_that_unpacks_to_a_long_one_costs_no_more_than_the_limit(
    open_doors: Open,
) -> None:
    doors = await open_doors()
    bomb = gzip.compress(b" " * (96 * MEBIBYTE), 1)
    tracemalloc.start()
    try:
        got = await doors.post(LOGS, bomb, ACCESS | {"Content-Encoding": "gzip"})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert got.status == 413
    assert peak < 48 * MEBIBYTE


async def test_only_post_is_taken(open_doors: Open) -> None:
    doors = await open_doors()
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"):
        url = f"http://127.0.0.1:{doors.port}{SNS}"
        async with doors.client.request(method, url) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_a_chunked_body_is_counted_while_it_comes_in(open_doors: Open) -> None:
    doors = await open_doors()
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    said = await sent(
        doors, head(SNS, "Content-Type: text/plain", "Transfer-Encoding: chunked"), *[chunk] * 9
    )

    assert b" 413 " in said


async def test_a_length_beyond_the_limit_is_refused_before_anything_is_read(
    open_doors: Open,
) -> None:
    """It was read for ten seconds, and answered with 408."""
    doors = await open_doors()

    said = await sent(
        doors, head(SNS, "Content-Type: text/plain", "Content-Length: 99999999999"), b"{"
    )

    assert b" 413 " in said


async def test_slow_clients_are_cut_off_while_the_others_are_served(open_doors: Open) -> None:
    doors = await open_doors(http_body_seconds=0.8, http_at_once=2)
    typed = ("Content-Type: text/plain", "Content-Length: 100")

    slow = [asyncio.create_task(sent(doors, head(SNS, *typed), b"{")) for _ in range(2)]
    heads = [
        asyncio.create_task(sent(doors, begun))
        for begun in (b"", b"POST /triggers/sns HTTP/1.1\r\n")
    ]
    await asyncio.wait(slow, timeout=0.3)
    full = await doors.post(SNS, b"{}", {"Content-Type": "text/plain"})
    said = await asyncio.gather(*slow, *heads)
    free = await doors.post(SNS, b"{}", {"Content-Type": "text/plain"})

    assert (full.status, full.headers["Retry-After"]) == (503, "1")
    assert [b" 408 " in each for each in said[:2]] == [True, True]
    assert said[2:] == [b"", b""]
    assert free.status == 400


async def test_who_goes_away_in_the_middle_leaves_nothing_behind(open_doors: Open) -> None:
    doors = await open_doors(http_at_once=1)
    for _ in range(3):
        _, writer = await asyncio.open_connection("127.0.0.1", doors.port)
        writer.write(head(ALERTS, f"Authorization: {BEARER['Authorization']}", "Content-Length: 9"))
        writer.transport.abort()

    async def served() -> int:
        return (await doors.post(ALERTS, b"{}", JSON)).status

    async with asyncio.timeout(5):
        while (status := await served()) == 503:
            continue
    assert status == 401


async def test_the_document_lists_what_is_open_and_nothing_else(open_doors: Open) -> None:
    doors = await open_doors(sns_topics="")

    async with doors.client.get(f"http://127.0.0.1:{doors.port}/openapi.json") as answer:
        said = await answer.json()

    assert said["openapi"] == "3.1.0"
    assert set(said["paths"]) == {ALERTS, LOGS, "/openapi.json"}


@pytest.mark.parametrize(
    "path", ["/", "/triggers", "/triggers/sns/", "/triggers/alertmanager/", "/slack/events/x"]
)
async def test_other_paths_are_not_there(path: str, open_doors: Open) -> None:
    """Nor is a path with a slash at its end a redirect, which no sender of ours follows."""
    doors = await open_doors()

    url = f"http://127.0.0.1:{doors.port}{path}"
    async with doors.client.post(url, data=b"{}", allow_redirects=False) as answer:
        assert answer.status == 404


async def test_ingest_is_not_ready_while_redis_is_full(
    open_doors: Open, own_redis: RedisServer
) -> None:
    """Without a queue, which asks Redis itself, nothing but each single answer of 503 showed it."""
    doors = await open_doors(redis_url=SecretStr(own_redis.url))

    async def answered() -> tuple[int, dict[str, str]]:
        async with doors.client.get(f"http://127.0.0.1:{doors.port}/readyz") as answer:
            return answer.status, (await answer.json())["problems"]

    assert await answered() == (200, {})
    await doors.bus.redis.config_set("maxmemory", 1)
    status, problems = await answered()
    await doors.bus.redis.config_set("maxmemory", 0)

    assert status == 503
    assert list(problems) == ["writes"]
    assert "maxmemory" in problems["writes"]
    assert await answered() == (200, {})
