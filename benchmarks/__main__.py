"""`python -m benchmarks [name …]`: measure all parts, or those that are named, and print tables."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module

MODULES = ("gate", "redaction", "condensing", "cost", "concurrency", "doors", "footprint")
"""Each has `tables()`, which measures and yields its tables one after the other."""


def main(names: Sequence[str]) -> int:
    """Print the tables of these modules, of all where none is named."""
    if unknown := sorted(set(names) - set(MODULES)):
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(MODULES)}")
        return 2
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}\n")
    for name in names or MODULES:
        for table in import_module(f"benchmarks.{name}").tables():
            print(table, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
