"""What an answer may be: told from its bytes in any pieces, without parsing them."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.toolrunner.shape import MOST_DEEP, MOST_VALUES, TOO_DEEP, TOO_LARGE, TOO_MANY, Shape

MANY = 100_000_000
texts = st.text('ab"\\[]{},:\n é\U0001f600', max_size=9)
scalars = st.none() | st.booleans() | st.integers() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=25,
)


def verdict(pieces: Iterable[bytes], *, most: int = MANY, events: bool = False) -> str:
    shape = Shape(most, events=events)
    return next((problem for piece in pieces if (problem := shape.problem(piece))), "")


def pieces_of(text: bytes, size: int) -> list[bytes]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(value=values, extra=st.integers(MOST_DEEP - 4, MOST_DEEP + 1), size=st.integers(1, 40))
def test_the_depth_of_any_json_is_seen_in_pieces_of_any_size(
    value: object, extra: int, size: int
) -> None:
    text = json.dumps(value, ensure_ascii=False)
    text = '{"]": "[", "\\\\": ' + "[" * extra + text + "]" * extra + "}"
    deep = depth_of(json.loads(text)) > MOST_DEEP
    assert verdict(pieces_of(text.encode(), size)) == (TOO_DEEP if deep else "")


@given(value=values, size=st.integers(1, 40))
def test_in_events_only_their_data_counts(value: object, size: int) -> None:
    data = json.dumps([value] * 3, ensure_ascii=False)
    noise = b': "[[[ \\\r\nid: "{{{\nretry: 1\r\rdat: [[[\n'
    stream = (noise + b"event: message\ndata: " + data.encode() + b"\r\n\r\n") * 10
    assert verdict(pieces_of(stream, size), events=True) == ""


def test_a_comment_hides_no_depth_from_the_reader_of_events() -> None:
    lines = [b"data: " + b"[" * 20, b": " + b"]" * 20, b': "'] * 4
    assert verdict([b"\n".join(lines)], events=True) == TOO_DEEP
    closing_first = b"data: " + b"]" * 100 + b"\n\ndata: " + b"[" * (MOST_DEEP + 1)
    assert verdict([closing_first], events=True) == TOO_DEEP
    in_no_string = b'data: "\n\ndata: ' + b"[" * (MOST_DEEP + 1)
    assert verdict([in_no_string], events=True) == TOO_DEEP


@pytest.mark.parametrize("brackets", [b"[", b"{", b'{"a":', b"[1,["])
def test_a_million_levels_are_refused_at_once(brackets: bytes) -> None:
    assert verdict(pieces_of(brackets * 1_000_000, 65_536)) == TOO_DEEP


@pytest.mark.parametrize("value", [b"{},", b"[],", b"1,", b'{"type":"text"},', b'"",'])
def test_too_many_values_are_refused_and_text_is_not(value: bytes) -> None:
    assert verdict(pieces_of(b"[" + value * (MOST_VALUES + 1), 65_536)) == TOO_MANY
    text = json.dumps({"text": (value * MOST_VALUES).decode()}).encode()
    assert verdict(pieces_of(text, 65_536)) == ""


def test_lines_without_data_are_no_way_to_keep_a_reader_of_events_busy() -> None:
    assert verdict([b"\n" * 1000] * 1000, events=True) == TOO_MANY


def test_garbage_of_strings_alone_is_refused() -> None:
    assert verdict([b'""' * (2 * MOST_VALUES + 1)]) == TOO_MANY


def test_one_byte_over_the_limit_is_too_large() -> None:
    assert verdict([b'"' + b"x" * 98 + b'"'], most=100) == ""
    assert verdict([b'"' + b"x" * 98, b'y"'], most=100) == TOO_LARGE


@pytest.mark.parametrize(
    "wide", ["→".encode(), "\U0001f600".encode(), b"\\u2192", b"\\ud83d\\ude00"]
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_text_that_takes_more_memory_than_bytes_may_have_a_third(wide: bytes, size: int) -> None:
    text = b'"' + b"x" * 50 + wide + b"x" * 50 + b'"'
    assert verdict(pieces_of(text, size), most=3 * len(text)) == ""
    assert verdict(pieces_of(text, size), most=3 * len(text) - 3) == TOO_LARGE


@pytest.mark.parametrize("narrow", ["é".encode(), b"\\u001b", b"\\n", b"u2192"])
def test_text_that_takes_no_more_memory_than_bytes_may_have_it_all(narrow: bytes) -> None:
    text = b'"' + b"x" * 50 + narrow + b"x" * 50 + b'"'
    assert verdict(pieces_of(text, 1), most=len(text)) == ""


@pytest.mark.parametrize("piece", [b"x", b"\\n", b'\\"', b"\\\\", "\U0001f600".encode()])
def test_megabytes_of_text_take_no_time_to_speak_of(piece: bytes) -> None:
    """In steps that go back they would take minutes, and the test's time would be over."""
    assert verdict(pieces_of(b'"' + piece * (8_000_000 // len(piece)), 65_536)) == ""
