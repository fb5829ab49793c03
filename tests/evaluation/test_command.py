"""`nightshift eval` as it is used: real processes, several incidents at once, a scorecard."""

import asyncio
import json
import shutil
import signal
from pathlib import Path

import pytest

from simulator.model import build_model
from simulator.model.conversation import Conversation
from simulator.model.script import Reply, submission
from simulator.redis_server import free_port
from simulator.request_log import RequestLog
from simulator.serving import served
from tests.cli.nightshift import NIGHTSHIFT, Up, environment, run, start
from tests.evaluation.test_case_folders import CASE, OWN

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("evaluation")]
MODEL = "claude-haiku-5-5"
KEYLESS = "none"
"""What is sent to a server of one's own that wants no key."""


def test_three_scripted_models_rank_and_a_broken_case_stops_nobody(
    tmp_path: Path,
) -> None:
    shutil.copytree(OWN, tmp_path / "cases")
    (tmp_path / "cases" / "own-loud-retries" / "expected.json").write_text("{", encoding="utf-8")
    words = ["--cases", "cases", "--only", "own-*", "--at-once", "6"]
    process = start("eval", *words, "--seed", "7", "--report", "report.html", folder=tmp_path)
    output, errors = process.communicate(timeout=200)
    assert process.returncode == 3, output + errors
    assert "seed 7" in output
    assert "This proves the plumbing only" in output
    assert "9/9 " in output
    assert "order: right (+3), lazy (+0), confidently wrong (-6)" in output
    assert "evidence verified          6 of 6 quotes" in output
    assert output.count("as before over 3 cases") == 3
    assert "own-loud-retries/expected.json: is not JSON" in " ".join(output.split())
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert report.count("<details class=") == 9
    assert "read_evidence" in report


def wrong(conversation: Conversation) -> Reply:
    """A model that looks at one thing and blames another."""
    told = {"verdict": "fault", "summary": "It is DNS.", "root_cause": "DNS.", "component": "dns"}
    rest: dict[str, object] = {"evidence": [], "ruled_out": [], "gaps": [], "confidence": "low"}
    return submission(rest | dict(told), conversation)


async def test_whatever_answers_at_the_address_is_graded_until_the_budget_is_spent(
    tmp_path: Path,
) -> None:
    before = {"format": 1, "players": {MODEL: {CASE: ["right"]}}}
    (tmp_path / "before.json").write_text(json.dumps(before), encoding="utf-8")
    words = ["eval", "--cases", str(OWN), "--only", CASE, "--no-scenarios", "--model", MODEL]
    words += ["--repeat", "3", "--at-once", "1", "--budget", "0.0001", "--json"]
    words += ["--baseline", "before.json", "--save-baseline", "now.json"]
    app = build_model(wrong, RequestLog(tmp_path / "log.jsonl"), api_key=KEYLESS)
    async with served(app) as address:
        process = await asyncio.create_subprocess_exec(
            str(NIGHTSHIFT),
            *words,
            cwd=tmp_path,
            env=environment(TMPDIR=str(tmp_path), ANTHROPIC_BASE_URL=address),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await asyncio.wait_for(process.communicate(), 200)
    assert process.returncode == 1, errors.decode()
    found = json.loads(output)
    assert found["scripted"] is False
    assert found["order"] == [MODEL]
    (incident,) = found["incidents"]
    # It quotes nothing, so nothing shows its cause: that is no diagnosis.
    assert (incident["score"]["grade"], incident["score"]["false_confidence"]) == (
        "inconclusive",
        False,
    )
    assert MODEL in incident["answer"]["diagnosis"]["model"]
    assert incident["answer"]["cost_usd"] > 0.0001
    assert list(found["left_out"].values()) == ["the budget of $0.00 is reached"]
    assert "2 not run: the budget" in errors.decode()
    (change,) = found["baseline"][0]["changes"]
    assert (change["case"], change["now"]) == (CASE, ["inconclusive"])
    now = json.loads((tmp_path / "now.json").read_text(encoding="utf-8"))
    assert now["players"] == {MODEL: {CASE: ["inconclusive"]}}


def test_scenario_is_graded_and_ctrl_c_ends_cleanly_with_what_had_ended(tmp_path: Path) -> None:
    words = ["--only", "cart-loafers", "--repeat", "50", "--at-once", "1"]
    begun = Up(start("eval", *words, "--report", "report.html", folder=tmp_path))
    begun.read_until("3/150 cart-loafers")
    for told in ("right: right", "confidently wrong: wrong, high confidence", "lazy: inconc"):
        assert f"cart-loafers, {told}" in begun.output
    end = begun.end(signal.SIGINT)
    assert end.code == 130, end.output + end.errors
    assert "interrupted; this is what had ended by then" in end.output
    assert "evidence verified" in end.output
    assert "Traceback" not in end.errors
    assert begun.parts
    assert begun.left() == {}
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Interrupted" in report
    assert "RedisCartStore.AddItemAsync" in report


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model", "m"], "--model needs ANTHROPIC_API_KEY or ANTHROPIC_BASE_URL"),
        (["--cases", "nowhere"], "--cases nowhere: there is no such folder"),
        (["--no-scenarios"], "there is no case to run"),
        (["--baseline", "nothing.json"], "--baseline nothing.json: cannot be read"),
        (["--report", "no/folder.html"], "there is no folder no"),
        (["--budget", "nan"], "nan is no sum from 0 to 1,000,000 dollars"),
        (["--budget", "inf"], "inf is no sum from 0 to 1,000,000 dollars"),
        (["--budget", "-1"], "-1.0 is no sum from 0 to 1,000,000 dollars"),
    ],
)
def test_wrong_usage_exits_two_with_a_sentence(
    words: list[str], sentence: str, tmp_path: Path
) -> None:
    end = run("eval", *words, folder=tmp_path)
    assert end.code == 2
    assert sentence in end.errors
    assert "Traceback" not in end.errors


def test_address_at_which_nobody_listens_is_refused_at_once(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://someone:{KEYLESS}@127.0.0.1:{port}"
    end = run("eval", folder=tmp_path, ANTHROPIC_BASE_URL=address)
    assert end.code == 2
    assert f"the model API at 127.0.0.1:{port} cannot be reached" in end.errors


@pytest.mark.parametrize("address", ["http://[::1", "http://127.0.0.1:many", "nonsense"])
def test_address_that_is_none_is_refused_in_a_sentence(address: str, tmp_path: Path) -> None:
    end = run("eval", folder=tmp_path, ANTHROPIC_BASE_URL=address)
    assert (end.code, len(end.errors.splitlines())) == (2, 1)
    assert end.errors.startswith("nightshift eval: ")
