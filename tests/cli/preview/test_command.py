"""What the command prints, writes and exits with."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.preview.command import REFUSED, UNREADABLE
from cli.preview.samples import SAMPLES
from tests.cli.preview.hostile import payload

TOO_LONG = {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]}


def ran(*arguments: str | Path, given: str = "") -> tuple[int, str, str]:
    end = CliRunner().invoke(app, ["preview", *map(str, arguments)], input=given)
    return end.exit_code, end.stdout, end.stderr


def file(folder: Path, value: object) -> Path:
    path = folder / "card.json"
    path.write_text(json.dumps(value))
    return path


def test_card_is_printed_with_what_slack_says_to_it() -> None:
    code, said, errors = ran("--sample", "timed_out")
    assert (code, errors) == (0, "")
    assert "Timed out: There was no diagnosis within 5 min 0 s." in said
    assert "sample timed_out: Slack would take it, " in said


def test_record_on_standard_input_is_read() -> None:
    code, said, _ = ran("-", given=SAMPLES["failed"].record.model_dump_json())
    assert code == 0
    assert "inc-c36b812" in said


def test_page_holds_every_card_when_all_are_asked_for(tmp_path: Path) -> None:
    code, said, _ = ran("--sample", "all", "--html", tmp_path / "all.html")
    assert code == 0
    text = (tmp_path / "all.html").read_text()
    assert text.count("<article>") == len(SAMPLES)
    assert said.count("Slack would take it") == len(SAMPLES)


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        (TOO_LONG, "invalid_blocks: must be less than 151 characters"),
        ({"blocks": [{"type": "video"}]}, "invalid_blocks: unsupported type: video"),
        ({"blocks": [], "text": ""}, "no_text: chat.postMessage"),
        ({"text": "x" * 5000}, "msg_too_long: chat.update"),
        ({"text": "half \ud83d"}, "invalid_arguments: must be valid unicode [json-pointer:/text]"),
    ],
)
def test_what_slack_would_refuse_is_shown_all_the_same_and_exits_otherwise(
    value: object, finding: str, tmp_path: Path
) -> None:
    code, said, errors = ran(file(tmp_path, value))
    assert code == REFUSED
    assert said.startswith("── a Slack payload")
    assert finding in " ".join(errors.split())
    assert ran(file(tmp_path, value), "--html", tmp_path / "o.html")[0] == REFUSED
    assert "Slack would refuse this:" in (tmp_path / "o.html").read_text()


def test_hostile_payload_is_shown_and_nothing_of_it_reaches_the_terminal(tmp_path: Path) -> None:
    code, said, errors = ran(file(tmp_path, payload("\x1b]0;owned\x07\u202e\ud800")))
    assert code == REFUSED
    assert [sign for sign in "\x1b\x07\u202e" if sign in said + errors] == []
    assert "unsupported type: " in errors


@pytest.mark.parametrize(
    "arguments", [(), ("x.json", "--sample", "live"), ("--sample", "nobody")], ids=str
)
def test_wrong_arguments_exit_with_two(arguments: tuple[str, ...]) -> None:
    assert ran(*arguments)[0] == 2


def test_file_that_is_no_card_ends_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("hello")
    for name in ("no.json", "missing.json", "."):
        code, said, errors = ran(tmp_path / name)
        assert (code, said) == (UNREADABLE, "")
        assert errors.startswith("nightshift preview: ")
        assert errors.count("\n") == 1


def test_page_that_cannot_be_written_exits_with_one(tmp_path: Path) -> None:
    code, _, errors = ran("--sample", "live", "--html", tmp_path / "no" / "out.html")
    assert code == 1
    assert "cannot be written: No such file or directory" in errors


def test_help_says_what_is_accepted() -> None:
    code, said, _ = ran("--help")
    assert code == 0
    for words in (*SAMPLES, "chat.postMessage", "DiagnosisReached", "HGETALL", "--html", "exits 0"):
        assert words.lower() in " ".join(said.lower().replace("│", " ").split())
