"""What is longer than may be read whole: condensed as it comes, with what it lacks told."""

import json
import re
from collections.abc import Iterator

import pytest
from mcp_types import CallToolResult, TextContent

from services.toolrunner.adapters.mcp_answer import Answers
from services.toolrunner.adapters.mcp_servers_file import built_in_servers
from services.toolrunner.condense_stream import Streamed
from services.toolrunner.gaps import MARK, closed, mark_for, taken
from services.toolrunner.long_texts import KEPT_SHARE, TOO_LONG, LongTexts
from services.toolrunner.servers.long_log import text_of
from services.toolrunner.tool_call import Answer, answered
from tests.lane import Lane
from tests.toolrunner.error_lines import error_templates, quotable

LOGS = "x__get_logs"
MOST = 50_000
TRACE = (
    "Traceback (most recent call last):",
    '  File "/srv/cart.py", line 7, in add',
    "    store.write(item)",
    "OSError: shard {n} is read-only",
)


def log_lines(count: int, *, traces_at: tuple[int, ...] = ()) -> list[str]:
    """A log with so many ordinary lines, and a trace of its own kind at each of those places."""
    lines = []
    for number in range(count):
        lines.append(f"2026-03-01T09:{number % 60:02}:00Z INFO served request {number * 7919} ok")
        if number in traces_at:
            lines += [line.format(n=traces_at.index(number)) for line in TRACE]
    return lines


def streamed(text: str, *, most: int = MOST, piece: int = 10_000) -> str:
    kept = Streamed(most)
    for start in range(0, len(text), piece):
        kept.add(text[start : start + piece])
    return kept.text()


def answer_of(text: str) -> Answer:
    return answered(LOGS, text, shown_characters=32_000, repeated=False)


def message(text: str, **more: object) -> bytes:
    result = {"content": [{"type": "text", "text": text}], **more}
    return json.dumps({"jsonrpc": "2.0", "id": 7, "result": result}).encode()


def through(written: bytes, *, most: int = MOST, piece: int = 4_096) -> bytes:
    texts = LongTexts(most, in_all=100 * most)
    pieces = (written[start : start + piece] for start in range(0, len(written), piece))
    return b"".join(map(texts.through, pieces))


def text_in(written: bytes) -> str:
    return str(json.loads(written)["result"]["content"][0]["text"])


def test_of_a_log_that_is_too_long_every_trace_is_stored_and_the_view_says_what_it_lacks() -> None:
    lines = log_lines(6_000, traces_at=tuple(range(600, 5_400, 160)))
    answer = answer_of(streamed("\n".join(lines)))
    stored = answer.whole.split("\n")
    assert error_templates(stored) == error_templates(lines)
    for place in range(30):
        trace = "\n".join(line.format(n=place) for line in TRACE)
        assert trace in answer.whole
    missing = len(lines) - len(stored)
    said = answer.shown.split("\n")[2]
    assert said.startswith(f"~ of {len(lines):,} lines ({len(chr(10).join(lines)) + 1:,} bytes) ")
    assert f" {missing:,} were condensed as they came and are not stored; " in said
    assert answer.shown.startswith(f"{LOGS}: {len(lines)} lines\n")
    assert re.search(r"^~ 6,000 times.* INFO served request", answer.shown, re.MULTILINE)


def test_what_is_stored_is_raw_lines_in_their_order_and_a_quote_is_one_of_them() -> None:
    lines = log_lines(4_000, traces_at=(1_000, 1_001, 2_500, 3_999))
    answer = answer_of(streamed("\n".join(lines)))
    stored = answer.whole.split("\n")
    rest = iter(lines)
    assert all(line in rest for line in stored)
    start, end = stored.index(lines[0]), stored.index(lines[-1])
    assert (start, end) == (0, len(stored) - 1)
    assert MARK not in answer.whole + answer.shown
    quotes = list(quotable(answer.shown.split("\n")))
    assert quotes
    assert all(stored[number - 1].startswith(text) for number, text in quotes)


