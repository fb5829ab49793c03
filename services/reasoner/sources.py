"""What a diagnosis may rest on: the stored results, what was shown of them, and the incident."""

import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field, JsonValue

from bus.events import Value
from bus.record import Record

READ_RESULT = "read_result"
TRIGGER = "trigger:"
ECHO_LINES = 2
"""An answer of so few lines that names what its call named may only repeat the question."""
IN_WINDOW = re.compile(r"^(\d+): ?(.*)", re.DOTALL)
"""A line of a file's window, under its number in the file."""
_WINDOW = re.compile(r"^\S.* lines \d+-\d+ of (\d+)$")
_ID = re.compile(
    r"[\s<\[({`'\"#*]*(?:(?:tool|results?|calls?|id)\b[\s_:#`]*)*(\d+-\d+|trigger:[^\s>\])}`'\"]+)"
    r"(?:\s+[0-9a-f]+)?[\s>\])}`'\"*]*",
    re.IGNORECASE | re.ASCII,
)
_ASKING = r"q|query|search|keywords?|pattern|filter|terms?|text|expr|expression|input|request"
_NUMBERED = re.compile(r"^(\d{1,9})\| ?(.*)$", re.MULTILINE)


class Source(Value):
    """A stored result that a diagnosis may name, with the call that it answers.

    The whole is loaded only where it is needed; without it nothing of the result can be quoted.
    """

    whole: str = ""
    tool: str = ""
    shown: str = ""
    """What the model saw of it."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class Known(Value):
    """Where a component may be named besides the results."""

    told: str = ""
    """The incident and what happened meanwhile, as the model was told."""
    services: frozenset[str] = frozenset()
    """Names in the service catalogue; empty where none is configured."""


def call_id(name: str) -> str:
    """The id in what a model writes for it, such as `result 2-1` or its whole marker."""
    found = _ID.fullmatch(name)
    return found[1] if found else name.strip()


def origin(name: str, sources: Mapping[str, Source]) -> str:
    """The result that a name stands for: of a page, the one that it is a page of."""
    found = call_id(name)
    source = sources.get(found)
    if source is None or source.tool != READ_RESULT:
        return found
    return call_id(str(source.arguments.get("call_id") or found))


def window_of(whole: str) -> int:
    """How many lines the file has of which this is a window under a header of ours; 0 if none."""
    first, _, rest = whole.partition("\n")
    head = _WINDOW.match(first) if IN_WINDOW.match(rest) else None
    return int(head[1]) if head else 0


def arguments_of(transcript: Sequence[Mapping[str, object]]) -> dict[str, dict[str, JsonValue]]:
    """The arguments of every call by its id: `<turn>-<k>`, counted as `calls.read` counts."""
    found: dict[str, dict[str, JsonValue]] = {}
    replies = [message for message in transcript if message.get("role") == "assistant"]
    for turn, reply in enumerate(replies, start=1):
        content = reply.get("content")
        blocks = content if isinstance(content, list) else []
        uses = [block for block in blocks if block.get("type") == "tool_use"]
        for k, use in enumerate(uses, start=1):
            given = use.get("input")
            found[f"{turn}-{k}"] = given if isinstance(given, dict) else {}
    return found


def numbered_lines(shown: str) -> dict[int, str]:
    """The raw lines of a view by number; what has no number is ours and is left out."""
    return {int(number): text for number, text in _NUMBERED.findall(shown)}


def lines_seen(name: str, sources: Mapping[str, Source]) -> dict[int, str]:
    """The lines of a result that the model saw, in its view or on a page of it, as shown."""
    seen: dict[int, str] = {}
    for source in sources.values():
        if source.tool == READ_RESULT and call_id(str(source.arguments.get("call_id"))) == name:
            seen |= numbered_lines(source.shown)
    return seen | numbered_lines(sources[name].shown)


def texts(sources: Mapping[str, Source], known: Known, *, but_not_naming: str) -> Iterator[str]:
    """What the model was told by the incident and by results, line by line.

    Echoes are left out where a call's arguments hold the name: an answer of a line or two, and a
    line of any answer that says the argument's value and nothing else.
    """
    yield from known.told.split("\n")
    name = but_not_naming.casefold()
    for source in sources.values():
        lines = [line for line in numbered_lines(source.shown).values() if line.strip()]
        asked = " ".join(str(value) for value in source.arguments.values()).casefold()
        if name not in asked:
            yield from lines
        elif len(lines) > ECHO_LINES:
            echo = _echo_of(source.arguments)
            yield from (line for line in lines if not echo.fullmatch(line))


def said(word: str, sources: Mapping[str, Source], *, known: Known) -> bool:
    """Whether a word stands in the incident or in a result, and not as a part of another word."""
    whole = re.compile(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])")
    lines = texts(sources, known, but_not_naming=word)
    return any(word in line and whole.search(line) for line in map(str.casefold, lines))


def _echo_of(arguments: Mapping[str, JsonValue]) -> re.Pattern[str]:
    """Matches a line that says the value of an argument, under its name or none."""
    names = "|".join([_ASKING, *map(re.escape, arguments)])
    values = "|".join(re.escape(str(value)) for value in arguments.values() if value)
    return re.compile(rf"[\W_]*(?:(?:{names})\b\W+)?(?:for\W+)?(?:{values})[\W_]*", re.IGNORECASE)


def told_by(record: Record) -> str:
    """The incident and what happened meanwhile, one fact a line."""
    incident = record.incident
    facts = [incident.service, incident.summary, incident.note]
    if alarm := incident.alarm:
        facts += [alarm.name, alarm.description, alarm.reason, alarm.metric]
        facts += [f"{name} {value}" for name, value in sorted(alarm.labels.items())]
    return "\n".join([*facts, *(update.text for update in record.updates)])
