"""Enough of PromQL to read the queries of rules and panels: what they ask for, as a tree.

What is written wrong, or is none of what our queries use, raises NotPromQL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

AGGREGATIONS = frozenset({"sum", "max"})
OVER_TIME = frozenset({"rate", "increase"})
FUNCTIONS = frozenset({"absent", "histogram_quantile"})
WEAKEST_FIRST = (
    ("or",),
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
        """The values that must be there; none where it only leaves some out."""
        if self.sign not in ("=", "=~"):
            return ()
        return tuple(self.value.split("|")) if self.sign == "=~" else (self.value,)

    def matches(self, found: str) -> bool:
        """Whether a value of the label meets it."""
        pattern = self.value if "~" in self.sign else re.escape(self.value)
        return bool(re.fullmatch(pattern, found)) is not self.sign.startswith("!")


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Selector:
    """A metric with its conditions."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    over: str = ""


@dataclass(frozen=True)
class Function:
    """A function of its arguments; `rate` and `increase` have one selector with a range."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Aggregation:
    """A sum or a maximum, by labels."""

    name: str
    by: tuple[str, ...]
    inside: "Node"


@dataclass(frozen=True)
class Operation:
    """Two parts and what stands between them."""

    sign: str
    left: "Node"
    right: "Node"


Node = Number | Selector | Function | Aggregation | Operation


def read(text: str) -> Node:
    """The query as a tree. Raises NotPromQL."""
    parser = _Parser(list(_tokens(text)))
    found = parser.expression(0)
    parser.expect("end", "")
    return found


def selectors(node: Node) -> list[Selector]:
    """Every selector in it."""
    match node:
        case Selector():
            return [node]
        case Function():
            return [each for argument in node.arguments for each in selectors(argument)]
        case Aggregation():
            return selectors(node.inside)
        case Operation():
            return selectors(node.left) + selectors(node.right)
        case Number():
            return []


def groupings(node: Node) -> list[tuple[str, Selector]]:
    """Each label that is grouped by, with each selector whose series therefore need it."""
    match node:
        case Aggregation():
            own = [(label, each) for label in node.by for each in selectors(node.inside)]
            return own + groupings(node.inside)
        case Function():
            return [each for argument in node.arguments for each in groupings(argument)]
        case Operation():
            return groupings(node.left) + groupings(node.right)
        case _:
            return []


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
    at: int = 0

    def expression(self, level: int) -> Node:
        if level == len(WEAKEST_FIRST):
            return self.operand()
        found = self.expression(level + 1)
        while self.tokens[self.at][1] in WEAKEST_FIRST[level]:
            sign = self.take()[1]
            found = Operation(sign, found, self.expression(level + 1))
        return found

    def operand(self) -> Node:
        kind, word = self.take()
        if word == "(":
            (found,) = self.inside(1)
            return found
        if kind == "name":
            return self.named(word)
        if kind != "number":
            self.fail(f"{word!r} is no operand")
        return Number(float(word))

    def named(self, word: str) -> Node:
        """An aggregation, a function or a selector."""
        if word in AGGREGATIONS:
            return self.aggregation(word)
        if word in OVER_TIME:
            self.expect("sign", "(")
            selector = self.selector(self.expect("name"))
            self.expect("sign", ")")
            if not selector.over:
                self.fail("a range is missing")
            return Function(word, (selector,))
        if word in FUNCTIONS:
            self.expect("sign", "(")
            return Function(word, self.inside(2 if word == "histogram_quantile" else 1))
        if self.tokens[self.at] == ("sign", "("):
            self.fail(f"{word} is no function of ours")
        if (selector := self.selector(word)).over:
            self.fail("a range where there is a moment")
        return selector

    def inside(self, count: int) -> tuple[Node, ...]:
        """So many parts, parted by commas, and the closing bracket."""
        found = [self.expression(0)]
        while self.tokens[self.at][1] == ",":
            self.at += 1
            found.append(self.expression(0))
        self.expect("sign", ")")
        if len(found) != count:
            self.fail(f"{len(found)} arguments")
        return tuple(found)

    def aggregation(self, name: str) -> Aggregation:
        labels: list[str] = []
        if self.tokens[self.at] == ("name", "by"):
            self.at += 1
            self.expect("sign", "(")
            labels.append(self.expect("name"))
            while self.tokens[self.at][1] == ",":
                self.at += 1
                labels.append(self.expect("name"))
            self.expect("sign", ")")
        self.expect("sign", "(")
        return Aggregation(name, tuple(labels), self.inside(1)[0])

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
        return Selector(name, tuple(matchers), over)

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
