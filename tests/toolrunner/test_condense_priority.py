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


def java(name: str, frames: int, cause: str) -> list[str]:
    """A trace with its cause in the middle."""
    call = [f"\tat com.shop.{name}.step{n}(Shop.java:{n})" for n in range(frames)]
    return [
        f"{clock(7)} ERROR 1 --- [exec-{frames}] c.s.{name} : serving {name} failed",
        f"com.shop.StoreException: {name} is away",
        *call,
        f"Caused by: java.sql.SQLException: {cause}",
        *[line.replace("shop", "pool") for line in call],
    ]


def test_the_cause_in_the_middle_of_a_long_trace_is_shown() -> None:
    trace = java("Cart", 60, "REAL-CAUSE, the pool is empty")
    assert len(trace) == 123
    found, _ = shown([*info(300), *trace, *info(20)])
    assert found[301 + 62] == "Caused by: java.sql.SQLException: REAL-CAUSE, the pool is empty"
    assert found[301] == trace[0]
    assert found[301 + 122] == trace[-1]


def test_long_traces_that_differ_in_the_cause_in_their_middle_are_of_two_kinds() -> None:
    causes = ("the pool is empty", "the disk is full")
    lines = [line for cause in causes for line in [*java("Cart", 60, cause), *info(200)]]
    found, _ = shown(lines)
    for cause in causes:
        assert f"Caused by: java.sql.SQLException: {cause}" in found.values()


@pytest.mark.parametrize(("traces", "frames"), [(8, 20), (50, 7)])
def test_each_trace_that_is_shown_has_its_cause_and_detail_drops_only_as_far_as_it_must(
    traces: int, frames: int
) -> None:
    causes = {name: f"REAL-CAUSE {name[::-1]} is empty" for name in NAMES[:traces]}
    blocks = [java(name.title(), frames, cause) for name, cause in causes.items()]
    lines = [*info(300), *(line for block in blocks for line in block), *info(300)]
    found, length = shown(lines)
    for block in blocks:
        assert block[0] in found.values()
        assert block[frames + 2] in found.values()
    assert 9_000 < length <= VIEW_CHARACTERS


@pytest.mark.parametrize(
    "between",
    [
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
    ],
)
def test_the_first_of_two_chained_python_exceptions_is_shown_of_each_of_many(between: str) -> None:
    frames = [f'  File "/app/step.py", line {n}, in step\n    go()' for n in range(9)]
    blocks = [
        "\n".join(
            [
                "Traceback (most recent call last):",
                *frames,
                f"{name.title()}Error: REAL-CAUSE",
                f"\n{between}\n",
                "Traceback (most recent call last):",
                *frames,
                f"shop.errors.StoreAway: {name[::-1]} is away",
            ]
        )
        for name in NAMES[:40]
    ]
    lines = "\n".join([*info(300), *blocks, *info(300)]).split("\n")
    found, length = shown(lines)
    assert sum("REAL-CAUSE" in text for text in found.values()) == 40
    assert sum("is away" in text for text in found.values()) == 40
    assert length <= VIEW_CHARACTERS
