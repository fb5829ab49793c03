"""Each example shows what it promises, and leaves nothing."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.examples.playing import play, start

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("examples"),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are read from /proc"),
]


def test_one_entry_becomes_one_card_that_names_the_file(tmp_path: Path) -> None:
    printed = play("01_open_an_incident", tmp_path)
    assert printed.endswith("one XADD, one message: diagnosed\n")
    assert re.search(r"stop signal: diagnosed, the card is \d+\.\d+ in C0INCIDENTS\n", printed)
    assert "Where: src/cartservice/src/cartstore/RedisCartStore.cs:34" in printed
    assert "Confidence: high" in printed


def test_a_ticket_writer_that_crashed_writes_no_ticket_twice_and_misses_none(
    tmp_path: Path,
) -> None:
    printed = play("02_follow_diagnoses", tmp_path)
    assert printed.endswith("2 incidents, 2 tickets, nothing left to acknowledge\n")
    crashed = re.findall(r"(inc-\S+) gets a ticket, and the writer crashes", printed)
    again = re.findall(r"(inc-\S+) comes again\n", printed)
    assert len(crashed) == 1
    assert again[0] == crashed[0]
    tickets = re.findall(r"^(inc-\S+) cartservice: \[scripted\] RedisCart", printed, re.MULTILINE)
    assert len(set(tickets)) == len(tickets) == 2


def test_the_turn_of_a_killed_reasoner_is_run_by_the_other_one(tmp_path: Path) -> None:
    printed = play("03_kill_the_reasoner", tmp_path)
    killed = re.search(r"killed (reasoner-[12]), which held turn 2\n", printed)
    taken = re.search(r"(reasoner-[12]) took turn 2 over after \d+\.\d s\n", printed)
    assert killed
    assert taken
    assert {killed[1], taken[1]} == {"reasoner-1", "reasoner-2"}
    assert printed.endswith("diagnosed: turns [1, 2, 3, 4], each once, and one message in Slack\n")


def test_turns_wander_to_reasoners_that_come_later(tmp_path: Path) -> None:
    printed = play("04_scale_the_reasoners", tmp_path)
    rows = re.findall(r"^    inc-\S+((?: reasoner-\d)+)$", printed, re.MULTILINE)
    ran = [row.split() for row in rows]
    assert [len(row) for row in ran] == [4] * 8
    assert {replica for row in ran[:4] for replica in row} == {"reasoner-1"}
    together = {replica for row in ran[4:] for replica in row}
    assert together == {"reasoner-1", "reasoner-2", "reasoner-3"}
    assert any(len(set(row)) > 1 for row in ran[4:])


def test_a_tool_of_ones_own_is_quoted_and_one_that_no_policy_names_is_not_offered(
    tmp_path: Path,
) -> None:
    printed = play("05_add_a_tool_server", tmp_path)
    assert "offered tools: calendar__read, read_result calendar__read was" in " ".join(
        printed.split()
    )
    assert "calendar__read was quoted: 02:00 redis-cart moves to another host" in printed
    assert printed.endswith("one of our two tools is evidence, the other was never offered\n")


def test_a_lost_answer_of_slack_is_looked_up_and_leaves_one_message(tmp_path: Path) -> None:
    printed = play("06_slack_has_a_bad_night", tmp_path)
    asked = re.findall(r"/api/(chat.postMessage|conversations.history) +(\w+)\n", printed)
    assert asked[:3] == [
        ("chat.postMessage", "rate_limited"),
        ("chat.postMessage", "accepted_dropped"),
        ("conversations.history", "200"),
    ]
    assert "chat.postMessage" not in [method for method, _ in asked[3:]]
    assert printed.count("\nTimed out: There was no diagnosis within 5.0 s.\n") == 1
    assert printed.endswith("timed_out: two faults, one message\n")


def test_a_malformed_entry_is_kept_with_its_reason_until_it_is_mended_whatever_the_shell_says(
    tmp_path: Path,
) -> None:
    shell = {"REDIS_URL": "redis://127.0.0.1:9/0", "NIGHTSHIFT_STREAM_PREFIX": "another:"}
    printed = play("07_mend_a_dead_letter", tmp_path, **shell)
    assert "Slack was told: IncidentOpened: summary: Field required" in printed
    assert "replay refused with exit code 4\n" in printed
    assert re.search(r"mended and put back: inc-\d+-\d+ stands in Slack\n", printed)
    assert printed.endswith("no dead letter is left\n")


def test_a_case_of_ones_own_tells_right_from_wrong(tmp_path: Path) -> None:
    printed = play("08_grade_a_case", tmp_path)
    for graded in ("right: right", "lazy: inconclusive", "confidently wrong: wrong"):
        assert f" s  {graded}\n" in printed
    assert printed.endswith("from best to worst: right, lazy, confidently wrong\n")


def test_the_spans_of_an_incident_hang_under_one_root(tmp_path: Path) -> None:
    printed = play("09_read_a_trace", tmp_path)
    spans = re.findall(r"^ *\d+ ms  ( *)([a-z-]+): (.+)$", printed, re.MULTILINE)
    assert f"{len(spans)} spans hang under one root, {spans[0][2]!r}\n" in printed
    assert [depth for depth, _, _ in spans].count("") == 1
    services = {service for _, service, _ in spans}
    assert services >= {"ingest", "reasoner", "toolrunner", "notifier"}
    assert len([name for _, service, name in spans if name.startswith("chat ")]) == 4


def test_an_example_that_is_interrupted_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    playing = start("06_slack_has_a_bad_night", tmp_path)
    playing.read_until("starting")
    running = playing.processes().values()
    assert any("redis-server" in command for command in running)
    assert any("simulator" in command for command in running)
    playing.process.send_signal(signal.SIGTERM)
    end = playing.end()
    assert end.code == 1
    assert end.errors.endswith("06_slack_has_a_bad_night.py: interrupted\n")
    assert len(end.errors.splitlines()) == 1
    assert playing.processes() == {}
    assert playing.files() == []


def test_an_example_whose_part_dies_ends_with_a_sentence_and_without_the_rest(
    tmp_path: Path,
) -> None:
    playing = start("06_slack_has_a_bad_night", tmp_path)
    said = playing.read_until("notifier-1 is ready (process ")
    os.kill(int(said.rpartition("process ")[2].strip(")\n")), signal.SIGKILL)
    end = playing.end()
    assert end.code == 1
    assert len(end.errors.splitlines()) == 1
    assert "06_slack_has_a_bad_night.py: notifier-1 was ended by signal 9 (Killed); " in end.errors
    assert playing.processes() == {}
