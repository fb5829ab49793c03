"""docs/cli.md names every command, and the fields of all JSON that commands print."""

import re

import pytest
from pydantic import BaseModel
from typer.core import TyperGroup
from typer.main import get_command

from cli.doctor.finding import Finding
from cli.inside.rows import Row
from cli.inside.story import CallSeen, Story, TurnSeen
from cli.judgements import Judgement
from cli.main import app
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "cli.md")


def test_every_command_has_a_row() -> None:
    rows = set(re.findall(r"`nightshift ([a-z-]+)`", PAGE.text))
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    assert set(command.commands) - rows == set()


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("A line of `watch`:", Row),
        ("A line of `doctor`:", Finding),
        ("A line of `feedback`,", Judgement),
        ("The object of `show`:", Story),
        ("| field of a turn |", TurnSeen),
        ("| field of a call |", CallSeen),
    ],
)
def test_every_field_of_its_json_is_documented(title: str, kind: type[BaseModel]) -> None:
    table = PAGE.text[PAGE.text.index(title) :].partition("| field")[2].partition("\n\n")[0]
    first_cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(first_cells))) == set(kind.model_fields)
