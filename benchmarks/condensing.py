"""What it costs to clean and condense an answer, how that grows, and how many tokens it saves."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from benchmarks.table import Table
from bus.cleaning import clean_counted
from services.toolrunner.condense import condensed
from simulator.logs import write_log
from simulator.scenario import load_scenario, scenario_names

TIMES = 15
CAP = 32_000
CHARACTERS_OF_A_TOKEN = 3.5
COMMAND = "python -m benchmarks condensing"
GROWTH_MB = (1, 10, 100)
LOGS = "kubernetes__get_logs"


def tables() -> Iterator[Table]:
    """Milliseconds of 1,000 lines, growth up to 100 MB, tokens of each scenario's longest log."""
    yield _steps()
    yield _growth()
    yield _tokens()


def cart_log() -> str:
    """The 1,000 lines of the cart scenario."""
    setup = load_scenario("cart-loafers").cluster.logs["cartservice"]
    return "\n".join(write_log(setup, datetime.now(UTC)))


def _steps() -> Table:
    text = cart_log()
    pods = _pods(len(text))
    steps: dict[str, Callable[[], object]] = {
        "stripping and redaction": lambda: clean_counted(text),
        "condensing": lambda: condensed(LOGS, text, cap=CAP),
        "condensing JSON of the same length": lambda: condensed("x__list_pods", pods, cap=CAP),
    }
    rows = []
    for name, step in steps.items():
        taken = sorted(_milliseconds(step) for _ in range(TIMES))
        rows.append((name, f"{statistics.median(taken):.1f}", f"{taken[-1]:.1f}"))
    title = f"1,000 lines, {len(text):,} characters, {TIMES} times"
    return Table(title, COMMAND, ("step", "median ms", "slowest ms"), tuple(rows))


def _pods(length: int) -> str:
    """A list of pods as JSON, on one line."""
    pods: list[object] = []
    size = 0
    while size < length:
        name = f"web-{len(pods):05x}"
        status = {"phase": "Running", "podIP": f"10.0.{len(pods) % 250}.7", "restarts": 0}
        pods.append({"metadata": {"name": name, "labels": {"app": "web"}}, "status": status})
        size += len(json.dumps(pods[-1])) + 2
    return json.dumps({"kind": "PodList", "items": pods})


def _growth() -> Table:
    rows = []
    for megabytes in GROWTH_MB:
        command = [sys.executable, "-m", "benchmarks.growth", str(megabytes)]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        told = json.loads(ran.stdout)
        rows.append(
            (
                f"{megabytes} MB",
                f"{told['lines']:,}",
                f"{told['seconds']:.2f}",
                f"{told['peak_mb']:.0f}",
                f"{told['kept'] / 1_000_000:.1f}",
                f"{told['shown']:,}",
            )
        )
    columns = ("answer", "lines", "seconds", "peak of the process, MB", "kept, MB", "shown")
    return Table("Growth, streamed", COMMAND, columns, tuple(rows))


def _tokens() -> Table:
    rows = []
    for name in scenario_names():
        logs = load_scenario(name).cluster.logs
        texts = {log: "\n".join(write_log(setup, datetime.now(UTC))) for log, setup in logs.items()}
        log = max(texts, key=lambda log: len(texts[log]))
        numbers = 4 * texts[log].count("\n")
        before = (len(texts[log]) + numbers) / CHARACTERS_OF_A_TOKEN
        shown = condensed(LOGS, texts[log], cap=CAP).shown
        after = sum(len(line) + 1 for line in shown) / CHARACTERS_OF_A_TOKEN
        rows.append((name, log, f"{before:,.0f}", f"{after:,.0f}"))
    columns = ("scenario", "its longest log", "tokens whole", "tokens shown")
    return Table("Tokens, as characters / 3.5", COMMAND, columns, tuple(rows))


def _milliseconds(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return (time.perf_counter() - started) * 1_000
