"""Every stream, its owner, writers, readers and retention, and every other key.

One place for names.
"""

from dataclasses import dataclass
from typing import Literal

from bus.events import (
    AlarmJoined,
    AlarmRecovered,
    DiagnosisReached,
    Event,
    FeedbackGiven,
    IncidentOpened,
    InvestigationProgressed,
    InvestigationStopped,
    NoticeRequested,
    StopRequested,
    ToolCallAudited,
    ToolCallFinished,
    ToolCallRequested,
    TurnDue,
)

SetAside = Literal[
    "fail the investigation", "answer the call", "tell someone", "sweep again", "keep"
]

HOUR, DAY = 3600, 24 * 3600
KEPT_SECONDS = 7 * DAY
"""How long the keys of an investigation live after they were last written (design, section 2)."""
DEAD_LETTERS_KEPT_SECONDS = 30 * DAY


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A consumer group on a stream, and what happens when one of its entries is set aside."""

    group: str
    set_aside: SetAside
    unreadable: Literal["set aside", "acknowledge"] = "set aside"
    """Of two groups on a stream only one sets aside what cannot be read at all."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A stream by its short name; the first event is what an entry without `event` is."""

    name: str
    events: tuple[type[Event], ...]
    owner: str
    writers: tuple[str, ...]
    readers: tuple[Reader, ...]
    listeners: tuple[str, ...] = ()
    """Services that read it without a group, each replica all of it."""
    kept_seconds: int = 0
    """Age at which an entry is trimmed; 0: once every group has acknowledged it."""

    @property
    def heard_by(self) -> tuple[str, ...]:
        """Every service that reads it, in a group or without one."""
        return (*(reader.group for reader in self.readers), *self.listeners)

    def reader(self, group: str) -> Reader:
        """The reader of that group; KeyError where the group does not read this stream."""
        for reader in self.readers:
            if reader.group == group:
                return reader
        raise KeyError(f"{group} does not read {self.name}")


INCIDENTS = Stream(
    name="incidents",
    events=(IncidentOpened,),
    owner="reasoner",
    writers=("ingest", "anyone"),
    readers=(
        Reader(group="reasoner", set_aside="fail the investigation"),
        Reader(group="notifier", set_aside="tell someone", unreadable="acknowledge"),
    ),
)
TURNS = Stream(
    name="turns",
    events=(TurnDue,),
    owner="reasoner",
    writers=("reasoner", "notifier"),
    readers=(Reader(group="reasoner", set_aside="fail the investigation"),),
)
TOOL_CALLS = Stream(
    name="tool-calls",
    events=(ToolCallRequested,),
    owner="toolrunner",
    writers=("reasoner",),
    readers=(Reader(group="toolrunner", set_aside="answer the call"),),
)
TOOL_RESULTS = Stream(
    name="tool-results",
    events=(ToolCallFinished,),
    owner="reasoner",
    writers=("toolrunner",),
    readers=(Reader(group="reasoner", set_aside="fail the investigation"),),
)
UPDATES = Stream(
    name="updates",
    events=(AlarmJoined, AlarmRecovered, FeedbackGiven),
    owner="reasoner",
    writers=("ingest",),
    readers=(
        Reader(group="reasoner", set_aside="tell someone"),
        Reader(group="notifier", set_aside="tell someone", unreadable="acknowledge"),
    ),
)
PROGRESS = Stream(
    name="progress",
    events=(InvestigationProgressed,),
    owner="notifier",
    writers=("reasoner", "toolrunner"),
    readers=(Reader(group="notifier", set_aside="keep"),),
    kept_seconds=HOUR,
)
DIAGNOSES = Stream(
    name="diagnoses",
    events=(DiagnosisReached,),
    owner="notifier",
    writers=("reasoner", "notifier", "ingest"),
    readers=(Reader(group="notifier", set_aside="sweep again"),),
)
STOPS = Stream(
    name="stops",
    events=(StopRequested, InvestigationStopped),
    owner="notifier",
    writers=("notifier", "ingest", "reasoner", "toolrunner"),
    readers=(),
    listeners=("ingest", "reasoner", "toolrunner"),  # from 300 s before their start
    kept_seconds=HOUR,
)
NOTICES = Stream(
    name="notices",
    events=(NoticeRequested,),
    owner="notifier",
    writers=("ingest", "reasoner", "toolrunner", "notifier"),
    readers=(Reader(group="notifier", set_aside="keep"),),
)
AUDIT = Stream(
    name="audit",
    events=(ToolCallAudited,),
    owner="toolrunner",
    writers=("toolrunner",),
    readers=(),
    kept_seconds=30 * DAY,
)

STREAMS = (
    INCIDENTS,
    TURNS,
    TOOL_CALLS,
    TOOL_RESULTS,
    UPDATES,
    PROGRESS,
    DIAGNOSES,
    STOPS,
    NOTICES,
    AUDIT,
)

STREAM_OF: dict[type[Event], Stream] = {
    event: stream for stream in STREAMS for event in stream.events
}


@dataclass(frozen=True)
class Keys:
    """Names of all keys under one prefix."""

    prefix: str

    def stream(self, stream: Stream) -> str:
        """The key of a stream."""
        return self.prefix + stream.name

    def dead(self, stream: Stream) -> str:
        """The key of the dead letters of a stream."""
        return f"{self.prefix}{stream.name}.dead"

    def of(self, investigation_id: str, part: str) -> str:
        """A key of one investigation: record, transcript, calls, results or slack."""
        return f"{self.prefix}{investigation_id}:{part}"

    def errors(self, stream: Stream, group: str) -> str:
        """Hash of errors an entry has caused so far, by entry id."""
        return f"{self.prefix}{stream.name}:{group}:errors"

    @property
    def deadlines(self) -> str:
        """Sorted set: the next due moment (seconds) of each open investigation."""
        return f"{self.prefix}deadlines"

    @property
    def generation(self) -> str:
        """Which Redis this is."""
        return f"{self.prefix}generation"

    @property
    def current_catalogue(self) -> str:
        """Hash of the newest tool catalogue."""
        return f"{self.prefix}catalogue:current"

    def catalogue(self, sha256: str) -> str:
        """The tool catalogue of that hash, as canonical JSON."""
        return f"{self.prefix}catalogue:{sha256}"

    def spend(self, day: str) -> str:
        """Dollars spent and reserved on that UTC day."""
        return f"{self.prefix}spend:{day}"
