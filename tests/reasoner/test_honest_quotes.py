"""Every honest quote passes: whatever the model is shown under a number may be quoted, exactly.

The view is the toolrunner's own, of logs, sources, JSON and pages, cleaned and redacted as they
are stored.
"""

import json
import random

import pytest

from bus.cleaning import clean
from services.reasoner.quotes import LEAST_QUOTED, MOST_QUOTED, first_line
from services.reasoner.sources import numbered_lines
from services.toolrunner.condense import condensed
from services.toolrunner.result_pages import PageRequest, page
from tests.lane import Figures, Lane

SPOKEN = (
    "GET /cart;error:;at Store.Add();été;e\u0301;12| 7;~ 9 times;\u202e;\0;{;};\t;…;\U0001d520art;"
    "日本;NaN;<result 1-1 abc>;-----;info;ERROR;took 3 ms;9f31ac07d2;\x1b[31m;10:00:01;  ;\u2028"
)
WORDS = SPOKEN.split(";")
LOGS = "kubernetes__get_logs"
SECRETS = ("password=", "api_key: ", "Authorization: Bearer ", "token=")


def line(draw: random.Random) -> str:
    """A line of a log as bad as they come; one in six holds what is redacted."""
    if draw.random() < 1 / 6:
        value = f"Kq{draw.getrandbits(48):x}Zt9wLm"
        return f"WARN retrying with {draw.choice(SECRETS)}{value} for user {draw.randrange(99)}"
    text = " ".join(draw.choice(WORDS) for _ in range(draw.randrange(9)))
    return text + " far" * draw.randrange(100, 700) + " err" if draw.random() < 0.05 else text


def text_of(draw: random.Random, times: int) -> str:
    """A few lines again and again, some with a number, as they are or as JSON."""
    few = [line(draw) for _ in range(draw.randrange(5, 12))]
    rows = [f"{text} {n}" if n % 3 else text for n in range(times) for text in few]
    if draw.random() < 0.3:
        return json.dumps([{"n": n, "line": row} for n, row in enumerate(rows)])
    return "\n".join(rows)


@pytest.mark.timeout(600)
def test_every_numbered_line_may_be_quoted_as_it_is_shown(lane: Lane, figures: Figures) -> None:
    draw = lane.random("honest quotes")
    quoted, redacted, condensed_views = 0, 0, 0
    for case in range(lane.pick(8, 600)):
        tool = draw.choice([LOGS, "github__get_file_contents"])
        tool, times = (LOGS, 60) if case % 2 else (tool, draw.randint(1, 3))
        view = condensed(tool, clean(text_of(draw, times)), cap=32_000)
        condensed_views += view.shown[0].startswith("~ ")
        wanted = PageRequest("1-1", lines=f"{draw.randint(1, view.lines)}-")
        paged = page(view.whole, wanted, cap=4_000, compiled=lambda _: lambda _: 0)
        lines = view.whole.split("\n")
        seen = [*numbered_lines("\n".join(view.shown)).items(), *numbered_lines(paged).items()]
        for number, shown in draw.sample(seen, min(len(seen), 40)):
            for quote in honest(shown, draw):
                found = first_line(quote, view.whole)
                assert found is not None, (number, quote)
                assert quote in lines[found - 1]
                quoted += 1
                redacted += "[secret:" in quote
    figures.add("issue 6, evidence", "honest quotes, all of which passed", quoted)
    figures.add("issue 6, evidence", "honest quotes with the tag of a redacted secret", redacted)
    assert min(quoted, redacted, condensed_views) > 0


def honest(shown: str, draw: random.Random) -> list[str]:
    """The line, its text without blanks around it, and a part of it; none where it is blank."""
    start = draw.randrange(max(1, len(shown) - LEAST_QUOTED))
    part = shown[start : start + draw.randint(LEAST_QUOTED, MOST_QUOTED)]
    whole = [shown, shown.strip()] if len(shown) <= MOST_QUOTED else [shown[:MOST_QUOTED]]
    parts = [part] if len(part.strip()) >= LEAST_QUOTED else []
    return [quote for quote in whole if quote.strip()] + parts


def test_neighbouring_lines_may_be_quoted_together() -> None:
    whole = clean("\n".join(["start", "a fire", "", "}", "end"]))
    assert first_line("a fire\n\n}", whole) == 2
    assert first_line("a fire\n\n} ", whole) is None
    assert first_line("fire\n\n}", whole) is None
