"""One answer of so many megabytes, condensed as it streams, in a process of its own.

`python -m benchmarks.growth 100` prints seconds, the peak of the process in MB, and what is shown
and stored in bytes, as one JSON object.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator

from services.toolrunner.condense import condense

MEGABYTE = 1_000_000


def log_lines(size: int) -> Iterator[str]:
    """Lines of a log of that size, no two alike; every 10,000th is an error with a trace."""
    written = number = 0
    while written < size:
        number += 1
        line = (
            f"TraceID: {number * 2_654_435_761:032x} SpanID: {number * 40_503:016x} AddItemAsync "
            f"called with userId={number:08x}-b6d9-41ff-9a40-{number:012x}, quantity={number % 7}"
        )
        if number % 10_000 == 0:
            line = f"System.Exception: shard {number} is away\n   at shop.Store.Find(String id)"
        for part in line.split("\n"):
            written += len(part) + 1
            yield part


def main(megabytes: float) -> None:
    """Condense and tell."""
    started = time.perf_counter()
    both = condense(log_lines(int(megabytes * MEGABYTE)), tool="x__get_logs", cap=32_000)
    told = {
        "seconds": time.perf_counter() - started,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "lines": both.lines,
        "shown": sum(len(line) + 1 for line in both.shown),
        "kept": len(both.whole.encode()),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(float(sys.argv[1]))
