"""What the outside saw of a run, as plain values.

Sources are the stand-ins' logs, the streams, the pending lists and the deadlines; nothing that a
service says about itself in metrics or logs. All times are seconds of the one clock that Redis, the
stand-ins and the tests share. `tests.chaos.collecting` fills these values.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.toolrunner.adapters.recent_rollouts import NOBODYS

Values = Mapping[str, Any]
CASE = re.compile(r"\bcase-[a-z0-9]+")
CALL = re.compile(r"\b(case-[a-z0-9]+)(?:/|%2F|-)(\d+-\d+)\b")
"""A case and a tool call, as the scenario's arguments name them."""
TITLES = {
    "Root cause": "diagnosed",
    "No fault found": "diagnosed",
    "No conclusion": "inconclusive",
    "Timed out": "timed_out",
    "Out of budget": "out_of_budget",
    "Cancelled": "cancelled",
    "Recovered": "recovered",
    "Failed": "failed",
}
"""What a person reads on a final card, and the outcome that it means."""
_TITLE = re.compile(rf": ({'|'.join(TITLES)})\. ")
_LASTED = re.compile(r"(?:(\d+) min )?(\d+(?:\.\d)?) s · \d+ turn")
PROGRESS = "progress"
STOP_BUTTON = "nightshift_stop"


@dataclass(frozen=True)
class Entry:
    """One entry of a stream; `at` is Redis's time of appending it."""

    at: float
    stream: str
    event: str
    values: Values
    entry_id: str = ""

    @property
    def incident(self) -> str:
        """The investigation it is about; empty where it is about none."""
        named = str(self.values.get("investigation_id") or self.values.get("incident_id") or "")
        return "" if named == NOBODYS else named

    @property
    def call(self) -> str:
        """The tool call it is about."""
        return str(self.values.get("tool_call_id", ""))


@dataclass(frozen=True)
class Asked:
    """One request that a stand-in got: when it came in, when it was answered, and for whom."""

    at: float
    answered_at: float
    stand_in: str
    request: str
    status: int
    incident: str = ""
    call: str = ""
    """Of the model: the number of messages; of a tool: the id of the tool call it names."""
    facts: Values = field(default_factory=dict)
    sender: str = ""
    """The replica that asked; known where its channel leads through the proxy."""
    left_at: float = 0.0
    """When its head came to the proxy, which is when its first bytes had left the sender."""
    given_up: bool = False
    """Whether the sender had closed its connection before the answer came."""


@dataclass(frozen=True)
class Version:
    """What a message said from `at` on: an outcome, `progress`, or empty when neither."""

    at: float
    says: str
    text: str = ""
    lasted: float | None = None
    """How long the investigation took, as the card has it."""


@dataclass(frozen=True)
class Message:
    """A top-level message of an incident with all it ever said."""

    incident: str
    ts: str
    versions: tuple[Version, ...]
    details: tuple[str, ...] = ()
    """What its thread holds, by key: messages by their metadata, files by their name."""


@dataclass(frozen=True)
class Fault:
    """What was done to the system from outside; a kill ends when it begins."""

    at: float
    until: float
    service: str
    """`*` where it meets all of them."""
    what: str
    replica: str = ""
    """Who was killed or frozen; empty where it was no single one."""
    holding: frozenset[str] = frozenset()
    """Of one that was frozen: the incidents it held work of, and `incident call` of tool calls."""

    def held(self, one: Asked) -> bool:
        """Whether what was frozen held the work that this request belongs to."""
        is_tool = one.stand_in != "model"
        return (f"{one.incident} {one.call}" if is_tool else one.incident) in self.holding


@dataclass(frozen=True)
class Note:
    """A line for the timeline from any other source, such as a proxy."""

    at: float
    source: str
    text: str
    incident: str = ""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that is known from outside about one run."""

    entries: tuple[Entry, ...]
    asked: tuple[Asked, ...] = ()
    messages: tuple[Message, ...] = ()
    strangers: tuple[Message, ...] = ()
    """Top-level messages that name no incident."""
    faults: tuple[Fault, ...] = ()
    notes: tuple[Note, ...] = ()
    sent: tuple[str, ...] = ()
    """Cases handed over through the queue: each must have become an incident."""
    published: tuple[str, ...] = ()
    """Ids of the incidents that were written onto the stream."""
    pending: Mapping[str, int] = field(default_factory=dict)
    """Entries not read or not acknowledged, by `stream/group`."""
    deadlines: tuple[str, ...] = ()
    lasting_keys: tuple[str, ...] = ()
    """Keys without an expiry that should have one."""


def says(text: str, blocks: object) -> str:
    """What a card says: its outcome, `progress` while it has a Stop button, else nothing."""
    if STOP_BUTTON in json.dumps(blocks) or text.startswith("investigating "):
        return PROGRESS
    title = _TITLE.search(text)
    return TITLES[title[1]] if title else ""


def lasted(text: str, blocks: object) -> float | None:
    """The duration that a final card shows, in seconds."""
    found = _LASTED.search(f"{text} {json.dumps(blocks, ensure_ascii=False)}")
    return int(found[1] or 0) * 60 + float(found[2]) if found else None


def case_of(entry: Entry) -> str:
    """The case that an incident's entry names, or nothing."""
    found = CASE.search(str(entry.values.get("summary", "")))
    return found[0] if found else ""
