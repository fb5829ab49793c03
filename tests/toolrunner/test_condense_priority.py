"""When not all fits: the severest and the oddest stay, and the cause of each trace that is shown.

Each of these was lost once: a panic among a hundred kinds of error, the `Caused by:` in the middle
of a trace, a 500 that only its place in the line tells, the one pod that was not ready.
"""

import pytest

from services.toolrunner.condense import VIEW_CHARACTERS, condensed
from tests.toolrunner.error_lines import quotable

CAP = 32_000
LOGS = "kubernetes__get_logs"
NAMES = [f"{a}{b}{c}" for a in "bdfghjklm" for b in "aeiou" for c in "nprst"]


def clock(second: int) -> str:
    return f"2026-03-01T10:{second // 60 % 60:02d}:{second % 60:02d}Z"


def info(count: int) -> list[str]:
    return [f"{clock(n)} INFO [frontend] served /product/{n} in {n % 90}ms" for n in range(count)]


def upstream(count: int) -> list[str]:
    names = NAMES[:count]
    return [
        f"{clock(n)} ERROR [frontend] calling upstream {name} failed with {name[::-1]}"
        for n, name in enumerate(names)
    ]


def shown(lines: list[str], tool: str = LOGS) -> tuple[dict[int, str], int]:
    view = condensed(tool, "\n".join(lines), cap=CAP)
    assert all(text in lines[number - 1] for number, text in quotable(view.shown))
    return dict(quotable(view.shown)), len("\n".join(view.shown))


@pytest.mark.parametrize("kinds", [80, 100, 144, 225])
@pytest.mark.parametrize("word", ["panic: nil pointer", "nil pointer"])
def test_the_odd_error_stays_however_many_kinds_there_are_and_the_room_is_used(
    kinds: int, word: str
) -> None:
    odd = f"{clock(5)} ERROR [frontend] calling init: {word} in root-cause"
    lines = [*info(432), *upstream(kinds)]
    lines.insert(432 + kinds // 2, odd)
    found, length = shown(lines)
    assert odd in found.values()
    told = sum("calling upstream" in text for text in found.values())
    assert told >= min(kinds, 90)
    assert length <= VIEW_CHARACTERS
    view = condensed(LOGS, "\n".join(lines), cap=CAP).shown
    left = [line for line in view if " more in lines " in line]
    assert [line.split(" more")[0] for line in left] == (
        [f"~ and {kinds - told} kinds"] if told < kinds else []
    )


def test_the_severest_is_shown_first_when_room_is_short() -> None:
    fatal = [f"{clock(n)} FATAL {name} {name[::-1]} is gone" for n, name in enumerate(NAMES[:5])]
    lines = [*info(300), *upstream(225), *fatal, *upstream(225)]
    view = condensed(LOGS, "\n".join(lines), cap=3_000)
    assert set(fatal) <= {text for _, text in quotable(view.shown)}
    assert len("\n".join(view.shown)) <= 3_000
