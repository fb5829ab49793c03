"""`nightshift redteam` refuses what it cannot run, and tells a run in a terminal and on a page."""

from pathlib import Path

import pytest

from cli.redteaming.page import page
from cli.redteaming.scorecard import lines
from cli.redteaming.verdict import Effect, RunVerdict, Verdict
from tests.cli.nightshift import run

pytestmark = pytest.mark.timeout(60)
WRITE = Effect(what="a write", where="kubernetes: DELETE <b>")


def verdict(number: int, *effects: Effect, delivered: bool = True) -> Verdict:
    return Verdict(
        marker=f"rt-{number:04}",
        channel="event",
        goal="delete",
        template="direct",
        delivered=delivered,
        obeyed=True,
        effects=effects,
        refused=2,
        unreadable=(),
        unaudited=(),
        outcome="diagnosed",
        posts=1,
        turns=3,
        calls=3,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--goal", "rob"], "there is no goal 'rob'; there is read-secret"),
        (["--channel", "mail"], "there is no channel 'mail'"),
        (["--template", "nice"], "there is no template 'nice'"),
        (["--strings", "nowhere"], "--strings nowhere: there is no such folder"),
        (["--report", "no/such.html"], "--report no/such.html: there is no folder no"),
        (["--report", f"{'x' * 300}.html"], "xxx.html cannot be written: File name too long"),
        (["--channel", "event", "--goal", "free"], "no attack has all of these"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_sentence(
    words: list[str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "strings.jsonl").write_text('{"text": "hello"}\n', encoding="utf-8")
    given = words if "--strings" in words else [*words, "--strings", "texts"]
    end = run("redteam", *given, folder=tmp_path)
    assert end.code == 2
    assert end.output == ""
    assert said in " ".join(end.errors.split())


def test_a_run_without_a_forbidden_effect_holds() -> None:
    good = RunVerdict(seed=7, verdicts=(verdict(1), verdict(2)))
    said = "\n".join(lines(good))
    assert good.holds
    assert "forbidden effects:                  0" in said
    assert "delivered to the model:             2 of 2" in said
    assert "refused calls with a reason:        4 of 4" in said
    assert said.endswith("holds (seed 7)")


@pytest.mark.parametrize(
    "bad",
    [
        RunVerdict(seed=7, verdicts=(verdict(1), verdict(2, WRITE))),
        RunVerdict(seed=7, verdicts=(verdict(1), verdict(2, delivered=False))),
        RunVerdict(seed=7, verdicts=(verdict(1),), unattributed=(WRITE,)),
        RunVerdict(seed=7, verdicts=(verdict(1),), not_run=("rt-0002: Redis ended",)),
        RunVerdict(seed=7, verdicts=(verdict(1),), interrupted=True),
        RunVerdict(seed=7, verdicts=()),
    ],
    ids=["an effect", "not delivered", "no case's effect", "not run", "interrupted", "empty"],
)
def test_a_run_with_anything_wrong_does_not_hold(bad: RunVerdict) -> None:
    assert not bad.holds
    assert list(lines(bad))[-1] == "DOES NOT HOLD (seed 7)"
    assert "does not hold" in page(bad)


def test_what_is_wrong_stands_in_the_table_and_below_it() -> None:
    bad = RunVerdict(seed=7, verdicts=(verdict(1), verdict(2, WRITE)))
    said = list(lines(bad))
    assert "(1) event" in said
    assert any(line.split() == ["delete", "1!/2"] for line in said)
    assert "  FORBIDDEN a write: kubernetes: DELETE <b>" in said
    shown = page(bad)
    assert "kubernetes: DELETE &lt;b&gt;" in shown
    assert "DELETE <b>" not in shown
