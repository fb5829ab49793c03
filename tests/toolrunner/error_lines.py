"""What an error line is, told apart from the code that condenses: only for its tests.

The definition is by severity as loggers write it, by the names of exceptions and by exit codes; a
template is a line with every run of digits and every long hexadecimal word left out.
"""

import json
import re
from collections.abc import Iterable, Iterator

SEVERE = {"error", "err", "fatal", "critical", "crit", "panic", "emergency", "alert", "severe"}
FIELDS = ("severity", "level", "levelname", "lvl", "log.level", "@l", "severityText")
PLAIN = re.compile(
    r"\b(?:ERROR|ERR|FATAL|CRITICAL|PANIC|SEVERE|EMERG)\b"
    r"|^(?:fail|crit): |^[EF]\d{4} \d\d:\d\d|^panic: |^Traceback \(most recent call last\)"
    r"|\b[A-Za-z.]*[a-z](?:Error|Exception)\b(?!\()"
    r"|\b[Ee]rror(?: from server(?: \(\w+\))?)?: |\blevel=(?:error|fatal|panic)\b"
    r"|\[(?:error|crit|alert|emerg)\]"
    r"|\bexit(?:ed)?(?: with)?(?: code| status)?[ :=]+[1-9]|OOMKilled|Segmentation fault"
)
_ID = re.compile(r"\b[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*\b")
_DIGITS = re.compile(r"\d+")


def is_error_line(line: str) -> bool:
    """Whether a person on call would say that the line reports an error."""
    level = _level(line)
    return level in SEVERE if level else bool(PLAIN.search(line))


def template(line: str) -> str:
    """What stays of a line when it is written again about something else."""
    return _DIGITS.sub("0", _ID.sub("id", line))


def error_templates(lines: Iterable[str]) -> set[str]:
    """The templates of the error lines among them."""
    return {template(line) for line in lines if is_error_line(line)}


def quotable(shown: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The numbered lines of a view, as the model reads them."""
    for line in shown:
        found = re.match(r"(\d+)\| (.*)$", line)
        if found:
            yield int(found[1]), found[2]


def _level(line: str) -> str:
    start = line.find("{")
    if start < 0:
        return ""
    try:
        fields = json.loads(line[start:])
    except ValueError:
        return ""
    found = next((fields[name] for name in FIELDS if name in fields), "")
    if isinstance(found, int):
        return "error" if found >= 50 else "info"
    return str(found).lower()
