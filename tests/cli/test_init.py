"""`nightshift init`: a Redis gets its name once, and a service without that name does not start."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.nightshift import Ended, run
from tests.conftest import MakeBus

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
async def variables(make_bus: MakeBus, redis_url: str) -> dict[str, str]:
    """How a command finds a part of the tests' Redis that has no name yet."""
    bus = make_bus("operator")
    await bus.redis.delete(bus.keys.generation)
    return {"REDIS_URL": redis_url, "NIGHTSHIFT_STREAM_PREFIX": bus.settings.stream_prefix}


def started(variables: dict[str, str]) -> Ended:
    """How a service ended that was started with these variables."""
    end = subprocess.run(
        [sys.executable, "-m", "services.reasoner"],
        env=os.environ | {"ANTHROPIC_API_KEY": "x", "NIGHTSHIFT_HTTP_PORT": "0"} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(end.returncode, end.stdout, end.stderr)


def test_a_redis_gets_a_name_once_and_another_only_when_asked(
    variables: dict[str, str], tmp_path: Path
) -> None:
    first = run("init", folder=tmp_path, **variables)
    again = run("init", folder=tmp_path, **variables)
    replaced = run("init", "--replace", folder=tmp_path, **variables)

    assert (first.code, again.code, replaced.code) == (0, 1, 0)
    name, value = first.output.strip().split("=")
    assert name == "NIGHTSHIFT_GENERATION"
    assert again.output == ""
    assert again.errors == (
        f"nightshift init: this Redis has the name {value}: set {first.output.strip()},"
        " or --replace\n"
    )
    assert replaced.output.startswith("NIGHTSHIFT_GENERATION=")
    assert replaced.output != first.output


def test_a_service_refuses_a_redis_that_has_not_the_name_it_was_given(
    variables: dict[str, str],
) -> None:
    end = started(variables | {"NIGHTSHIFT_GENERATION": "20260101-abcd"})

    assert end.code == 1
    (sentence,) = end.errors.splitlines()
    assert "has generation none, but NIGHTSHIFT_GENERATION is 20260101-abcd" in sentence
    assert "`nightshift init`" in sentence


async def test_a_key_of_another_kind_is_named_and_stays(
    make_bus: MakeBus, variables: dict[str, str], tmp_path: Path
) -> None:
    bus = make_bus("operator")
    await bus.redis.hset(bus.keys.generation, "theirs", "1")

    for arguments in (["init"], ["init", "--replace"]):
        end = await asyncio.to_thread(run, *arguments, folder=tmp_path, **variables)
        assert (end.code, end.output) == (1, "")
        (sentence,) = end.errors.splitlines()
        assert sentence.startswith(f"nightshift init: {bus.keys.generation} holds no name but")

    assert await bus.redis.hgetall(bus.keys.generation) == {b"theirs": b"1"}
    await bus.redis.delete(bus.keys.generation)


def test_a_redis_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    end = run("init", folder=tmp_path, REDIS_URL="redis://:hidden@127.0.0.1:9/0")

    assert (end.code, end.output) == (1, "")
    (sentence,) = end.errors.splitlines()
    assert sentence.startswith("nightshift init: Redis at redis://127.0.0.1:9/0 cannot be used")
