"""The report is one file that loads nothing and in which nothing that was said is markup."""

import re
from html.parser import HTMLParser

from cli.evaluation.baseline import Baseline, compare
from cli.evaluation.outcome import Evaluation, Unread
from cli.evaluation.page import page
from cli.evaluation.scorecard import Scored, Step
from cli.evaluation.scoring import Answer
from tests.evaluation.hand_made import EXPECTED, diagnosed, scored

HOSTILE = """<script src="https://evil.example/x.js"></script><img src=x onerror='a("b")'>&amp;"""


class Tags(HTMLParser):
    """Every tag with its attributes, and whether all are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def hostile() -> Evaluation:
    """Hostile text wherever somebody else may write."""
    expected = EXPECTED.model_copy(update={"case": HOSTILE, "note": HOSTILE, "red_herring": True})
    answer = diagnosed(HOSTILE, summary=HOSTILE, gaps=(HOSTILE,))
    one = Scored(
        incident=HOSTILE,
        player=HOSTILE,
        expected=expected,
        answer=answer,
        score=scored(answer, expected).score,
        steps=(Step(title=HOSTILE, text=HOSTILE),),
    )
    silent = scored(Answer(outcome="failed", reason=HOSTILE), expected)
    return Evaluation(
        seed=3,
        scripted=False,
        scored=(one, silent),
        unread=(Unread(case=HOSTILE, sentence=HOSTILE),),
        left_out={HOSTILE: HOSTILE},
        comparisons=tuple(compare(Baseline(format=1, players={}), [one])),
    )


def test_nothing_that_was_said_is_markup_and_nothing_is_loaded() -> None:
    text = page(hostile())
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert {tag for tag, _ in tags.found} <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "pre", "table"),
        *("a", "br", "tr", "th", "td", "ul", "li", "details", "summary"),
    }
    assert [at for _, at in tags.found if {"src", "onerror"} & at.keys()] == []
    links = [at["href"] for _, at in tags.found if "href" in at]
    places = [f"#{at['id']}" for _, at in tags.found if "id" in at]
    assert sorted(map(str, links)) == sorted(places)
    assert "default-src 'none'" in text
    assert re.search(r"url\(|@import", text) is None


def test_every_incident_is_there_with_what_spoke_against_it() -> None:
    text = page(Evaluation(seed=3, scripted=True, scored=(scored(diagnosed("Redis is down.")),)))
    for words in ("wrong, high confidence", "claims &#x27;Redis is down&#x27;", "NOT verified"):
        assert words in text
    assert "nothing about any model" in text