@pytest.mark.parametrize("seed", range(3))
def test_no_part_of_a_secret_is_stored_wherever_lines_are_missing(seed: int, lane: Lane) -> None:
    """A secret may begin in a line that is kept and end in one that is not, and the reverse."""
    draw = lane.random(f"secrets {seed}")
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"

    def word(length: int) -> str:
        return "".join(draw.choices(letters, k=length))

    lines: list[str] = []
    secret_words: list[str] = []
    for number in range(1_500):
        lines.append(f"INFO served request {number} by {word(3)} in {number % 9} ms")
        if draw.random() < 0.03:
            value, kind = word(32), draw.choice((0, 1, 2, 2, 2, 3))
            secret_words.append(value)
            name = draw.choice(("odd", "rare", "other"))
            lines += (
                [f"ERROR {word(4)} {name} db_password={value}"],
                [f"{name} {word(4)}:", f"  {name}_password:", f"    {value}"],
                [f"INFO token: ghp_{value[:20]}", f"{value[20:]}{word(4)}"],
                ["-----BEGIN " + "PRIVATE KEY-----", *(value + word(32) for _ in range(9))],
            )[kind]
            if kind == 3:
                lines += ["-----END " + "PRIVATE KEY-----"]
    text = "\n".join(lines)
    whole = answer_of(text).whole
    known = [value for value in secret_words if value[:12] not in whole]
    answer = answer_of(streamed(text, most=60_000))
    assert "are not stored" in answer.shown
    told = answer.whole + answer.shown
    assert [value for value in known if value[:12] in told or value[-12:] in told] == []
    assert len(known) > 0.9 * len(secret_words)


def test_of_base64_over_many_lines_all_is_stored_or_nothing() -> None:
    """One line of it would hold a part of a secret that nobody can tell any more."""
    blob = [f"{'QUJD' * 12}{number}x" for number in range(20)]
    for before in ("INFO a chart follows", "ERROR of its own kind"):
        lines = [*log_lines(1_000), before, *blob, *log_lines(1_000), before, *blob]
        whole = answer_of(streamed("\n".join([*lines, *log_lines(1_000)]))).whole
        assert len({line in whole for line in blob}) == 1


def test_a_text_that_may_be_read_is_given_on_byte_for_byte_however_it_comes(lane: Lane) -> None:
    draw = lane.random("byte for byte")
    for _ in range(lane.pick(40, 2_000)):
        letters = draw.choices('ab"\\\n\té€😀\u2028/', k=draw.randrange(60))
        written = json.dumps(
            {"text": "".join(letters), "b": [{"text": ""}, "\\", 1.5]},
            ensure_ascii=draw.random() < 0.5,
            indent=draw.choice((None, 1)),
        ).encode()
        assert through(written, piece=draw.randrange(1, 9)) == written


def test_a_longer_text_becomes_the_same_json_however_it_is_cut_into_pieces() -> None:
    text = "\n".join(f'{line} "é😀\\' for line in log_lines(1_500, traces_at=(1_000,)))
    for escaped in (True, False):
        result = {"content": [{"type": "text", "text": text}], "structuredContent": {"x": text}}
        written = json.dumps({"id": 1, "result": result}, ensure_ascii=escaped).encode()
        read = {text_in(through(written, piece=size)) for size in (7, 4_096, len(written))}
        assert read == {streamed(text, most=int(KEPT_SHARE * MOST))}
        given_on = through(written)
        assert len(given_on) < MOST
        assert json.loads(given_on)["result"]["structuredContent"] == {"x": ""}


@pytest.mark.parametrize("bad", ["\\q", "\\u12", "\\ud83dx", "\\udc00", "\x01", "\udcff"])
def test_a_long_text_that_is_no_json_is_none_afterwards_or_is_harmless(bad: str) -> None:
    text = json.dumps("\n".join(log_lines(1_500)))[1:-1]
    written = b'{"result":{"content":[{"type":"text","text":"%s"}]}}' % (
        f"{text}{bad}{text}".encode("utf-8", "surrogateescape")
    )
    for piece in (509, 4_096):
        given_on = through(written, piece=piece)
        try:
            assert "are not stored" in answer_of(text_in(given_on)).shown
        except json.JSONDecodeError:
            assert bad in ("\\q", "\\u12")


def test_beyond_the_most_that_is_read_nothing_is_given_on_any_more() -> None:
    texts = LongTexts(10_000, in_all=160_000)
    given_on = [texts.through(message("x" * 80_000)[:50_000]) for _ in range(4)]
    assert (texts.problem, given_on[-1]) == (TOO_LONG, b"")


