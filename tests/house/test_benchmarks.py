"""The benchmarks are listed, and each module gives tables; `make bench` measures."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.__main__ import MODULES, main
from benchmarks.growth import log_lines
from benchmarks.load.memory import family, memory_of
from benchmarks.load.sizes import extra_of
from benchmarks.table import Table
from tests.house.sources import ROOT

HELPERS = {"__init__", "__main__", "growth", "table"}


def test_every_benchmark_is_listed() -> None:
    modules = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - HELPERS
    assert modules == set(MODULES)


def test_an_unknown_benchmark_is_refused_with_those_that_there_are() -> None:
    assert main(["weather"]) == 2


def test_a_table_prints_as_markdown_with_its_command() -> None:
    printed = str(Table("Speed", "make bench", ("what", "ms"), (("gate", "1.9"),)))
    assert printed.split("\n") == [
        "### Speed",
        "",
        "`make bench`",
        "",
        "| what | ms |",
        "| --- | --- |",
        "| gate | 1.9 |",
        "",
    ]


def test_the_measured_answer_has_the_size_that_is_asked_for() -> None:
    assert 100_000 <= sum(len(line) + 1 for line in log_lines(100_000)) < 100_400


def test_the_page_of_figures_names_every_benchmark() -> None:
    page: Path = ROOT / "docs" / "benchmarks.md"
    text = page.read_text(encoding="utf-8")
    assert all(f"python -m benchmarks {name}`" in text for name in MODULES)


def test_a_family_holds_what_its_members_hold_and_who_has_ended_holds_nothing() -> None:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        assert child.pid in family(os.getpid())
        alone, both = memory_of(os.getpid()), memory_of(os.getpid(), child.pid)
        assert alone.rss >= alone.pss >= alone.own > 10
        assert both.rss > alone.rss
    assert memory_of(child.pid).rss == 0
    assert child.pid not in family(os.getpid())


def test_an_extra_is_all_that_it_leads_to_and_counts_what_python_compiled() -> None:
    plain, notifier = extra_of(""), extra_of("notifier")
    names = {each.name for each in notifier.packages}
    assert names > {each.name for each in plain.packages}
    assert {"slack-sdk", "aiohttp", "yarl"} <= names
    assert "boto3" not in names
    assert notifier.mb > notifier.compiled_mb > 1
    assert notifier.largest().count(",") == 2
