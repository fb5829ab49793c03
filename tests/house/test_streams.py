"""Every stream is somebody's, and stands in the documentation."""

import pytest

from bus.events import EVENTS, DeadLetter
from bus.streams import STREAM_OF, STREAMS, Stream
from tests.house.sources import ROOT, SERVICES

EVENTS_PAGE = ROOT / "docs" / "events.md"


def named(stream: Stream) -> str:
    return stream.name


@pytest.mark.parametrize("stream", STREAMS, ids=named)
def test_a_stream_has_owner_writers_readers_and_retention(stream: Stream) -> None:
    groups = [reader.group for reader in stream.readers]

    assert stream.owner in SERVICES
    assert stream.writers
    assert set(stream.writers) <= {*SERVICES, "anyone"}
    assert set(groups) <= set(SERVICES)
    assert len(set(groups)) == len(groups)
    assert stream.owner == (groups or [stream.owner])[0], "the owner is named first in `readers`"
    assert stream.kept_seconds >= 0
    assert stream.events


@pytest.mark.parametrize("stream", STREAMS, ids=named)
def test_a_stream_has_a_row_in_the_documentation(stream: Stream) -> None:
    assert EVENTS_PAGE.is_file(), "docs/events.md is generated: python -m cli.docs"
    rows = [line.split("|") for line in EVENTS_PAGE.read_text().splitlines() if line[:1] == "|"]
    names = {row[1].strip(" `").removeprefix("nightshift:") for row in rows if len(row) > 1}

    assert stream.name in names, f"docs/events.md has no row for {stream.name}"


def test_stream_names_are_plural_kebab_case_and_unlike_each_other() -> None:
    names = [stream.name for stream in STREAMS]

    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name and "_" not in name for name in names)


def test_every_event_has_a_stream() -> None:
    """A dead letter lies on the stream that is named after its entry's own."""
    assert set(EVENTS.values()) - {DeadLetter} == set(STREAM_OF)
