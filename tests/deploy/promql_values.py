"""What a query of `tests.deploy.promql` answers, from two looks at `/metrics`.

`increase` and `rate` are what came between the looks; a series that was not there at the first one
has no increase, as in Prometheus, which does not know what it began with.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.deploy.promql import Aggregation, Function, Node, Number, Operation, Selector

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else math.nan,
}
Looked = dict[str, Vector]
"""By the name of the metric, every series with its value."""


@dataclass(frozen=True)
class Looks:
    """Two looks; `before` is the earlier one."""

    before: Looked = field(default_factory=dict)
    now: Looked = field(default_factory=dict)

    def answer(self, node: Node) -> Vector | float:
        """The value of the query; an alert fires for each series of a vector."""
        match node:
            case Number():
                return node.value
            case Selector():
                return self._selected(node, self.now)
            case Aggregation():
                return _aggregated(node, self._vector(node.inside))
            case Function():
                return self._called(node)
            case Operation():
                return _combined(node.sign, self.answer(node.left), self.answer(node.right))

    def _vector(self, node: Node) -> Vector:
        found = self.answer(node)
        assert isinstance(found, dict), f"{node} is no vector"
        return found

    def _selected(self, node: Selector, look: Looked) -> Vector:
        return {
            labels: value
            for labels, value in look.get(node.name, {}).items()
            if all(each.matches(dict(labels).get(each.label, "")) for each in node.matchers)
        }

    def _called(self, node: Function) -> Vector:
        if node.name == "absent":
            return {} if self._vector(node.arguments[0]) else {frozenset(): 1.0}
        if node.name == "histogram_quantile":
            share = self.answer(node.arguments[0])
            assert isinstance(share, float)
            return _quantiles(share, self._vector(node.arguments[1]))
        (selector,) = node.arguments
        assert isinstance(selector, Selector)
        began, stands = (self._selected(selector, look) for look in (self.before, self.now))
        return {labels: stands[labels] - began[labels] for labels in stands if labels in began}


def _aggregated(node: Aggregation, inside: Vector) -> Vector:
    found: dict[Labels, list[float]] = {}
    for labels, value in inside.items():
        found.setdefault(frozenset(each for each in labels if each[0] in node.by), []).append(value)
    fold: Callable[[list[float]], float] = sum if node.name == "sum" else max
    return {labels: fold(values) for labels, values in found.items()}


def _combined(sign: str, left: Vector | float, right: Vector | float) -> Vector | float:
    if sign == "or":
        assert isinstance(left, dict)
        assert isinstance(right, dict)
        return {**right, **left}
    pairs = _paired(left, right)
    if sign in COMPARISONS:
        return {labels: one for labels, (one, two) in pairs.items() if COMPARISONS[sign](one, two)}
    return {labels: ARITHMETIC[sign](one, two) for labels, (one, two) in pairs.items()}


def _paired(left: Vector | float, right: Vector | float) -> dict[Labels, tuple[float, float]]:
    if isinstance(left, dict) and isinstance(right, dict):
        return {labels: (left[labels], right[labels]) for labels in left if labels in right}
    if isinstance(left, dict) and isinstance(right, float):
        return {labels: (value, right) for labels, value in left.items()}
    assert isinstance(left, float)
    assert isinstance(right, dict), "two numbers make no vector"
    return {labels: (left, value) for labels, value in right.items()}


def _quantiles(share: float, buckets: Vector) -> Vector:
    """The upper bound of the bucket in which it lies: near enough to compare with a limit."""
    by_rest: dict[Labels, list[tuple[float, float]]] = {}
    for labels, value in buckets.items():
        rest = frozenset(each for each in labels if each[0] != "le")
        by_rest.setdefault(rest, []).append((float(dict(labels)["le"]), value))
    found: Vector = {}
    for rest, counted in by_rest.items():
        ordered = sorted(counted)
        total = ordered[-1][1]
        if total:
            found[rest] = next(bound for bound, value in ordered if value >= share * total)
    return found
