"""`nightshift doctor`: what works, what does not, what to do; no secret is ever shown."""

import json
import secrets
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from rich.cells import cell_len

from cli.stack import call
from tests.cli.inside.conftest import Inside
from tests.cli.nightshift import run

pytestmark = [pytest.mark.xdist_group("inside"), pytest.mark.timeout(120)]
SECRET = ("ANTHROPIC_API_KEY", "SLACK_BOT_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY")
CHECKS = {
    *("redis", "persistence", "memory", "generation", "clock", "deadlines", "backlog", "catalogue"),
    *("dead letters", "group reasoner", "group notifier", "group toolrunner"),
    *("settings ingest", "settings reasoner", "settings toolrunner", "settings notifier"),
    *("settings toolrunner servers", "model", "slack", "github"),
    *("kubernetes", "kubernetes boutique", "aws ingest", "aws toolrunner"),
}


def test_a_stack_in_good_health_gets_nothing_but_ok(inside: Inside) -> None:
    given = inside.environment
    end = inside.run("doctor", **given)
    assert (end.code, end.errors) == (0, ""), end.output
    *lines, total = end.output.splitlines()
    assert [line for line in lines if not line.startswith(("ok ", "      "))] == []
    assert total == f"{len(CHECKS)} ok, 0 warn, 0 fail"
    checks = {line[6:].partition(":")[0] for line in lines if line.startswith("ok")}
    assert checks == CHECKS
    assert [line for line in lines if cell_len(line) > 80] == []
    assert [name for name in SECRET if given[name] in end.output] == []


def test_what_is_wrong_fails_with_what_to_do(inside: Inside) -> None:
    redis = inside.desk.redis
    hidden = secrets.token_hex(16)
    wrong = {
        "NIGHTSHIFT_GENERATION": "another",
        "ANTHROPIC_API_KEY": hidden,
        "SLACK_BOT_TOKEN": hidden,
        "GITHUB_TOKEN": hidden,
        "AWS_ACCESS_KEY_ID": hidden[:16],
        "KUBECONFIG": str(inside.folder / "nothing"),
        "NIGHTSHIFT_MAX_TURNS": "many",
    }
    redis.config_set("maxmemory", "1gb")
    redis.config_set("maxmemory-policy", "allkeys-lru")
    end = inside.run("doctor", "--json", **(inside.environment | wrong))
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", "0")
    assert (end.code, end.errors) == (1, "")
    found = [json.loads(line) for line in end.output.splitlines()]
    assert {tuple(row) for row in found} == {("check", "status", "what", "advice")}
    failed = {row["check"]: row for row in found if row["status"] == "fail"}
    assert set(failed) == {
        *("generation", "memory", "settings reasoner", "slack", "github", "kubernetes"),
        *("aws ingest", "aws toolrunner"),
    }
    assert "NIGHTSHIFT_MAX_TURNS" in failed["settings reasoner"]["what"]
    assert failed["slack"]["what"] == "the token is refused: invalid_auth"
    assert [row for row in failed.values() if not row["advice"]] == []
    assert hidden not in end.output


def test_pods_that_are_refused_although_they_may_be_read_are_told(inside: Inside) -> None:
    faults = f"{inside.desk.stack.control}/_simulator/faults"
    planned = {"stand_in": "kubernetes", "fault": "forbidden", "where": "/pods"}
    fault = call(faults, planned)["planned"][0]
    end = inside.run("doctor", "toolrunner", "--json", **inside.environment)
    with urlopen(Request(f"{faults}/{fault}", method="DELETE"), timeout=10):
        pass
    failed = [row for row in map(json.loads, end.output.splitlines()) if row["status"] == "fail"]
    assert [row["check"] for row in failed] == ["kubernetes boutique"], end.output
    assert failed[0]["what"] == "pods may be read, and were not: 403 Forbidden"
    assert "webhook" in failed[0]["advice"]


def test_what_is_not_set_here_is_a_warning_unless_asked_for(inside: Inside) -> None:
    other = {"NIGHTSHIFT_STREAM_PREFIX": "nobody:"}
    end = inside.run("doctor", **other)
    assert (end.code, end.errors) == (0, "")
    for words in (
        "warn  settings notifier: nothing of it is set here (SLACK_BOT_TOKEN is missing;",
        "warn  generation: no service has used this Redis yet -> start the services",
        "warn  group reasoner: not there on incidents, turns, tool-results, updates",
        "warn  kubernetes: no credentials here",
    ):
        assert " ".join(words.split()) in " ".join(end.output.split())
    assert "fail " not in end.output
    assert inside.run("doctor", "--strict", **other).code == 1
    asked = inside.run("doctor", "notifier")
    assert asked.code == 1
    assert "fail  settings notifier: SLACK_BOT_TOKEN is missing" in asked.output
    assert "ingest" not in asked.output


def test_redis_away_is_a_failure_among_the_others(tmp_path: Path) -> None:
    away = {"REDIS_URL": "redis://127.0.0.1:9/0", "COLUMNS": "80"}
    end = run("doctor", "reasoner", folder=tmp_path, **away)
    assert (end.code, end.errors) == (1, "")
    assert end.output.startswith("fail  redis: Redis at redis://127.0.0.1:9/0 cannot be used")
    assert "-> start it, or set REDIS_URL" in end.output
    assert "ok    settings reasoner" in end.output


def test_unknown_service_is_a_wrong_argument(tmp_path: Path) -> None:
    end = run("doctor", "reasoners", folder=tmp_path)
    assert end.code == 2
    assert "is not one of ingest, reasoner, toolrunner, notifier" in " ".join(end.errors.split())
