"""Which Redis a command talks to: one check of its address, and nothing of a password on screen."""

from pathlib import Path

import pytest
from redis import Redis

from simulator.redis_server import RedisServer
from tests.cli.nightshift import run, start

pytestmark = pytest.mark.timeout(90)
COMMANDS = (["publish"], ["dead-letters", "list"], ["init"], ["up"], ["demo"])
HIDDEN = "word" + "9"
STATE = Path(".nightshift/up.json")


@pytest.mark.parametrize(
    ("arguments", "tail"),
    [(arguments, f"/{HIDDEN}") for arguments in COMMANDS]
    + [(["init"], tail) for tail in ("?socket_timeout=x", f"?foo={HIDDEN}", f"/0?db={HIDDEN}")],
)
def test_every_command_refuses_a_wrong_address_by_the_same_sentence(
    arguments: list[str], tail: str, tmp_path: Path
) -> None:
    end = run(*arguments, folder=tmp_path, REDIS_URL=f"redis://127.0.0.1:9{tail}")

    assert end.code == 1
    (sentence,) = end.errors.splitlines()
    assert sentence.startswith(
        f"nightshift {arguments[0]}: settings: REDIS_URL must look like redis://host:6379/0 or"
    )
    assert HIDDEN not in end.output + end.errors


@pytest.mark.parametrize("arguments", COMMANDS[:3], ids=" ".join)
def test_no_command_shows_the_password_of_an_address(arguments: list[str], tmp_path: Path) -> None:
    url = f"redis://127.0.0.1:9/0?password={HIDDEN}&username={HIDDEN}"
    end = run(*arguments, folder=tmp_path, REDIS_URL=url)

    assert end.code == 1
    (sentence,) = end.errors.splitlines()
    assert sentence.startswith(
        f"nightshift {arguments[0]}: Redis at redis://127.0.0.1:9/0 cannot be used: "
    )
    assert HIDDEN not in end.output + end.errors


@pytest.mark.parametrize(
    "text", ['{"redis_url": "redis://127.0.', "[]", "{}", '{"redis_url": 1, "control": 2}', "\xff"]
)
def test_what_a_nightshift_up_left_half_written_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / STATE).parent.mkdir()
    (tmp_path / STATE).write_text(text, encoding="latin-1")

    for arguments in (["publish"], ["publish", "--sns"], ["dead-letters", "list"]):
        end = run(*arguments, folder=tmp_path)
        assert end.code == 1
        (sentence,) = end.errors.splitlines()
        assert f"{STATE} cannot be read, or is not whole: delete it, and start" in sentence


def test_a_given_redis_is_used_whatever_a_nightshift_up_left(tmp_path: Path) -> None:
    (tmp_path / STATE).parent.mkdir()
    (tmp_path / STATE).write_text("{", encoding="utf-8")

    end = run("publish", folder=tmp_path, REDIS_URL="redis://127.0.0.1:9/0")

    assert "Redis at redis://127.0.0.1:9/0 cannot be used" in end.errors


def test_a_full_redis_is_a_sentence_with_what_to_do(own_redis: RedisServer, tmp_path: Path) -> None:
    with Redis.from_url(own_redis.url) as redis:
        redis.config_set("maxmemory", 1)
        try:
            ends = [
                run(name, folder=tmp_path, REDIS_URL=own_redis.url) for name in ("publish", "init")
            ]
        finally:
            redis.config_set("maxmemory", 0)

    assert [end.code for end in ends] == [1, 1]
    for end in ends:
        (sentence,) = end.errors.splitlines()
        assert "cannot be used: it is full; raise its `maxmemory`" in sentence


def test_a_reader_that_has_enough_is_no_fault_of_redis(
    own_redis: RedisServer, tmp_path: Path
) -> None:
    process = start("publish", "--count", "10000", folder=tmp_path, REDIS_URL=own_redis.url)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("inc-")
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == ""
    assert process.wait(30) == 141
