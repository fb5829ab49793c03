"""`nightshift watch`: once, in lines, and live on a terminal until Ctrl-C."""

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.inside.conftest import Inside
from tests.cli.nightshift import NIGHTSHIFT, environment, start

pytestmark = [pytest.mark.xdist_group("inside"), pytest.mark.timeout(120)]
COLOUR = re.compile(r"\x1b\[[0-9;]*(?<![0-9])[349][0-9][0-9;]*m")


def test_once_shows_the_open_ones_first_and_fits_80_columns(inside: Inside) -> None:
    end = inside.run("watch")
    assert (end.code, end.errors) == (0, "")
    head, *rows = end.output.splitlines()
    assert head.split() == ["INCIDENT", "SERVICE", "STATE", "TURN", "TOOL", "TIME", "COST"]
    assert sorted(row.split()[0] for row in rows[:2]) == ["open-one", "open-two"]
    assert re.match(rf"{inside.ended} +cartservice +diagnosed +5 .*\$0\.4210", rows[2])
    assert [line for line in end.output.splitlines() if cell_len(line) > 80] == []
    assert "\x1b" not in end.output


def test_json_is_one_object_a_line_and_names_what_cannot_be_read(inside: Inside) -> None:
    inside.desk.redis.hset("nightshift:broken:record", mapping={"turn": "many"})
    end = inside.run("watch", "--json", "--all")
    inside.desk.redis.delete("nightshift:broken:record")
    assert (end.code, end.errors) == (0, "")
    rows = {row["incident"]: row for row in map(json.loads, end.output.splitlines())}
    assert rows["open-one"]["state"] == "turn_due"
    assert rows["open-one"]["outcome"] is None
    ended = rows[inside.ended]
    assert (ended["state"], ended["outcome"], ended["turn"]) == ("ended", "diagnosed", 5)
    assert ended["cost_usd"] == pytest.approx(0.421)
    assert rows["broken"]["state"] == "unreadable"
    assert rows["broken"]["problem"]


def test_follow_without_a_terminal_tells_what_changed_and_ends_with_ctrl_c(inside: Inside) -> None:
    arguments = ("watch", "--follow", "--json", "--seconds", "0.2")
    url = inside.desk.stack.redis_url
    process = start(*arguments, folder=inside.folder, REDIS_URL=url)
    assert process.stdout is not None
    rows = [json.loads(process.stdout.readline()) for _ in range(3)]
    assert {row["incident"] for row in rows} == {"open-one", "open-two", inside.ended}
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, "", "")


def test_live_table_on_a_terminal_honours_no_color_and_ends_with_ctrl_c(inside: Inside) -> None:
    ours, theirs = pty.openpty()
    variables = {"REDIS_URL": inside.desk.stack.redis_url, "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen(
        [NIGHTSHIFT, "watch", "--seconds", "0.2"],
        env=environment(TERM="xterm-256color", **variables),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while seen.count(b"Ctrl-C ends") < 2:
        seen += os.read(ours, 65_536)
    process.send_signal(signal.SIGINT)
    seen += rest(ours)
    assert process.wait(30) == 0
    text = seen.decode()
    assert f"2 open, 1 ended · {inside.desk.stack.redis_url}"[:60] in text
    assert "Traceback" not in text
    assert COLOUR.search(text) is None
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def rest(terminal: int) -> bytes:
    """What is still said, until the other side is closed."""
    found = b""
    try:
        while piece := os.read(terminal, 65_536):
            found += piece
    except OSError:  # so Linux says that nobody writes any more
        pass
    finally:
        os.close(terminal)
    return found


def test_redis_that_is_away_is_said_in_one_sentence(tmp_path: Path) -> None:
    process = start("watch", folder=tmp_path, REDIS_URL="redis://127.0.0.1:9/0")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert errors.startswith("nightshift watch: Redis at redis://127.0.0.1:9/0 cannot be used: ")
    assert len(errors.splitlines()) == 1
