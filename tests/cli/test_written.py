"""What commands do when nobody takes what they write: the reader has gone, or the disk is full."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from bus.streams import INCIDENTS
from tests.cli.nightshift import NIGHTSHIFT, environment
from tests.cli.test_dead_letters import incident, put
from tests.conftest import MakeBus

pytestmark = pytest.mark.timeout(90)
FULL = Path("/dev/full")
COMMANDS = ("scenarios list", "scenarios check loud-ads", "scenarios schema", "watch --once")
LETTERS = ("dead-letters list", "dead-letters list --json", "doctor")


def ended(words: str, output: int, *, folder: Path, **changes: str) -> tuple[int, str]:
    """How the command ended that writes to this, and what it said on stderr."""
    done = subprocess.run(
        [NIGHTSHIFT, *words.split()],
        cwd=folder,
        env=environment(**changes),
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def without_reader(words: str, *, folder: Path, **changes: str) -> tuple[int, str]:
    """How the command ended whose reader has gone already."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return ended(words, writing, folder=folder, **changes)
    finally:
        os.close(writing)


def to_a_full_disk(words: str, *, folder: Path, **changes: str) -> tuple[int, str]:
    """How the command ended that has no room to write."""
    with FULL.open("w") as full:
        return ended(words, full.fileno(), folder=folder, **changes)


@pytest.mark.parametrize("words", [*COMMANDS, *LETTERS])
async def test_command_ends_in_silence_when_its_reader_has_gone_and_says_when_the_disk_is_full(
    words: str, make_bus: MakeBus, tmp_path: Path
) -> None:
    bus = make_bus("reasoner")
    await put(bus, INCIDENTS, incident())
    variables = {
        "REDIS_URL": bus.settings.redis_url.get_secret_value(),
        "NIGHTSHIFT_STREAM_PREFIX": bus.keys.prefix,
    }

    gone = await asyncio.to_thread(without_reader, words, folder=tmp_path, **variables)
    full = await asyncio.to_thread(to_a_full_disk, words, folder=tmp_path, **variables)

    assert gone == (141, "")
    assert full[0] == 1
    assert full[1] == "nightshift: the output could not be written: No space left on device\n"


def test_command_that_was_given_no_output_at_all_does_its_work(tmp_path: Path) -> None:
    shell = f"exec {NIGHTSHIFT} scenarios check loud-ads >&-"
    done = subprocess.run(
        ["/bin/sh", "-c", shell],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_long_command_whose_reader_has_gone_leaves_nothing_and_exits_141(tmp_path: Path) -> None:
    assert without_reader("eval --only shipping-logs-denied", folder=tmp_path) == (141, "")
    assert without_reader("demo", folder=tmp_path) == (141, "")
