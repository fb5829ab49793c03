"""Enough of PromQL to know what a query asks for: its selectors, and the labels it groups by.

What is written wrong, or is none of what our rules use, raises NotPromQL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

AGGREGATIONS = frozenset({"sum", "max", "min", "avg", "count"})
OVER_TIME = frozenset({"rate", "increase"})
FUNCTIONS = frozenset({"absent", "histogram_quantile"})
WEAKEST_FIRST = (
    ("or",),
    ("and", "unless"),
    ("==", "!=", ">=", "<=", ">", "<"),
    ("+", "-"),
    ("*", "/"),
)
_TOKEN = re.compile(
    r"""\s*(?:(?P<range>\[(?:\d+[smhd]|\$__rate_interval)\])|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<string>"(?:[^"\\]|\\.)*")|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<sign>=~|!~|==|!=|>=|<=|[-+*/><=(){},]))"""
)


class NotPromQL(ValueError):
    """It cannot be read; the text says where."""


@dataclass(frozen=True)
class Matcher:
    """One condition on a label."""

    label: str
    sign: str
    value: str

    @property
    def wanted(self) -> tuple[str, ...]:
        """The values of which at least one must be there; none where it only leaves some out."""
        if self.sign not in ("=", "=~"):
            return ()
        return tuple(self.value.split("|")) if self.sign == "=~" else (self.value,)


@dataclass(frozen=True)
class Selector:
    """A metric with its conditions."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    over: str = ""


@dataclass
class Query:
    """What a query asks for."""

    selectors: list[Selector] = field(default_factory=list)
    groupings: list[tuple[str, Selector]] = field(default_factory=list)
    """A label that is grouped by, and a selector whose series therefore need it."""

    @property
    def labels(self) -> set[str]:
        """The labels that it groups by."""
        return {label for label, _ in self.groupings}


def read(text: str) -> Query:
    """The query. Raises NotPromQL."""
    parser = _Parser(list(_tokens(text)))
    parser.expression(0)
    parser.expect("end", "")
    return parser.query


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, text = 0, text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or not found.lastgroup:
            raise NotPromQL(f"{text[at : at + 20]!r} in {text!r}")
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()
    yield "end", ""


@dataclass
class _Parser:
    tokens: list[tuple[str, str]]
    query: Query = field(default_factory=Query)
    at: int = 0

    def expression(self, level: int) -> None:
        if level == len(WEAKEST_FIRST):
            self.operand()
            return
        self.expression(level + 1)
        while self.tokens[self.at][1] in WEAKEST_FIRST[level]:
            self.at += 1
            self.expression(level + 1)

    def operand(self) -> None:
        kind, word = self.take()
        if word == "(":
            self.inside()
        elif kind == "name":
            self.named(word)
        elif kind != "number":
            self.fail(f"{word!r} is no operand")

    def named(self, word: str) -> None:
        """An aggregation, a function or a selector."""
        if word in AGGREGATIONS:
            self.aggregation()
        elif word in OVER_TIME:
            self.expect("sign", "(")
            if not self.selector(self.expect("name")).over:
                self.fail("a range is missing")
            self.expect("sign", ")")
        elif word in FUNCTIONS:
            self.expect("sign", "(")
            self.inside()
        elif self.tokens[self.at] == ("sign", "("):
            self.fail(f"{word} is no function of ours")
        elif self.selector(word).over:
            self.fail("a range where there is a moment")

    def inside(self) -> None:
        """What stands in brackets, parted by commas."""
        self.expression(0)
        while self.tokens[self.at][1] == ",":
            self.at += 1
            self.expression(0)
        self.expect("sign", ")")

    def aggregation(self) -> None:
        labels: list[str] = []
        if self.tokens[self.at] == ("name", "by"):
            self.at += 1
            self.expect("sign", "(")
            labels.append(self.expect("name"))
            while self.tokens[self.at][1] == ",":
                self.at += 1
                labels.append(self.expect("name"))
            self.expect("sign", ")")
        before = len(self.query.selectors)
        self.expect("sign", "(")
        self.inside()
        inside = self.query.selectors[before:]
        self.query.groupings += [(label, each) for label in labels for each in inside]

    def selector(self, name: str) -> Selector:
        matchers: list[Matcher] = []
        while self.tokens[self.at][1] == ("," if matchers else "{"):
            self.at += 1
            label, (_, sign) = self.expect("name"), self.take()
            if sign not in ("=", "!=", "=~", "!~"):
                self.fail(f"{sign!r} matches nothing")
            value = self.expect("string")[1:-1]
            re.compile(value)
            matchers.append(Matcher(label, sign, value))
        if matchers:
            self.expect("sign", "}")
        over = self.take()[1] if self.tokens[self.at][0] == "range" else ""
        found = Selector(name, tuple(matchers), over)
        self.query.selectors.append(found)
        return found

    def take(self) -> tuple[str, str]:
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, kind: str, word: str | None = None) -> str:
        found, said = self.tokens[self.at]
        if found != kind or (word is not None and said != word):
            self.fail(f"{word or kind} is missing before {said!r}")
        return self.take()[1]

    def fail(self, why: str) -> NoReturn:
        whole = " ".join(word for _, word in self.tokens)
        raise NotPromQL(f"{why}: {whole}")
