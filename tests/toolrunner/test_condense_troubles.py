"""Whatever the style of a log: the line that matters is shown, in full and quotable."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bus.cleaning import clean
from services.toolrunner.condense import Condensed, condensed
from services.toolrunner.condense_kinds import kind_of
from simulator.logs import write_log
from simulator.scenario import load_scenario
from tests.house.sources import ROOT
from tests.toolrunner.error_lines import error_templates, is_error_line, quotable, template

LOGS = ROOT / "tests" / "fixtures" / "logs"
SHARED = ROOT.parent / "shared" / "cases"
CAP = 32_000
NOT_CALLED_SO = "a word nobody calls an error"
NOISE = (
    "INFO request {n} served in {n}ms",
    '{{"severity":"info","message":"TraceID: {n:032x} order placed","timestamp":"10:02:{n:02d}"}}',
    "I0301 10:02:11.{n:06d}       1 sync.go:{n}] synced pod-{n:05x}",
    "2026-03-01T10:02:11.{n:06d}Z GET /product/{n} 200",
)


def troubles() -> Iterator[tuple[str, list[str]]]:
    text = (LOGS / "troubles.txt").read_text(encoding="utf-8")
    for block in text.split("=== ")[1:]:
        name, _, lines = block.partition("\n")
        yield name, lines.rstrip("\n").split("\n")


def noise(count: int) -> list[str]:
    return [NOISE[number % len(NOISE)].format(n=number) for number in range(count)]


def hold(view: Condensed) -> None:
    """Every numbered line stands in the stored whole under its number."""
    stored = view.whole.split("\n")
    for number, text in quotable(view.shown):
        assert text in stored[number - 1], (number, text)


def chatter(count: int) -> list[str]:
    """Lines of which no two are alike, so that there are far more kinds than can be shown."""
    words = [
        "amber",
        "birch",
        "cedar",
        "delta",
        "ember",
        "fjord",
        "grove",
        "haven",
        "ivory",
        "jolly",
    ]
    return [" ".join(words[number // 10**at % 10] for at in range(4)) for number in range(count)]


@pytest.mark.parametrize(
    ("name", "lines"),
    [pytest.param(*each, id=each[0]) for each in troubles() if each[0] != NOT_CALLED_SO],
)
def test_trouble_of_every_style_is_shown_in_full_though_far_more_kinds_are_not(
    name: str, lines: list[str]
) -> None:
    talk = chatter(1_500)
    text = "\n".join([*talk[:700], *lines, *talk[700:]])
    view = condensed("any__get_logs", text, cap=CAP)
    hold(view)
    shown = dict(quotable(view.shown))
    expected = {701 + at: line for at, line in enumerate(lines) if line}
    assert expected.items() <= shown.items(), name
    assert len(shown) < 700


def test_all_styles_at_once_are_shown_each_with_its_count() -> None:
    blocks = list(troubles())
    lines = [line for _, block in blocks for line in [*noise(40), *block]]
    view = condensed("any__get_logs", "\n".join(lines * 3), cap=CAP)
    hold(view)
    shown = {text for _, text in quotable(view.shown)}
    missing = [line for _, block in blocks for line in block if line and line not in shown]
    assert missing == []
    assert any(line.startswith("~ 3 times, ") for line in view.shown)


def test_errors_that_differ_in_a_small_number_stay_apart() -> None:
    codes = [f"job import exited with code {code}" for code in (1, 2, 137, 139)]
    codes += [f"ERROR replica {number} is away" for number in (1, 2, 3, 4)]
    view = condensed("any__get_logs", "\n".join([*noise(900), *codes, *noise(50)]), cap=CAP)
    shown = {text for _, text in quotable(view.shown)}
    assert set(codes) <= shown


def test_more_kinds_of_error_than_fit_are_shown_as_far_as_they_fit_and_counted() -> None:
    words = [f"{a}{b}{c}" for a in "abcdefghijkl" for b in "mnopqrst" for c in "uvwxyz"]
    lines = [f"ERROR cannot load {word} for {word[::-1]}" for word in words]
    lines.insert(300, "FATAL disk is gone")
    view = condensed("any__get_logs", "\n".join(lines), cap=CAP)
    hold(view)
    assert len("\n".join(view.shown)) <= 16_100
    assert "FATAL disk is gone" in {text for _, text in quotable(view.shown)}
    told = len(list(quotable(view.shown)))
    assert told > 100
    (left,) = [line for line in view.shown if " more in lines " in line]
    assert left.startswith(f"~ and {577 - told} kinds more in lines ")


def test_a_line_that_took_far_longer_than_its_like_is_shown() -> None:
    lines = [f"INFO query {n} took 12ms" for n in range(900)]
    lines[412] = "INFO query 412 took 9.7s"
    view = condensed("any__get_logs", "\n".join(lines), cap=CAP)
    assert dict(quotable(view.shown))[413] == lines[412]


def test_a_line_seen_once_that_nobody_calls_trouble_is_shown_as_it_is() -> None:
    ((_, lines),) = [each for each in troubles() if each[0] == NOT_CALLED_SO]
    text = "\n".join([*noise(700), *lines, *noise(800)])
    assert dict(quotable(condensed("any__get_logs", text, cap=CAP).shown))[701] == lines[0]


def test_a_word_of_trouble_deep_in_a_long_line_is_shown() -> None:
    line = "state " + "steady " * 3_000 + "then a fatal fault in shard 9 " + "steady " * 3_000
    view = condensed("any__get_logs", "\n".join([*noise(500), line]), cap=CAP)
    hold(view)
    assert "then a fatal fault in shard 9" in dict(quotable(view.shown))[501]


def logs_of_scenarios() -> Iterator[tuple[str, str]]:
    for name in ("cart-loafers", "recommendation-sample", "loud-ads"):
        for log, setup in load_scenario(name).cluster.logs.items():
            if setup.placed:
                yield f"{name} {log}", "\n".join(write_log(setup, datetime.now(UTC)))


def shared_logs() -> Iterator[tuple[str, str]]:
    for path in sorted(SHARED.glob("incidents/*/evidence/*log*")):
        yield str(path.relative_to(SHARED)), path.read_text(encoding="utf-8")
    reference = SHARED / "reference"
    yield "dotnet", (reference / "dotnet-redis-failures.json").read_text(encoding="utf-8")
    sample = (reference / "online-boutique-log-sample.jsonl").read_text(encoding="utf-8")
    yield "sample", sample
    yield "sample, logs alone", "\n".join(json.loads(row)["log"] for row in sample.splitlines())


def missing(text: str) -> set[str]:
    view = condensed("any__get_logs", clean(text), cap=CAP)
    hold(view)
    return error_templates(view.whole.split("\n")) - {template(t) for _, t in quotable(view.shown)}


def test_no_template_of_an_error_line_of_a_scenario_is_missing() -> None:
    assert {name: lost for name, text in logs_of_scenarios() if (lost := missing(text))} == {}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared cases are not beside this repository")
def test_no_template_of_an_error_line_of_a_shared_log_is_missing() -> None:
    assert {name: lost for name, text in shared_logs() if (lost := missing(text))} == {}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared cases are not beside this repository")
def test_errors_of_the_reported_redis_failures_are_shown_as_a_log_would_hold_them() -> None:
    path: Path = SHARED / "reference" / "dotnet-redis-failures.json"
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
        frames = [f"   at {frame}" for frame in case.get("frames_top_to_bottom", [])]
        trace = [f"Unhandled exception. {case['exception']}: {case.get('message', '')}", *frames]
        view = condensed("any__get_logs", "\n".join([*noise(500), *trace, *noise(9)]), cap=CAP)
        shown = dict(quotable(view.shown))
        assert [shown.get(501 + at) for at in range(len(trace))] == trace


def test_the_definition_of_an_error_line_knows_most_of_the_fixtures() -> None:
    unknown = {name for name, lines in troubles() if not any(map(is_error_line, lines))}
    assert unknown == {
        NOT_CALLED_SO,
        "access log",
        "exit code in json",
        "kernel",
        "lower case",
        "redis",
        "rust",
    }


@pytest.mark.parametrize("line", ["diff --git a/x b/x", "--- a/foo", "@@ -1 hello", "@@ -1 +1 @@"])
def test_no_line_of_a_log_turns_it_into_another_kind_that_hides_its_errors(line: str) -> None:
    lines = [*noise(60), line, *noise(600), "ERROR System.Exception: Loafers", *noise(400)]
    view = condensed("x__get_logs", "\n".join(lines), cap=CAP)
    assert "Loafers" in "\n".join(view.shown)


def test_an_error_within_a_diff_or_source_that_was_only_guessed_is_shown() -> None:
    start = ["--- a/x", "+++ b/x", "@@ -1,9 +1,900 @@"]
    lines = [*start, *(f"+ value {n}" for n in range(3_000)), "+ERROR Loafers", *noise(9)]
    lines += [f"+ value {n}" for n in range(3_000)]
    assert kind_of("x__fetch", lines) == "diff"
    assert "Loafers" in "\n".join(condensed("x__fetch", "\n".join(lines), cap=CAP).shown)


@pytest.mark.parametrize(
    ("often", "once"),
    [
        ("ERROR listener ORA-01017: refused", "ERROR listener ORA-00600: refused"),
        ("ERROR order failed reason=E1001", "ERROR order failed reason=E2002"),
        ("ERROR insert failed sqlstate=23505", "ERROR insert failed sqlstate=40001"),
        ("ERROR dial 10.0.0.1:6379: refused", "ERROR dial 10.0.0.1:5432: refused"),
        ("WARN product 66VCHSJNUP is missing", "WARN product OLJCESPC7Z is missing"),
    ],
)
def test_another_code_among_like_errors_is_shown(often: str, once: str) -> None:
    lines = [f"2026-03-01T10:{n // 60:02d}:{n % 60:02d}Z {often}" for n in range(500)]
    lines[250] = f"2026-03-01T10:04:10Z {once}"
    view = condensed("x__get_logs", "\n".join(lines), cap=CAP)
    assert once in dict(quotable(view.shown))[251]


def test_what_differs_in_each_line_of_an_error_costs_no_lines() -> None:
    lines = [f"ERROR request r-{n:06d} took {n} ms: refused" for n in range(9_000)]
    assert len(condensed("x__get_logs", "\n".join(lines), cap=CAP).shown) < 8
