"""`nightshift show`: what the model saw, why a quote was refused, where the money went."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len

from bus.events import Diagnosis, Evidence, IncidentOpened, ToolCallId
from bus.record import fields_of, new_record
from bus.tracing import root_of
from tests.bus.incidents import OPENED_AT
from tests.cli.inside.conftest import INVENTED, LINES, NEAREST, REAL, Inside
from tests.cli.nightshift import start
from tests.cli.test_written import to_a_full_disk
from tests.loop.desk import PREFIX

pytestmark = [pytest.mark.xdist_group("inside"), pytest.mark.timeout(120)]


def part(output: str, title: str) -> str:
    """What stands under a title, up to the next one."""
    found = re.search(rf"^{title}.*?(?=^[A-Z]{{4}}|\Z)", output, re.MULTILINE | re.DOTALL)
    assert found, f"no {title} in {output}"
    return found[0]


def test_newcomer_finds_why_a_quote_was_refused(inside: Inside) -> None:
    evidence = part(inside.show(), "EVIDENCE")
    verified, refused = evidence.split("REFUSED")
    assert "verified  2-1 kubernetes__get_logs, line 27" in verified
    assert REAL in verified
    assert INVENTED in refused
    why, sent_back, _ = refused[refused.index("why:") :].partition("turn 4: a diagnosis was sent")
    assert "not found byte for byte; the nearest line is" in why
    assert NEAREST in why
    assert sent_back


def test_newcomer_finds_what_the_model_saw_at_turn_3(inside: Inside) -> None:
    output = inside.show("--turn", "3")
    before = part(output, "TURN 3: WHAT THE MODEL HAD READ BEFORE")
    assert "turn 1: " in before
    assert "then it called 2-1 kubernetes__get_logs, 2-2 kubernetes__delete_pod" in " ".join(
        before.split()
    )
    saw, _, said = part(output, r"TURN 3  ").partition("the model said:")
    assert "result of 2-1 kubernetes__get_logs:" in saw
    assert f"│ {NEAREST}" in saw
    assert f"│ {LINES}| " in saw
    assert "result of 2-2 kubernetes__delete_pod, an error:" in saw
    assert "called 3-1 kubernetes__get_logs: deny, refused" in said


def test_newcomer_finds_where_the_money_went(inside: Inside) -> None:
    cost = part(inside.show(), "COST")
    assert re.search(r"^ +2 +200,000 +0 +0 +900 +\$0\.4090 +97%", cost, re.MULTILINE)
    assert re.search(r"^ +all +204,000 .*\$0\.4210", cost, re.MULTILINE)
    assert "turn 2 cost most" in cost


def test_decisions_name_the_rule_and_the_timeline_is_in_order(inside: Inside) -> None:
    decisions = " ".join(part(inside.show(), "DECISIONS").split())
    assert "1-1 kubernetes__list_pods: allow, executed (The namespaces in " in decisions
    assert "3-1 kubernetes__get_logs: deny, refused (the arguments do not fit" in decisions
    assert "2-2 kubernetes__delete_pod: deny, refused (there is no tool" in decisions
    timeline = part(inside.show(), "TIMELINE")
    seconds = [float(found) for found in re.findall(r"^ +\+(\d+\.\d\d)  ", timeline, re.MULTILINE)]
    assert len(seconds) > 10
    assert seconds == sorted(seconds)
    assert "opened by manual" in timeline
    assert "(stop signal)" in timeline


def test_both_results_of_a_call_are_there_and_whole_prints_all_of_it(inside: Inside) -> None:
    first = inside.show("--turn", "2")
    assert "result of 2-1 kubernetes__get_logs, condensed, as the model is given it:" in first
    size = re.search(r"result of 2-1 kubernetes__get_logs, whole: 300 lines, ([\d,]+) bytes", first)
    assert size
    assert f"({LINES - 20} more lines: --whole)" in first
    whole = inside.show("--turn", "2", "--whole")
    stored = whole[whole.index(", whole: 300 lines") : whole.index("result of 2-2")]
    rows = [line for line in stored.splitlines() if line.strip().startswith("│")]
    assert len(rows) == LINES
    assert "│ System.Exception: Loafers" in stored


def test_json_holds_it_all_and_the_whole_results_when_asked(inside: Inside) -> None:
    story = json.loads(inside.show("--json"))
    assert [turn["turn"] for turn in story["turns"]] == [1, 2, 3, 4, 5]
    assert [turn["cost"]["cost_usd"] for turn in story["turns"]] == pytest.approx(
        [0.003, 0.409, 0.003, 0.003, 0.003]
    )
    assert story["spend"]["cost_usd"] == pytest.approx(0.421)
    good, bad = story["diagnosis"]["evidence"]
    assert (good["verified"], good["problem"]) == (True, "")
    assert NEAREST in bad["problem"]
    assert "nonce" not in story
    logs = story["turns"][1]["calls"][0]
    assert (logs["whole_lines"], logs["whole"]) == (LINES, None)
    (turn,) = json.loads(inside.show("--json", "--turn", "2", "--whole"))["turns"]
    assert turn["calls"][0]["whole"].count("\n") == LINES - 1


def test_lines_fit_80_columns_and_nothing_steers_the_terminal(inside: Inside) -> None:
    outputs = [inside.show(), inside.show("--turn", "1"), inside.show("--turn", "2", "--whole")]
    for output in outputs:
        assert [line for line in output.splitlines() if cell_len(line) > 80] == []
        assert [c for c in output if not c.isprintable() and c != "\n"] == []
    assert r"I clear your \x1b[2Jscreen, turn \u202eit round and hide\u200b nothing." in outputs[1]


def test_open_incident_is_found_by_the_beginning_of_its_id(inside: Inside) -> None:
    end = inside.run("show", "open-o")
    assert (end.code, end.errors) == (0, "")
    assert end.output.startswith("open-one  frontend\n│ slow\nthinking for ")
    assert "for the call under way" in " ".join(end.output.split())
    assert "turn 1 goes on" in end.output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody"], 3, "there is no incident 'nobody'; `nightshift watch --once --all` lists"),
        (["open-"], 4, "2 incidents begin with open-: open-one, open-two"),
        (["open-one", "--turn", "1"], 3, "open-one has no turn 1: it has none yet; that turn goes"),
        (["broken"], 5, "broken cannot be read by this release: "),
    ],
)
def test_wrong_question_has_a_sentence_and_a_code(
    arguments: list[str], code: int, *, words: str, inside: Inside
) -> None:
    inside.desk.redis.hset(f"{PREFIX}broken:record", mapping={"turn": "many"})
    end = inside.run("show", *arguments)
    inside.desk.redis.delete(f"{PREFIX}broken:record")
    assert (end.code, end.output) == (code, "")
    (sentence,) = end.errors.splitlines()
    assert sentence.startswith(f"nightshift show: {words}")


def test_redis_that_is_away_is_said_in_one_sentence(tmp_path: Path) -> None:
    for url, words in (
        ("redis://127.0.0.1:9/0", "cannot be used"),
        ("x", "REDIS_URL must look like"),
    ):
        process = start("show", "inc", folder=tmp_path, REDIS_URL=url)
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, output, len(errors.splitlines())) == (1, "", 1)
        assert words in errors


def test_reader_that_leaves_ends_it_in_silence(inside: Inside) -> None:
    url = inside.desk.stack.redis_url
    process = start("show", inside.ended, "--whole", folder=inside.folder, REDIS_URL=url)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(inside.ended)
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(30) == 141


def test_record_of_an_older_release_says_what_it_did_not_note(inside: Inside) -> None:
    incident = IncidentOpened(incident_id="old-one", service="cart\nEVIDENCE", summary="HTTP 500")
    quote = Evidence(tool_call_id=ToolCallId("1-1"), quote="made up", verified=False)
    record = new_record(
        incident, opened_at=OPENED_AT, lasts=timedelta(minutes=5), root=root_of("old-one")
    )
    said = Diagnosis(verdict="fault", summary="a\nCOST\nb", evidence=(quote,))
    record = record.changed(state="ended", outcome="diagnosed", diagnosis=said, nonce="n")
    redis = inside.desk.redis
    redis.hset(f"{PREFIX}old-one:record", mapping=dict(fields_of(record).items()))
    redis.rpush(f"{PREFIX}old-one:transcript", '{"role":"user","content":"what is wrong?"}')
    end = inside.run("show", "old-one")
    redis.delete(f"{PREFIX}old-one:record", f"{PREFIX}old-one:transcript")
    assert (end.code, end.errors) == (0, "")
    assert "not recorded (by an older release)" in end.output
    assert "not noted" in part(end.output, "COST")
    titles = re.findall(r"^[A-Z]+\b", end.output, re.MULTILINE)
    assert [titles.count(title) for title in ("EVIDENCE", "COST")] == [1, 1]
    assert "│ what is wrong?" in end.output


def test_full_disk_is_said_in_one_sentence_and_redis_is_not_blamed(inside: Inside) -> None:
    variables = {"REDIS_URL": inside.desk.stack.redis_url}
    for words in (f"show {inside.ended}", f"show {inside.ended} --json", "watch --follow"):
        code, errors = to_a_full_disk(words, folder=inside.folder, **variables)
        sentence = "nightshift: the output could not be written: No space left on device\n"
        assert (code, errors) == (1, sentence)
