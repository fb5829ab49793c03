"""The benchmarks are listed, and each module gives tables; `make bench` measures."""

from pathlib import Path

from benchmarks.__main__ import MODULES, main
from benchmarks.growth import log_lines
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
