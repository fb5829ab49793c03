"""Which kind of text it is: source is never condensed by likeness, and logs always are."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from services.toolrunner.condense_words import BLANK, masked

Kind = Literal["log", "rows", "diff", "source", "text"]
SAMPLE = 400
_WIDTH = 500
_TIME = re.compile(
    r"^\W{0,2}(?:\d{4}[-/]\d\d[-/]\d\d[T ]|\d\d:\d\d:\d\d[.,\s]|[IWEF]\d{4} \d\d:"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:|\d+\.\d+\.\d+\.\d+ - )"
)
_LEVEL = re.compile(
    r"^\W{0,2}(?:trace|debug|info|notice|warn|warning|error|fatal|critical|fail|crit|dbug|trce)\b",
    re.IGNORECASE,
)
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@", re.MULTILINE)
_OF_DIFF = re.compile(
    r"^(?:[-+@ \\]|diff --git |index |similarity |rename |new file |deleted file )"
)
_CODE = re.compile(
    r"^\s*(?:import |from \S+ import|package |using |namespace |def |class |func |fn |pub |impl "
    r"|public |private |protected |internal |static |const |let |var |type |struct |enum "
    r"|return\b|if \(|if .*[:{]$|for .*[:{]$|while |else\b|elif |try\b|catch|except|finally|switch"
    r"|case .*:$|#include|#!/|//|/\*|\*/|\* |# |<\/?\w|export |module |async |await |throw |raise "
    r"|@\w+|[{}\])]+[;,]?$|\"\"\")|[;{]\s*$|^\s*\w+\(.*\)$"
)
_OF_LOGS = re.compile(r"log", re.IGNORECASE)
_OF_SOURCE = re.compile(r"file_contents|get_file|read_file|blame|source", re.IGNORECASE)


def is_source(tool: str) -> bool:
    """Whether the tool's name says that it gives source, in which words of trouble tell nothing."""
    return bool(_OF_SOURCE.search(tool.rpartition("__")[2]))


def kind_of(tool: str, sample: Sequence[str]) -> Kind:
    """The kind of a text that begins with these lines; the tool's name counts for more.

    What a log holds is written by anybody, so one line of it never makes it another kind.
    """
    lines = [line[:_WIDTH] for line in sample[:SAMPLE] if line.strip()]
    name = tool.rpartition("__")[2]
    if is_source(tool):
        return "source"
    if _OF_LOGS.search(name) or _share(lines, _is_of_log) >= 0.3:
        return "log"
    if _HUNK.search("\n".join(lines)) and _share(lines, _is_of_diff) >= 0.6:
        return "diff"
    if _share(lines, _is_of_code) >= 0.35:
        return "source"
    return "rows" if _repeats(lines) else "text"


def _is_of_log(line: str) -> bool:
    return bool(_TIME.match(line) or _LEVEL.match(line) or line.startswith('{"'))


def _is_of_diff(line: str) -> bool:
    return bool(_OF_DIFF.match(line))


def _is_of_code(line: str) -> bool:
    return bool(_CODE.search(line))


def _share(lines: Sequence[str], is_one: Callable[[str], bool]) -> float:
    return sum(map(is_one, lines)) / max(len(lines), 1)


def _repeats(lines: Sequence[str]) -> bool:
    """Whether most lines are like others and differ in what a mask leaves blank."""
    times = Counter(masked(line) for line in lines)
    often = sum(count for template, count in times.items() if count > 2 and BLANK in template)
    return often >= 0.5 * len(lines)
