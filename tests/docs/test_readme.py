"""Every command of the README is exercised: the table at the end says by which test.

A command that the table does not know fails `test_every_command_is_exercised`.
"""

import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from bus.connection import as_text
from tests.cli import test_init as init
from tests.cli import test_tools as tools
from tests.cli.conftest import DemoRun
from tests.cli.nightshift import STARTED, environment, run, up
from tests.cli.preview import test_command as previewing
from tests.docs.pages import README, ROOT
from tests.evaluation import test_command as evaluation

pytestmark = pytest.mark.timeout(180)
UP = ".venv/bin/nightshift up --reasoners 3"
PUBLISH = '.venv/bin/nightshift publish --service cartservice --summary "HTTP 500 on checkout"'
FIRE = ".venv/bin/nightshift publish --eventbridge"
DEAD_LETTERS = ".venv/bin/nightshift dead-letters list"
WATCH = ".venv/bin/nightshift watch"
SHOW = ".venv/bin/nightshift show INCIDENT"
DOCTOR = ".venv/bin/nightshift doctor"
PREVIEW = ".venv/bin/nightshift preview --sample timed_out"
XADD = (
    "redis-cli XADD nightshift:incidents '*' data"
    """ '{"service":"cartservice","summary":"HTTP 500 on checkout"}'"""
)
CHECKED = {
    "ingest": {"NIGHTSHIFT_QUEUE_URL": "https://sqs.eu-west-2.amazonaws.com/123456789012/alarms"},
    "reasoner": {"ANTHROPIC_API_KEY": "HIDDEN"},
    "toolrunner": {"NIGHTSHIFT_SERVERS_TOKEN": "HIDDEN"},
    "notifier": {"SLACK_BOT_TOKEN": "HIDDEN", "NIGHTSHIFT_SLACK_CHANNEL": "C0123456789"},
}
"""What each service needs to start; a value HIDDEN must not be shown."""


def test_the_demo_ends_well_and_prints_the_lines_of_the_transcript(demo_run: DemoRun) -> None:
    assert recipe("demo") == ["@$(BIN)/nightshift demo $(SCENARIO) $(ARGS)"]
    assert demo_run.code == 0, demo_run.output + demo_run.errors
    (transcript,) = README.transcripts
    printed = " ".join(demo_run.output.split())
    at = 0
    for line in transcript.splitlines():
        found = re.compile(pattern(line)).search(printed, at)
        assert found, f"not printed, or not in this place: {line}"
        at = found.end()


def pattern(line: str) -> str:
    """What the line says, whatever time it took, and with anything where it has an ellipsis.

    A line of the README may be half a line of the demo, so nothing says where it ends.
    """
    text = re.escape(" ".join(line.split())).replace("\\ ", " ")
    text = re.sub(r"\d+\\\.\d+ s", r"\\d+\\.\\d+ s", text)
    text = re.sub(r"[0-9a-f]{32}", "[0-9a-f]{32}", text)
    text = re.sub(r"\d+ spans", r"\\d+ spans", text)
    text = re.sub(r"line \d+$", r"line \\d+", text)
    text = re.sub(r"─{3,}", "─+", text)
    return text.removesuffix("…").replace("…", ".{0,300}?")


@pytest.mark.xdist_group("port 6379")
def test_laptop_diagnoses_what_each_command_opens_and_ends_with_ctrl_c(
    tmp_path: Path, port_lock: Path
) -> None:
    with up(*shlex.split(UP)[2:], folder=tmp_path, lock=port_lock) as laptop:
        laptop.read_until(STARTED)
        assert len(re.findall(r"reasoner-\d is ready", laptop.output)) == 3
        incidents = {f"inc-{added(laptop.redis_port)}"}
        published = run(*shlex.split(PUBLISH)[1:], folder=tmp_path)
        assert (published.code, published.errors) == (0, "")
        incidents.add(published.output.strip())
        fired = run(*shlex.split(FIRE)[1:], folder=tmp_path)
        assert (fired.code, fired.errors) == (0, "")
        assert fired.output.startswith("alarm fired: ")
        outcomes = ended_incidents(laptop.redis_port, 3)
        assert incidents < set(outcomes)
        assert set(outcomes.values()) == {"diagnosed"}
        letters = run(*shlex.split(DEAD_LETTERS)[1:], folder=tmp_path)
        assert (letters.code, letters.output) == (0, "no dead letters\n")
        look_inside(tmp_path, published.output.strip())
        end = laptop.end(signal.SIGINT)
        assert (end.code, end.errors) == (0, "")
        assert laptop.left() == {}


