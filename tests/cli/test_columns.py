"""Text of ours fits the columns, keeps its lines, and loses nothing but spaces where it wraps."""

import pytest

from cli.columns import rule, width, wrapped

LONG = "cannot be used: a case: /a/folder/" + "x" * 300 + ": is not JSON, " + "word " * 40


@pytest.fixture(params=["40", "80", "200"])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How wide the terminal says it is."""
    monkeypatch.setenv("COLUMNS", request.param)
    return int(request.param)


def test_long_words_go_on_in_the_next_line_and_nothing_is_lost(columns: int) -> None:
    lines = wrapped(LONG, indent=2, hang=4).split("\n")
    assert width() == columns
    assert max(len(line) for line in lines) <= columns
    assert {line[:6].strip() for line in lines[1:]} == {""}
    assert "".join("".join(lines).split()) == "".join(LONG.split())


def test_lines_stay_lines_and_keep_their_own_indent(columns: int) -> None:
    assert wrapped("one\n\n    two\n") == "one\n\n    two\n"
    text = "    " + "word " * 60
    assert {len(line) - len(line.lstrip()) for line in wrapped(text).split("\n")} == {4}
    assert {len(line) <= columns for line in wrapped(text).split("\n")} == {True}


def test_rule_goes_across_the_page_and_holds_its_title(columns: int) -> None:
    assert len(rule()) == len(rule("Slack")) == columns
    assert "Slack" in rule("Slack")


def test_words_before_the_first_line_are_not_repeated() -> None:
    assert wrapped("a\nb", hang=4, before="1 s ") == "1 s a\nb"
