"""A policy that does not parse is refused with its file, the line, and the text there."""

import re

import pytest

from bus.errors import NotConfigured
from services.toolrunner.adapters.cedar import PolicyText, parsed

SOUND = """@id("sound")
@reason("One; two // three.")
permit (principal, action, resource == Server::"shop");
// A comment; and its end.
"""
"""Four lines, with what looks like the end of a rule and is none."""
HEAD = "permit (principal, action, resource)"


def refused(text: str) -> str:
    with pytest.raises(NotConfigured) as found:
        parsed(PolicyText({"a.cedar": SOUND, "b.cedar": SOUND + text}))
    return str(found.value)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("permit (\n principal,\n action ==,\n resource);", "line 7, near `action ==,`", "`,`"),
        (f"{HEAD};\n\nforbyd (principal);", "line 7, near `forbyd (principal);`", "forbyd"),
        (f"{HEAD}\nwhen {{ a ==\n }};\n{HEAD};", "line 7, near `};`", "`}`"),
        (f'{HEAD}\n when {{ "abc }};\n', 'line 6, near `when { "abc };`', "invalid token"),
        (f"{HEAD}\nforbid (principal);", "line 6, near `forbid (principal);`", "`(`"),
        (f"{HEAD}\nwhen {{\n\n true", "line 8, near `true`", "unexpected end of input"),
        (f"{HEAD};\n;", "line 6, near `;`", "`;`"),
        (f'@id("a")\n@id("b")\n{HEAD};', 'line 5, near `@id("a")`', "duplicate annotation"),
        (f'{HEAD}\nwhen {{\n ip("a").far() }};', 'line 7, near `ip("a").far() };`', "`far`"),
        (f"{HEAD}\nwhen {{\n context.a = 3 }};", "line 7, near `context.a = 3 };`", "'='"),
        ("permit (principal, // a; b; c\naction, , resource);", "line 6, near `action, , ", "`,`"),
        (f"{'x' * 300}", f"line 5, near `{'x' * 80}`", "end of input"),
    ],
    ids=lambda part: part if str(part).startswith("line") else "",
)
def test_what_does_not_parse_is_told_with_file_line_and_text(
    text: str, place: str, said: str
) -> None:
    found = refused(text)
    assert found.startswith(f"b.cedar cannot be parsed: {place}")
    assert said in found


def test_a_wrong_token_is_found_wherever_it_stands() -> None:
    sound = f"{HEAD}\nwhen {{ context.facts.pinned &&\n [1, 2].contains(3) }}\nunless {{ true }};"
    places = [found.start() for found in re.finditer(r"\w+|[(){},;]", sound)]
    for place in places:
        line = 5 + sound.count("\n", 0, place)
        assert f" line {line}, near `" in refused(f"{sound[:place]} then {sound[place:]}"), place


def test_a_condition_that_is_nested_too_deep_is_told_with_its_line() -> None:
    found = refused(f"{HEAD}\nwhen {{ {'true && ' * 90} true }};")
    assert found.startswith("b.cedar: a condition is nested too deep")
    assert "(line 6, near `when { true && true" in found


def test_a_file_without_the_end_of_a_rule_is_told_however_long_it_is() -> None:
    assert "line 5, near `y y y" in refused("y " * 30_000)
