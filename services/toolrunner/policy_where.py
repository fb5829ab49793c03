"""Where Cedar text is wrong: its parser names no line, so that it is asked about less and less.

First about each rule alone; then about the beginnings of the one that is wrong, each ended by a
semicolon. The parser says the same of all that hold the first wrong token, and of none before.
"""

import bisect
import re
from collections.abc import Callable, Iterator

OF_TOKENS = ("unexpected token", "invalid token", "unexpected end of input")
"""How sentences begin that are about the form; others are about what a rule of good form says."""
LONGEST_SHOWN = 80
MOST_TOKENS = 20_000
"""In a rule that is looked at closely; one with more lacks its end, and is shown there."""
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n\r]*|\w+|::|&&|\|\||[=!<>]=|\S', re.DOTALL)
_NAMED = re.compile(r"`([^`]+)`|'([^']+)'|: (\S+)$")
Token = re.Match[str]
Problem = Callable[[str], str]
"""What is wrong with that Cedar text; empty when nothing is."""


def where_wrong(text: str, problem: Problem) -> str:
    """Line and text of the first thing that is wrong, in words."""
    for rule in _rules(text):
        if said := problem(text[rule[0].start() : rule[-1].end()]):
            return _place(text, _culprit(text, rule, said=said, problem=problem))
    return "the file as a whole"


def _rules(text: str) -> Iterator[list[Token]]:
    """The tokens of each rule: up to a semicolon, which stands nowhere else."""
    rule: list[Token] = []
    for token in _TOKEN.finditer(text):
        if token[0].startswith("//"):
            continue
        rule.append(token)
        if token[0] == ";":
            yield rule
            rule = []
    if rule:
        yield rule


def _culprit(text: str, rule: list[Token], *, said: str, problem: Problem) -> int:
    """The place in the text of what the sentence is about."""
    begin = rule[0].start()
    if not said.startswith(OF_TOKENS):
        return _named(text, rule, said=said)
    if said.endswith("`;`") or len(rule) > MOST_TOKENS:
        return rule[-1].start()

    def is_wrong(token: Token) -> bool:
        return problem(f"{text[begin : token.end()]} ;") == said

    first = bisect.bisect_left(rule, True, hi=len(rule) - 1, key=is_wrong)
    return rule[first].start()


def _named(text: str, rule: list[Token], *, said: str) -> int:
    """The place of what the sentence names; where the rule begins, if that is not found."""
    begin, end = rule[0].start(), rule[-1].end()
    names = [name for found in _NAMED.finditer(said) for name in found.groups() if name]
    places = [token.start() for name in names for token in rule if token[0] == name]
    places += [text.find(name, begin, end) for name in names]
    return next((place for place in places if place >= 0), begin)


def _place(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 :].partition("\n")[0]
    # Sentences about several files are joined by a semicolon and a space.
    shown = " ".join(line.split()).replace("; ", ";")[:LONGEST_SHOWN]
    return f"line {text.count(chr(10), 0, at) + 1}, near `{shown}`"
