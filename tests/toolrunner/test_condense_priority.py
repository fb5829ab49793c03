"""When not all fits: the severest and the oddest stay, and the cause of each trace that is shown.

Each of these was lost once: a panic among a hundred kinds of error, the `Caused by:` in the middle
of a trace, a 500 that only its place in the line tells, the one pod that was not ready.
"""

import json

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


SERVED = {
    "gin": '[GIN] 2026/03/01 - 10:00:{s:02d} | {code} | {n}.5ms | 10.8.0.{s} | GET "/cart/{n}"',
    "morgan": "GET /cart/{n} {code} 3.{s} ms - {n}",
    "serilog": "[10:00:{s:02d} INF] HTTP GET /cart/{n} responded {code} in {n}.{s} ms",
    "arrow": "10:00:{s:02d} cart-{n} -> {code}",
    "access log": '10.8.0.14 - - [1/Mar/2026:10:00:{s:02d} +0] "GET /cart/{n} HTTP/1.1" {code} {n}',
    "status": "10:00:{s:02d} cart {n} status={code} bytes={n}",
    "returned": "10:00:{s:02d} upstream cart-{n} returned {code} after {n}ms",
}


@pytest.mark.parametrize("style", SERVED)
def test_a_status_of_5xx_is_an_error_and_one_of_4xx_stays_apart(style: str) -> None:
    lines = [SERVED[style].format(s=n % 60, n=n, code=200) for n in range(400)]
    for at, code in ((120, 500), (180, 503), (240, 404)):
        lines[at] = SERVED[style].format(s=at % 60, n=at, code=code)
    found, _ = shown(lines)
    assert {121: lines[120], 181: lines[180], 241: lines[240]}.items() <= found.items()
    view = condensed(LOGS, "\n".join(lines), cap=CAP).shown
    assert any(line.startswith("~ errors: 2 lines of ") for line in view)


def test_requests_that_failed_alike_are_of_one_kind_however_long_they_took() -> None:
    lines = [SERVED["morgan"].format(s=n % 60, n=n, code=500 + 3 * (n % 2)) for n in range(400)]
    view = condensed(LOGS, "\n".join(lines), cap=CAP).shown
    assert view[1] == "~ errors: 400 lines of 2 kinds"


@pytest.mark.parametrize(
    "line",
    [
        "10:00:00 job import-7 finished (137)",
        "10:00:00 scheduled: 0/3 replicas available",
        "10:00:00 rollout of cart: 1/3 replicas ready",
    ],
)
def test_what_an_exit_code_or_a_ratio_tells_is_no_blank(line: str) -> None:
    usual = line.replace("137", "0").replace("0/3", "3/3").replace("1/3", "3/3")
    lines = [usual.replace("10:00:00", f"10:00:{n % 60:02d}") for n in range(400)]
    lines[200] = line
    found, _ = shown(lines)
    assert found[201] == line
    assert len(found) <= 4


@pytest.mark.parametrize(
    "line",
    [
        "10:00:00 query {n} returned {code} rows",
        "10:00:00 resized {n} -> {code} bytes",
        "10:00:00 served {code} pages of shop {n}",
        "10:00:00 wrote {code} in {n}ms",
        "10:00:00 GET /cart/{n} 200 {code} ms",
        "10:00:00 port {code} opened for {n}",
    ],
)
def test_a_number_between_500_and_599_is_no_error_for_that(line: str) -> None:
    lines = [line.format(n=n, code=480 + n % 120) for n in range(500)]
    view = condensed(LOGS, "\n".join(lines), cap=CAP).shown
    assert not any(text.startswith(("~ errors", "~ warnings")) for text in view)


def table(header: str, row: str, odd: str, at: int) -> tuple[list[str], str]:
    rows = [row.format(n=n) for n in range(200)]
    rows[at] = odd.format(n=at)
    return [header, *rows], rows[at]


@pytest.mark.parametrize(
    "odd",
    [
        "shop        cart-7d4f9-{n:05d}   0/1     Running   0          4d",
        "shop        cart-7d4f9-{n:05d}   0/1     Running   9          4d",
        "shop        cart-7d4f9-{n:05d}   1/2     Running   0          4d",
        "shop        cart-7d4f9-{n:05d}   1/1     Running   57         4d",
    ],
)
def test_the_one_pod_that_is_not_ready_or_restarts_is_shown_of_a_table(odd: str) -> None:
    row = "shop        cart-7d4f9-{n:05d}   1/1     Running   0          4d"
    lines, wanted = table("NAMESPACE   NAME   READY   STATUS   RESTARTS   AGE", row, odd, 120)
    found, length = shown(lines, tool="cluster__pods_list_in_namespace")
    assert found[122] == wanted
    assert length < 1_500


@pytest.mark.parametrize(
    "name", ["restarts", "restartCount", "restart_count", "unavailableReplicas"]
)
def test_the_one_element_of_a_list_whose_counter_is_not_zero_is_shown(name: str) -> None:
    items = [{"name": f"cart-{n:05d}", "phase": "Running", "ip": n, name: 0} for n in range(400)]
    items[250][name] = 57
    text = json.dumps({"kind": "PodList", "items": items})
    view = condensed("cluster__pods_list", text, cap=CAP)
    assert any("cart-00250" in line and "57" in line for _, line in quotable(view.shown))
    assert len("\n".join(view.shown)) < 2_000
