"""Pins: a tool is used only as it was reviewed, and shown only as the lock has it.

A server may change what it says of a tool at any time, and the model believes what a tool says of
itself. So six fields of every tool stand in a reviewed lock, and a tool whose server says anything
else is withheld until a person has looked.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pydantic import JsonValue

from services.toolrunner.catalogue import canonical
from services.toolrunner.definition_diff import differences, escaped
from services.toolrunner.ports import Tool

PIN_COMMAND = "nightshift tools pin"
MOST_NAMED = 20


@dataclass(frozen=True)
class Definition:
    """What a server says of one tool, as far as anybody reads it: six fields."""

    name: str
    title: str | None
    description: str | None
    input_schema: Mapping[str, JsonValue]
    output_schema: Mapping[str, JsonValue] | None
    annotations: Mapping[str, JsonValue] | None

    @property
    def fields(self) -> Mapping[str, object]:
        """The six by name, in the order in which they are read."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "input_schema": self.input_schema,
            "output_schema": self.output_schema,
            "annotations": self.annotations,
        }

    @cached_property
    def sha256(self) -> str:
        """The hash of the six fields as canonical JSON; empty for what JSON cannot say."""
        try:
            return hashlib.sha256(canonical(self.fields).encode()).hexdigest()
        except (ValueError, RecursionError):
            return ""


@dataclass(frozen=True)
class Pinned:
    """One reviewed tool. `hidden` arguments are not shown to the model: we give their values."""

    definition: Definition
    hidden: Mapping[str, JsonValue] = field(default_factory=dict)

    def offered_by(self, server: str) -> Tool:
        """The tool as the model is shown it, under its full name."""
        told = self.definition
        return Tool(
            full_name(server, told.name),
            told.description or "",
            _without(told.input_schema, self.hidden),
            read_only=(told.annotations or {}).get("readOnlyHint") is True,
        )

    def problem(self) -> str:
        """Why the tool cannot be pinned like that, empty when it can."""
        if not self.definition.sha256:
            return "its definition holds what JSON cannot say"
        known = self.definition.input_schema.get("properties")
        strange = [name for name in self.hidden if not isinstance(known, dict) or name not in known]
        return f"it has no argument {escaped(strange[0])!r} that could be hidden" if strange else ""


@dataclass(frozen=True)
class Lock:
    """Every reviewed tool, by server. Its full names are unique: see `problem`."""

    servers: Mapping[str, tuple[Pinned, ...]]

    @cached_property
    def index(self) -> Mapping[str, tuple[str, Pinned]]:
        """The server and the pin of each tool, by full name."""
        return {
            full_name(server, pinned.definition.name): (server, pinned)
            for server, tools in self.servers.items()
            for pinned in tools
        }

    def tools(self) -> tuple[Tool, ...]:
        """What may be offered at most, in the order of the lock: what a policy speaks of."""
        return tuple(pinned.offered_by(server) for server, pinned in self.index.values())

    def problem(self) -> str:
        """Why nothing can be done with this lock, empty when all is well."""
        names = Counter(
            full_name(server, pinned.definition.name)
            for server, tools in self.servers.items()
            for pinned in tools
        )
        twice = sorted(name for name, times in names.items() if times > 1)
        if twice:
            return f"two tools have the name {escaped(twice[0])}"
        problems = (
            f"{escaped(name)}: {problem}"
            for name, (_, pinned) in self.index.items()
            if (problem := pinned.problem())
        )
        return next(problems, "")


@dataclass(frozen=True)
class Finding:
    """One way in which what a server lists is not what the lock has."""

    server: str
    tool: str
    kind: Literal["changed", "missing", "twice", "unknown"]
    sha256: str
    difference: tuple[str, ...] = ()
    """Lines for a person, with every odd character spelled out."""

    @property
    def name(self) -> str:
        """The full name, fit to be printed."""
        return escaped(full_name(self.server, self.tool))[:200]

    @property
    def key(self) -> str:
        """The same for the same finding, whoever makes it."""
        return f"{self.server}/{escaped(self.tool)[:200]}/{self.sha256 or self.kind}"

    @property
    def sentence(self) -> str:
        """What is wrong, for the model and for people."""
        return {
            "changed": f"the definition of {self.name} is not the one that was reviewed",
            "missing": f"{self.name} is not listed by its server any more",
            "twice": f"{self.name} is listed twice by its server",
            "unknown": f"{self.name} was never reviewed",
        }[self.kind]


def full_name(server: str, tool: str) -> str:
    """The name by which the model, the policy and the audit know a tool."""
    return f"{server}__{tool}"


def compare(
    server: str, pinned: Iterable[Pinned], *, listed: Sequence[Definition]
) -> tuple[Finding, ...]:
    """Where a server's list is not the lock's; what is in both and the same gives no finding."""
    return tuple(_findings(server, {pin.definition.name: pin for pin in pinned}, listed=listed))


def _findings(
    server: str, pinned: Mapping[str, Pinned], *, listed: Sequence[Definition]
) -> Iterator[Finding]:
    times = Counter(told.name for told in listed)
    told_by_name = {told.name: told for told in listed}
    for name, pin in pinned.items():
        told = told_by_name.get(name)
        if told is None:
            yield Finding(server, name, "missing", pin.definition.sha256)
        elif times[name] > 1:
            yield Finding(server, name, "twice", told.sha256)
        elif told.sha256 != pin.definition.sha256:
            lines = differences(pin.definition.fields, told.fields)
            yield Finding(server, name, "changed", told.sha256, tuple(lines))
    for name, told in told_by_name.items():
        if name not in pinned:
            yield Finding(server, name, "unknown", told.sha256)


def pinned_anew(lock: Lock, listed: Mapping[str, Sequence[Definition]], *, all_of_it: bool) -> Lock:
    """The lock with these servers as they list their tools; hidden arguments stay hidden.

    `all_of_it`: it holds no other servers afterwards. Whether it can be used, its `problem` says.
    """
    hidden = {name: pinned.hidden for name, (_, pinned) in lock.index.items()}
    anew = {
        server: tuple(Pinned(told, hidden.get(full_name(server, told.name), {})) for told in tools)
        for server, tools in listed.items()
    }
    return Lock(anew if all_of_it else {**lock.servers, **anew})


def names_of(findings: Iterable[Finding]) -> str:
    """The tools of findings in a sentence; of many only the first."""
    names = [finding.name for finding in findings]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _without(
    schema: Mapping[str, JsonValue], hidden: Mapping[str, JsonValue]
) -> Mapping[str, JsonValue]:
    properties, required = schema.get("properties"), schema.get("required")
    if not hidden or not isinstance(properties, dict):
        return schema
    left = {name: value for name, value in properties.items() if name not in hidden}
    shown = {**schema, "properties": left}
    if isinstance(required, list):
        shown["required"] = [name for name in required if name not in hidden]
    return shown