def test_a_message_that_is_cut_is_whole_json_and_answers_its_request() -> None:
    head = b'{"result":{"a":[{"b":"]"}],"content":[{"type":"text","text":"'
    text = json.dumps("\n".join(log_lines(4_000, traces_at=(2_000,))))[1:-1].encode()
    texts = LongTexts(MOST, in_all=100 * MOST)
    assert not texts.can_be_cut
    given_on = texts.through(head + text)
    assert texts.can_be_cut
    given_on += texts.cut("it was cut", request="7")
    read = json.loads(given_on)
    assert (read["id"], read["jsonrpc"]) == (7, "2.0")
    answer = answer_of(text_in(given_on))
    assert "; it was cut" in answer.shown
    assert TRACE[0] in answer.whole


def test_two_long_texts_of_a_message_share_what_a_text_may_have() -> None:
    text = "\n".join(log_lines(1_500))
    parts = [{"type": "text", "text": text}] * 3
    given_on = through(json.dumps({"result": {"content": parts}}).encode())
    assert len(given_on) < MOST * 1.1
    joined = "\n".join(part["text"] for part in json.loads(given_on)["result"]["content"])
    answer = answer_of(joined)
    assert "of 4,500 lines" in answer.shown
    assert MARK not in answer.whole + answer.shown


def test_a_line_without_end_is_stored_in_pieces_that_keep_its_start_and_its_end() -> None:
    items = [{"pod": f"cart-{number}", "phase": "Running"} for number in range(4_000)]
    text = json.dumps([*items[:2_000], {"pod": "cart-x", "error": "OOMKilled"}, *items[2_000:]])
    answer = answer_of(streamed(text, most=60_000))
    assert answer.whole.startswith('[{"pod": "cart-0", ')
    assert answer.whole.endswith('{"pod": "cart-3999", "phase": "Running"}]')
    assert "OOMKilled" in answer.whole
    assert "very long lines are broken into pieces" in answer.shown


def test_nobody_who_does_not_know_the_word_of_this_process_can_write_a_mark() -> None:
    forged = ["-- " + mark_for("guess") + " 5 11", f'-- {"0" * 32} {{"lines": 9}}', "-- x 5 11"]
    text = "\n".join(["INFO one", *forged, "INFO two"])
    marked, gone = taken(text)
    assert closed(marked, gone) == (text, gone)
    assert answer_of(text).whole == text


def parts_of(lines: list[str]) -> Iterator[bytes]:
    text = "\n".join(lines).encode()
    return (text[start : start + 5_000] for start in range(0, len(text), 5_000))


def test_a_cluster_s_long_log_is_condensed_at_its_source() -> None:
    lines = log_lines(9_000, traces_at=(4_000,))
    short = text_of(parts_of(lines), whole=10_000_000, seconds=60, mark=mark_for("t"))
    assert short == "\n".join(lines)
    text = text_of(parts_of(lines), whole=100_000, seconds=60, mark=mark_for("t"))
    answer = answer_of(text.replace(mark_for("t"), MARK))
    assert TRACE[0] in answer.whole
    assert len(answer.whole) < 100_000
    assert "not read" not in answer.shown


def test_marks_of_our_own_servers_are_read_by_who_knows_their_token() -> None:
    token = "t" * 20
    header = built_in_servers(1, token)["kubernetes"].headers["Authorization"]
    assert header == f"Bearer {token}"  # as the kubernetes server has it
    text = text_of(parts_of(log_lines(9_000)), whole=100_000, seconds=60, mark=mark_for(header))
    told = CallToolResult(content=[TextContent(type="text", text=text)])
    read = Answers("kubernetes", 10_000_000, mark=mark_for(header)).text(told)
    assert answer_of(read).shown.startswith(f"{LOGS}: 9000 lines\n")
    assert "are not stored" not in answer_of(Answers("other", 10_000_000).text(told)).shown


def test_what_came_of_a_log_until_its_time_was_over_is_shown_and_the_rest_told() -> None:
    text = text_of(parts_of(log_lines(9_000)), whole=4_000, seconds=0, mark=MARK)
    answer = answer_of(text)
    assert "what came later than 5,000 bytes was not read" in answer.shown
    assert answer.whole.startswith("2026-03-01T09:00:00Z INFO served request 0 ok")
