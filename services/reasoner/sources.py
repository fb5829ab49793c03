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
    """The id in what a model writes for it, such as `result 2-1`."""
    return name.strip().removeprefix("result ").strip()


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

    Echoes are left out: a line or two in answer to a call whose arguments hold the name.
    """
    yield from known.told.split("\n")
    name = but_not_naming.casefold()
    for source in sources.values():
        lines = [line for line in numbered_lines(source.shown).values() if line.strip()]
        asked = " ".join(str(value) for value in source.arguments.values()).casefold()
        if len(lines) > ECHO_LINES or name not in asked:
            yield from lines


def told_by(record: Record) -> str:
    """The incident and what happened meanwhile, one fact a line."""
    incident = record.incident
    facts = [incident.service, incident.summary, incident.note]
    if alarm := incident.alarm:
        facts += [alarm.name, alarm.description, alarm.reason, alarm.metric]
        facts += [f"{name} {value}" for name, value in sorted(alarm.labels.items())]
    return "\n".join([*facts, *(update.text for update in record.updates)])