def look_inside(folder: Path, incident: str) -> None:
    """What the commands that see inside say of the laptop whose folder that is."""
    watched, shown, healthy = (
        run(*shlex.split(command.replace("INCIDENT", incident))[1:], folder=folder)
        for command in (WATCH, SHOW, DOCTOR)
    )
    assert (watched.code, watched.errors) == (0, "")
    assert re.search(rf"^{incident} +cartservice +diagnosed", watched.output, re.MULTILINE)
    assert (shown.code, shown.errors) == (0, "")
    assert shown.output.startswith(f"{incident}  cartservice\n")
    assert "verified  2-1 kubernetes__get_logs" in shown.output
    assert (healthy.code, healthy.errors) == (0, ""), healthy.output
    assert "ok    slack: " in healthy.output


def added(port: int) -> str:
    """The id of the entry that the README's own line adds to the Redis on that port."""
    command, *arguments = shlex.split(XADD)
    if binary := shutil.which(command):
        words = [binary, "-p", str(port), *arguments]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    with Redis(port=port) as redis:
        return as_text(redis.execute_command(*arguments))


def ended_incidents(port: int, number: int) -> dict[str, str]:
    """Outcomes of so many investigations by incident, as the stop signals tell them."""
    found: dict[str, str] = {}
    last = "0"
    with Redis(port=port, decode_responses=True, protocol=2, socket_timeout=40) as redis:
        while len(found) < number:
            for entry_id, fields in stops_after(redis, last):
                last = entry_id
                if fields["event"] == "InvestigationStopped":
                    told = re.search(r'"investigation_id":\s*"([^"]+)"', fields["data"])
                    outcome = re.search(r'"outcome":\s*"([^"]+)"', fields["data"])
                    assert told
                    assert outcome
                    found[told[1]] = outcome[1]
    return found


def stops_after(redis: "Redis", last: str) -> list[tuple[str, dict[str, str]]]:
    rows = redis.xread({"nightshift:stops": last}, block=30_000)
    assert isinstance(rows, list)
    assert rows, "no further stop signal within 30 s"
    return [(as_text(entry_id), fields) for entry_id, fields in rows[0][1]]


@pytest.mark.parametrize("target", ["check", "test", "eval"])
def test_target_is_in_the_makefile(target: str) -> None:
    tool = {
        "check": "$(BIN)/ruff check $(CODE)",
        "test": "$(BIN)/pytest -n 3 --dist loadgroup $(ARGS)",
        "eval": "@$(BIN)/nightshift eval $(EVAL) $(ARGS)",
    }
    assert tool[target] in recipe(target)


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{target}:.*\n((?:\t.*\n?)+)", text, re.MULTILINE)
    assert found, f"the Makefile has no target {target}"
    assert target in re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split()
    return [line.strip() for line in found[1].splitlines()]


@pytest.mark.parametrize("service", CHECKED)
def test_service_checks_its_settings_with_secrets_masked(service: str, tmp_path: Path) -> None:
    hidden = secrets.token_hex(16)
    given = {name: value.replace("HIDDEN", hidden) for name, value in CHECKED[service].items()}
    end = subprocess.run(
        [sys.executable, "-m", f"services.{service}", "--check"],
        env=environment(PYTHONPATH=str(ROOT), **given),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (end.returncode, end.stderr) == (0, "")
    assert [name for name in given if f"\n{name}=" not in f"\n{end.stdout}"] == []
    assert hidden not in end.stdout


EXERCISED = {
    "make demo": test_the_demo_ends_well_and_prints_the_lines_of_the_transcript,
    UP: test_laptop_diagnoses_what_each_command_opens_and_ends_with_ctrl_c,
    XADD: test_laptop_diagnoses_what_each_command_opens_and_ends_with_ctrl_c,
    PUBLISH: test_laptop_diagnoses_what_each_command_opens_and_ends_with_ctrl_c,
    DEAD_LETTERS: test_laptop_diagnoses_what_each_command_opens_and_ends_with_ctrl_c,
    WATCH: test_laptop_diagnoses_what_each_command_opens_and_ends_with_ctrl_c,
    SHOW: test_laptop_diagnoses_what_each_command_opens_and_ends_with_ctrl_c,
    DOCTOR: test_laptop_diagnoses_what_each_command_opens_and_ends_with_ctrl_c,
    FIRE: test_laptop_diagnoses_what_each_command_opens_and_ends_with_ctrl_c,
    PREVIEW: previewing.test_card_is_printed_with_what_slack_says_to_it,
    "nightshift init": init.test_a_redis_gets_a_name_once_and_another_only_when_asked,
    "nightshift tools pin": tools.test_pinning_writes_what_is_listed_and_a_check_shows_what_differs,
    "make check": test_target_is_in_the_makefile,
    "make eval": evaluation.test_three_scripted_models_rank_and_a_broken_case_stops_nobody,
    "make test": test_target_is_in_the_makefile,
} | {
    f"python -m services.{service}": test_service_checks_its_settings_with_secrets_masked
    for service in CHECKED
}


def test_every_command_is_exercised() -> None:
    assert set(README.commands) == set(EXERCISED)
