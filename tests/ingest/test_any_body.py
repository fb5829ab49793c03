"""Whatever stands in the queue, reading it ends in an action or a rejection, never otherwise."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from bus.cleaning import clean
from bus.errors import Rejected
from services.ingest.alarm import read
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.trigger import Found, Raised
from services.ingest.wrapping import messages_of
from tests.ingest.bodies import event, flat_alarm

texts = st.text(max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def read_all(body: str) -> None:
    with contextlib.suppress(Rejected):
        for message in messages_of(body):
            found = read(message, clean=clean)
            assert isinstance(found, Found)
            if isinstance(found, Raised):
                incident_of(found, service_of(found.alarm)).model_dump_json().encode()


def places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every field in a document."""
    if not isinstance(value, dict):
        return []
    return [
        found
        for name, inner in value.items()
        for found in [(*path, name), *places(inner, (*path, name))]
    ]


def with_value(document: dict[str, object], path: tuple[str, ...], value: object) -> object:
    first, *rest = path
    inner = document[first]
    if rest and isinstance(inner, dict):
        return document | {first: with_value(inner, tuple(rest), value)}
    return document | {first: value}


@given(st.text())
def test_any_text_is_read_or_rejected(body: str) -> None:
    read_all(body)
    read_all("{" + body)


@given(st.data(), values, st.sampled_from([flat_alarm(), event()]))
def test_an_alarm_with_anything_in_any_field_is_read_or_rejected(
    draw: st.DataObject, value: object, body: str
) -> None:
    document = json.loads(body)
    path = draw.draw(st.sampled_from(places(document)))

    read_all(json.dumps(with_value(document, path, value)))


def test_a_figure_longer_than_python_reads_is_rejected() -> None:
    read_all(flat_alarm().replace("0.0", "9" * 5000))
