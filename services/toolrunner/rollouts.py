"""Which roll-outs are recent: what the first message of every investigation tells."""

import re
from collections.abc import Iterator

TOOL = "kubernetes__list_workloads"
"""Our own tool whose rows tell them (`servers.overview`)."""
MOST = 8
"""Newest first; every investigation pays for them."""
_WITHIN_SECONDS = 86_400
_ROLLED_OUT = re.compile(r" rolled_out=(\d{1,9})([smhd])(?= |$)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TOLD = ("rolled_out", "image", "ref")
_LONGEST = 300


def recent(namespace: str, rows: str) -> str:
    """A line for each workload of the namespace that was rolled out within a day, newest first.

    `rows` is the tool's answer, cleaned. Where there was no roll-out, that is the line: it names a
    namespace that may be read, which else the first tool call would have to guess.
    """
    found = sorted(_found(rows.split("\n")))
    lines = [f"{namespace} {line}"[:_LONGEST] for _, line in found[:MOST]]
    if more := len(found) - MOST:
        lines += [f"{namespace}: {more} more"] if more > 0 else []
    return "\n".join(lines) or f"{namespace}: none"


def _found(rows: list[str]) -> Iterator[tuple[int, str]]:
    """Seconds since each roll-out, and what is told of it."""
    for row in rows:
        if (match := _ROLLED_OUT.search(row)) is None:
            continue
        seconds = int(match[1]) * _SECONDS[match[2]]
        if seconds <= _WITHIN_SECONDS:
            kind, name, *facts = row.split(" ")
            told = [fact for fact in facts if fact.partition("=")[0] in _TOLD]
            yield seconds, " ".join([kind, name, *told])
