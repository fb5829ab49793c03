"""Texts are cut between signs, sentences found, parts left out by rank."""

import pytest

from services.notifier.blocks import Block, paragraph, plain
from services.notifier.cutting import cut, first_sentence, one_line, units
from services.notifier.fitting import MAX_BLOCKS, MAX_CHARACTERS, Part, characters, fitted

THUMB, FLAG = "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea"


def test_cut_text_says_how_much_is_missing_and_keeps_to_the_length() -> None:
    text = cut("x" * 1000, 100)
    assert len(text) <= 100
    kept = text.count("x")
    assert text.endswith(f"… {1000 - kept} more characters")
    assert cut("short", 100) == "short"


@pytest.mark.parametrize("most", range(60, 76))
@pytest.mark.parametrize("sign", ["e\u0301", THUMB, FLAG, "\u1112\u1161\u11ab", "\u0928\u093f"])
def test_no_sign_is_cut_in_half(sign: str, most: int) -> None:
    kept, _, rest = cut(sign * 100, most).partition("…")
    assert units(kept) + len("…") + len(rest) <= most
    assert kept == sign * (len(kept) // len(sign))


def test_length_is_counted_in_halves_where_a_sign_has_two() -> None:
    assert units("a\U0001f4a5") == 3
    assert units(cut("\U0001f4a5" * 200, 100)) <= 100


def test_endless_sign_is_cut_all_the_same() -> None:
    assert 900 < len(cut("e" + "\u0301" * 5000, 1000)) <= 1000


@pytest.mark.parametrize("open_end", ["[secret:github:1a2b3c4d]", ":rotating_light:"])
def test_tag_of_a_secret_and_code_of_an_emoji_are_kept_whole_or_not_at_all(open_end: str) -> None:
    for most in range(60, 100):
        kept = cut(f"{'x' * 40} {open_end} {'y' * 100}", most).partition("…")[0]
        assert open_end in kept or not set("[:") & set(kept)


@pytest.mark.parametrize(
    ("text", "first", "rest"),
    [
        ("It leaks. It is old.", "It leaks.", "It is old."),
        ("Store.cs:34 throws e.g. for AAAA. Then it dies.", None, "Then it dies."),
        ("It throws (v1.2. It is new", None, "It is new"),
        ("It ends, i.e. The pod dies", None, ""),
        ("It said 'no'. \u201cYes\u201d it said", "It said 'no'.", "\u201cYes\u201d it said"),
        ("one line\nand another", "one line and another", ""),
        ("a title\n\nand a text. More.", "a title", "and a text. More."),
        ("   ", "", ""),
    ],
)
def test_first_sentence_is_found(text: str, first: str | None, rest: str) -> None:
    said, more = first_sentence(text)
    assert more == rest
    assert first is None or said == first


def test_line_breaks_are_blanks_in_one_line() -> None:
    assert one_line("a\n b\t\tc\r\n", 100) == "a b c"


def part(name: str, rank: int, *, of: int, times: int = 1) -> Part:
    return Part(name, rank, tuple(paragraph(plain("x" * of)) for _ in range(times)))


def names(blocks: tuple[Block, ...]) -> str:
    return str(blocks[-2]) + str(blocks[-1])


def test_least_important_part_goes_first_and_is_named() -> None:
    parts = [
        part("head", 0, of=100),
        part("evidence", 1, of=5000),
        part("ruled out", 6, of=5000),
        part("gaps", 5, of=5000),
        part("foot", 0, of=100),
    ]
    blocks = fitted(parts)
    assert len(blocks) == 5
    assert characters(blocks) <= MAX_CHARACTERS
    assert "cannot hold it: ruled out'" in str(blocks[3])
    assert [characters(block) for block in blocks[:3]] == [100, 5000, 5000]
    assert characters(blocks[4]) == 100


def test_too_many_blocks_are_too_many_too() -> None:
    parts = [part("head", 0, of=1), part("log", 1, of=1, times=60), part("foot", 0, of=1)]
    assert len(fitted(parts)) == 3
    assert len(fitted([part("head", 0, of=1), part("log", 1, of=1, times=40)])) <= MAX_BLOCKS


def test_whatever_is_of_rank_nought_stays() -> None:
    assert characters(fitted([part("head", 0, of=20_000)])) == 20_000
