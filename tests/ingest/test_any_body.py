"""Whatever stands in the queue, reading it ends in an action or a rejection, never otherwise."""

import base64
import contextlib
import json
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.cleaning import clean
from bus.errors import Rejected
from services.ingest import alertmanager, log_batch
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.reading import read
from services.ingest.trigger import Found, Raised, Unreadable
from tests.ingest.bodies import alerts, event, flat_alarm, log_lines, packed

texts = st.text(max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def read_all(body: str) -> None:
    for found in read(body, clean=clean):
        assert isinstance(found, Found | Unreadable)
        if isinstance(found, Raised):
            incident_of(found, service_of(found.alarm)).model_dump_json().encode()


def places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every field in a document."""
    if not isinstance(value, dict):
        return []
    return [
        found
        for name, inner in value.items()
        for found in [(*path, name), *places(_inside(inner), (*path, name))]
    ]


def _inside(value: object) -> object:
    """Of a list, its first element: what is wrong with one is wrong with any."""
    return value[0] if isinstance(value, list) and value else value


def with_value(document: dict[str, object], path: tuple[str, ...], value: object) -> object:
    first, *rest = path
    held = document[first]
    inner = _inside(held)
    if not rest or not isinstance(inner, dict):
        return document | {first: value}
    changed = with_value(inner, tuple(rest), value)
    return document | {first: [changed] if isinstance(held, list) else changed}


@given(st.text())
def test_any_text_is_read_or_rejected(body: str) -> None:
    read_all(body)
    read_all("{" + body)


@given(st.data(), values, st.sampled_from([flat_alarm(), event(), alerts()]))
def test_an_alarm_with_anything_in_any_field_is_read_or_rejected(
    draw: st.DataObject, value: object, body: str
) -> None:
    document = json.loads(body)
    path = draw.draw(st.sampled_from(places(document)))

    read_all(json.dumps(with_value(document, path, value)))


def test_a_figure_longer_than_python_reads_is_rejected() -> None:
    read_all(flat_alarm().replace("0.0", "9" * 5000))


@given(st.data(), values)
def test_a_log_batch_with_anything_in_any_field_is_read_or_rejected(
    draw: st.DataObject, value: object
) -> None:
    document = json.loads(log_lines("ERROR lost the cart", '{"level": "error", "msg": "no"}'))
    path = draw.draw(st.sampled_from(places(document)))

    read_all(
        json.dumps({"awslogs": {"data": packed(json.dumps(with_value(document, path, value)))}})
    )


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["level", "message", "error", "stack"]), values, max_size=3))
def test_a_log_line_of_any_json_is_read(line: dict[str, object]) -> None:
    read_all(log_lines(json.dumps(line), json.dumps(line | {"level": "error"})))


@given(st.binary(max_size=200))
def test_any_bytes_as_a_log_batch_are_read_or_rejected(data: bytes) -> None:
    for held in (
        data,
        zlib.compress(data),
        base64.b64encode(data),
        base64.b64encode(zlib.compress(data)),
    ):
        with contextlib.suppress(Rejected):
            log_batch.read(held, clean=clean)


@given(values)
def test_any_json_as_a_group_of_alerts_is_read_or_rejected(value: object) -> None:
    for payload in (value, {"version": "4", "alerts": [value]}):
        with contextlib.suppress(Rejected):
            alertmanager.read(payload, clean=clean)
