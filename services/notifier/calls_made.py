"""What the model asked for by each tool call, in words for a person, read from the transcript."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bus.cleaning import clean
from bus.events import Diagnosis, ToolCallId
from bus.record import Record
from services.notifier.cutting import one_line

WORDS_CHARACTERS = 160
VALUE_CHARACTERS = 100
_REVISION = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_PHRASES: Mapping[str, tuple[str, ...]] = {
    "list_pods": ("pods of {workload_name}", "pods in {namespace}"),
    "get_logs": ("log of pod {pod}",),
    "list_workloads": ("workloads in {namespace}",),
    "describe_workload": ("settings of {kind} {name}",),
    "rollout_history": ("rollouts of {kind} {name}",),
    "list_events": ("events of {object_name}", "events in {namespace}"),
    "list_services": ("service {name}", "services in {namespace}"),
    "list_network_policies": ("network policies in {namespace}",),
    "resource_usage": ("usage of {workload_name}", "usage in {namespace}"),
    "get_file_contents": ("file {path}",),
    "search_code": ("code search for {query}",),
    "list_commits": ("commits to {path}", "commits up to {sha}"),
    "get_commit": ("commit {sha}",),
    "get_file_blame": ("who last changed the lines of {path}",),
    "describe_alarm": ("alarm {name}",),
    "get_alarm_history": ("history of alarm {name}",),
    "search_logs": ("log group {log_group}, lines with {pattern}", "log group {log_group}"),
    "get_metric_points": ("metric {metric}",),
    "read_result": ("another page of result {call_id}",),
}
"""By tool of our own servers: how its object is named; the first whose arguments are given."""
_ARGUMENT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class CallMade:
    """One tool call: what it asked for in words; of a file, its path and revision."""

    words: str
    path: str = ""
    revision: str = ""


def calls_made(
    record: Record, transcript: Sequence[Mapping[str, object]]
) -> dict[ToolCallId, CallMade]:
    """Every call of the record that stands in the transcript; all of its text is cleaned."""
    replies = [message for message in transcript if message.get("role") == "assistant"]
    inputs = {
        (str(turn), str(use.get("id"))): use.get("input")
        for turn, reply in enumerate(replies, start=1)
        for use in _uses(reply.get("content"))
    }
    made: dict[ToolCallId, CallMade] = {}
    for call in record.calls:
        given = inputs.get((call.tool_call_id.partition("-")[0], call.tool_use_id))
        if isinstance(given, dict):
            made[call.tool_call_id] = call_made(call.tool, given)
    return made


def call_made(tool: str, arguments: Mapping[str, object]) -> CallMade:
    """One call in words."""
    name = tool.rpartition("__")[2]
    texts = {_shown(key): _shown(value) for key, value in arguments.items()}
    given = {key: value for key, value in texts.items() if value}
    path = given.get("path", "") if "file" in name else ""
    revision = given.get("ref", "") if path else ""
    if not _REVISION.fullmatch(revision):
        revision = ""
    words = _words(name, given) + (f" at {revision}" if revision else "")
    return CallMade(one_line(words, WORDS_CHARACTERS), path, revision)


def revision_read(diagnosis: Diagnosis, made: Mapping[ToolCallId, CallMade]) -> str:
    """The revision at which the file of the code location was read; empty where not just one is.

    Where several were read, the one that is quoted counts.
    """
    place = diagnosis.code_location
    if place is None or "code_location" in diagnosis.unverified:
        return ""
    wanted = place.path.removeprefix("./").lstrip("/")
    read = {
        name: call.revision
        for name, call in made.items()
        if call.revision and call.path.removeprefix("./").lstrip("/") == wanted
    }
    quoted = {quote.tool_call_id for quote in diagnosis.evidence if quote.verified}
    for names in (read.keys() & quoted, read.keys()):
        revisions = {read[name] for name in names}
        if len(revisions) == 1:
            return revisions.pop()
    return ""


def _uses(content: object) -> list[Mapping[str, object]]:
    blocks = content if isinstance(content, list) else []
    return [
        block for block in blocks if isinstance(block, dict) and block.get("type") == "tool_use"
    ]


def _words(name: str, given: Mapping[str, str]) -> str:
    for phrase in _PHRASES.get(name, ()):
        if all(key in given for key in _ARGUMENT.findall(phrase)):
            return _ARGUMENT.sub(lambda key: given[key[1]], phrase)
    said = ", ".join(f"{key} {value}" for key, value in list(given.items())[:3])
    words = _shown(name.replace("_", " "))
    return f"{words} ({said})" if said else words


def _shown(value: object) -> str:
    """An argument in words; nothing for what is empty, deep or only true or false."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value).encode("utf-8", "replace").decode()
    return one_line(clean(text), VALUE_CHARACTERS)
