"""Each Redis user can do its service's work, and none another's (T14, T15)."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis as AsyncRedis

from bus.streams import STREAMS, Keys
from tests.deploy import redis_commands
from tests.deploy.redis_users import (
    NO_KEY,
    SERVICES,
    TEMPLATE,
    USERS,
    Guarded,
    as_table,
    commands_of,
    guarded_redis,
    key_names,
    rendered,
)

GOLDEN = Path(__file__).parent / "golden" / "redis-users.txt"
KEYS = Keys("nightshift:")
NEVER = (
    *("ACL", "BGREWRITEAOF", "BGSAVE", "CLUSTER", "CONFIG", "DEBUG", "FAILOVER", "FLUSHALL"),
    *("FLUSHDB", "FUNCTION", "KEYS", "MIGRATE", "MODULE", "MONITOR", "PSYNC", "PUBLISH"),
    *("REPLICAOF", "SAVE", "SHUTDOWN", "SLAVEOF", "SLOWLOG", "SUBSCRIBE", "SWAPDB", "SYNC"),
    *("RANDOMKEY", "RENAME", "RESTORE", "UNLINK", "XSETID", "XGROUP|DESTROY", "XGROUP|SETID"),
    *("CLIENT|KILL", "CLIENT|LIST", "CLIENT|PAUSE", "SCRIPT|FLUSH", "SCRIPT|KILL"),
)
Allowed = dict[str, dict[str, list[str]]]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_redis(tmp_path_factory.mktemp("users")) as found:
        yield found


@pytest.fixture(scope="module")
def allowed(guarded: Guarded) -> Allowed:
    return {user: guarded.allowed(user) for user in USERS}


def may(allowed: Allowed, user: str, command: str) -> set[str]:
    """The keys on which that user may run that command."""
    return {key for key, names in allowed[user].items() if command in names}


def test_users_commands_and_keys_are_those_of_the_reviewed_table(allowed: Allowed) -> None:
    text = as_table(allowed)
    if os.environ.get("NIGHTSHIFT_WRITE_GOLDEN"):
        GOLDEN.write_text(text + "\n", encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8").removesuffix("\n")


def test_the_table_asks_about_every_command_that_a_user_has() -> None:
    named = set(commands_of(TEMPLATE.read_text(encoding="utf-8")))
    assert named - redis_commands.names() == set()


def test_no_user_is_given_a_category_so_the_table_is_the_same_in_every_version() -> None:
    """What Redis 7.2 put into `@connection` (WAITAOF, CLIENT NO-TOUCH) stood in no row of 7.0."""
    text = TEMPLATE.read_text(encoding="utf-8")
    rules = [line.partition("#")[0] for line in text.splitlines()]
    assert not [line for line in rules if "+@" in line or "allcommands" in line]


async def test_a_client_whose_word_about_itself_is_refused_works_as_before() -> None:
    """So it is from Redis 7.2 on, which knows CLIENT SETINFO; the users are not given it."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            words = []
            for _ in range(int(head[1:])):
                await reader.readline()
                words.append((await reader.readline()).strip().upper())
            heard.append(b" ".join(words[:2]))
            refused = words[:2] == [b"CLIENT", b"SETINFO"]
            writer.write(b"-NOPERM no permission\r\n" if refused else b"+PONG\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, AsyncRedis(port=server.sockets[0].getsockname()[1], protocol=2) as client:
        assert await client.ping()
    assert heard == [b"CLIENT SETINFO", b"CLIENT SETINFO", b"PING"]


def test_each_service_consumes_what_the_design_gives_it_and_no_more(allowed: Allowed) -> None:
    for stream in STREAMS:
        key, groups = KEYS.stream(stream), {reader.group for reader in stream.readers}
        for command in ("XREADGROUP", "XACK", "XAUTOCLAIM", "XGROUP|CREATE"):
            found = {user for user in USERS if key in may(allowed, user, command)}
            assert found == groups, f"{command} {key}"


def test_each_service_appends_where_the_design_lets_it_and_nowhere_else(allowed: Allowed) -> None:
    # By the design it may, and its code does not: nobody is told to stop, nor of progress.
    unused = {("toolrunner", "stops"), ("toolrunner", "progress")}
    for stream in STREAMS:
        key = KEYS.stream(stream)
        found = {user for user in SERVICES if key in may(allowed, user, "XADD")}
        wanted = {name for name in stream.writers if name in SERVICES}
        assert found == {name for name in wanted if (name, stream.name) not in unused}, key


def test_only_the_owner_of_a_stream_trims_it(allowed: Allowed) -> None:
    for stream in STREAMS:
        found = {user for user in USERS if KEYS.stream(stream) in may(allowed, user, "XTRIM")}
        assert found == {stream.owner}, stream.name


def test_tool_calls_are_asked_for_by_the_reasoner_and_answered_by_the_toolrunner(
    allowed: Allowed,
) -> None:
    transcript, results = (KEYS.of("inc-1", part) for part in ("transcript", "results"))
    assert {user for user in USERS if transcript in may(allowed, user, "RPUSH")} == {"reasoner"}
    assert {user for user in USERS if results in may(allowed, user, "HSETNX")} == {"toolrunner"}
    toolrunner = allowed["toolrunner"]
    assert set(toolrunner[transcript]) == {"EVAL", "EVALSHA"}
    assert set(toolrunner[KEYS.of("inc-1", "record")]) <= {"EVAL", "EVALSHA", "HGETALL", "HMGET"}
    assert KEYS.deadlines not in may(allowed, "toolrunner", "ZADD")


def test_slack_and_money_are_touched_by_their_own_service_alone(allowed: Allowed) -> None:
    slack, spend = KEYS.of("inc-1", "slack"), KEYS.spend("2026-11-30")
    assert {user for user in USERS if slack in may(allowed, user, "HSET")} == {"notifier"}
    assert {user for user in USERS if spend in may(allowed, user, "HSET")} == {"reasoner"}


def test_keda_counts_and_reads_no_entry(allowed: Allowed) -> None:
    names = {name for key, found in allowed["keda"].items() if key != NO_KEY for name in found}
    assert names == {"XINFO|GROUPS", "XPENDING"}


def test_nobody_may_what_could_end_or_empty_the_store(allowed: Allowed) -> None:
    for user in USERS:
        names = {name for found in allowed[user].values() for name in found}
        whole = {name.partition("|")[0] for name in names} | names
        assert whole & set(NEVER) == set(), user
        assert "SCAN" not in names or user == "operator"


def test_nothing_outside_the_prefix_can_be_touched(allowed: Allowed) -> None:
    outside = [key for key in key_names("nightshift:") if not key.startswith("nightshift:")]
    assert len(outside) == 2
    for user in USERS:
        assert {key: allowed[user][key] for key in outside if allowed[user][key]} == {}, user


def test_whoever_names_no_user_is_refused(guarded: Guarded) -> None:
    for words in (b"PING", b"AUTH of-tests-0123456789", b"AUTH default of-tests-0123456789"):
        with socket.create_connection(("127.0.0.1", guarded.port), timeout=5) as nobody:
            nobody.sendall(words + b"\r\n")
            assert nobody.recv(64).startswith((b"-NOAUTH", b"-WRONGPASS"))


@pytest.mark.parametrize("wrong", ["", "short", "has a blank in it 0123456789", "x" * 20 + ">"])
def test_a_password_that_is_missing_short_or_breaks_the_file_is_refused(wrong: str) -> None:
    given = {f"{user.upper()}_PASSWORD": "of-tests-0123456789" for user in USERS}
    given["KEDA_PASSWORD"] = wrong
    ended = rendered(given)
    assert ended.returncode == 1
    assert ended.stderr.startswith("render-users: KEDA_PASSWORD must be 16 or more of")
    assert wrong not in ended.stderr or not wrong


def test_a_password_that_is_not_set_is_named() -> None:
    ended = rendered({"INGEST_PASSWORD": "of-tests-0123456789"})
    assert (ended.returncode, ended.stderr) == (1, "render-users: REASONER_PASSWORD is not set\n")
