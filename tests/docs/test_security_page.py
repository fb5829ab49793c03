"""docs/security.md: the commands about a policy do what the page says."""

import shlex
from pathlib import Path

import pytest

from tests.cli.nightshift import run
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "security.md")
(BLOCK,) = [block for block in PAGE.blocks if "nightshift policy" in block]
WORDS = [shlex.split(line) for line in BLOCK.splitlines() if line]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", WORDS[1:], ids=lambda words: words[2])
def test_a_command_about_a_policy_ends_well(words: list[str], tmp_path: Path) -> None:
    command, *arguments = words
    assert (WORDS[0][0], command) == ("export", "nightshift")
    given = dict(each.split("=", 1) for each in WORDS[0][1:])
    paths = [str(ROOT / each) if each.endswith(".yaml") else each for each in arguments]
    ended = run(*paths, folder=tmp_path, **given)
    assert ended.code == 0, ended.output + ended.errors
