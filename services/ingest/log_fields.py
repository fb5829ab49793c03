"""The fields of a log line that has some: JSON, or `key=value` pairs (logfmt). Pure."""

import json
import re

LEVEL_NAMES = frozenset(
    [
        "severity",
        "level",
        "lvl",
        "loglevel",
        "log_level",
        "log.level",
        "levelname",
        "level_name",
        "severitytext",
        "severity_text",
        "@l",
        "levelno",
        "severitynumber",
        "severity_number",
        "record.level",
    ]
)
TEXT_NAMES = (
    "message",
    "msg",
    "@m",
    "@mt",
    "log",
    "short_message",
    "errormessage",
    "error.message",
    "body",
    "text",
)
LONGEST_PAIRS = 5000
"""Characters in which pairs are looked for."""

_CONTAINER = re.compile(r"\S{10,40} std(?:out|err) [FP] ")
_STARTS_AS_PAIRS = re.compile(r"(?:\d[\d:.TZ/+,-]{0,40}\s+){0,2}[A-Za-z_@][\w.@-]{0,60}=")
_PAIR = re.compile(r'(?:^|(?<=\s))([A-Za-z_@][\w.@-]{0,60})=("(?:[^"\\]|\\.)*(?:"|$)|\S*)')


def fields_of(said: str) -> dict[str, object]:
    """The fields by names in lower case; none where the line is plain text."""
    if prefix := _CONTAINER.match(said):
        said = said[prefix.end() :]
    if said.lstrip().startswith("{"):
        return _of_json(said)
    return _of_pairs(said[:LONGEST_PAIRS]) if _STARTS_AS_PAIRS.match(said) else {}


def _of_json(said: str) -> dict[str, object]:
    """One level of nesting too, as `outer.inner`."""
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    flat = {name.lower(): value for name, value in found.items()}
    for name, value in list(flat.items()):
        if isinstance(value, dict):
            flat |= {f"{name}.{inner.lower()}": held for inner, held in value.items()}
    return flat


def _of_pairs(said: str) -> dict[str, object]:
    """Only where a level or a message is among them: prose may hold an equals sign, too."""
    found = {name.lower(): _unquoted(value) for name, value in _PAIR.findall(said)}
    is_said = any(name in found for name in ("msg", "message"))
    if not is_said and not LEVEL_NAMES & found.keys():
        return {}
    error = found.get("err") or found.get("error", "")
    return {**found} if is_said or " " not in error else {**found, "msg": error}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value.strip('"')
