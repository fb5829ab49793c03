"""A trace as a waterfall: a tree of spans with bars, in at most 80 columns of plain text."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from cli.traces.span import Span

WIDTH = 80
_BAR = 12
_MILLISECOND_NS = 1_000_000
_SECOND_NS = 1_000_000_000
_SERVICE = 10
_NAME = WIDTH - _SERVICE - _BAR - 21


@dataclass(frozen=True)
class Row:
    """One line of the waterfall: a span, how deep it stands, and what is odd about its place."""

    span: Span
    depth: int
    remark: str = ""


def rows(spans: list[Span]) -> list[Row]:
    """Every span once, parents before children, children by start time.

    A second root, a span whose parent never arrived, and one of a circle of parents stand at
    depth 0 with a remark.
    """
    ordered = sorted(spans, key=lambda span: (span.start_ns, -span.end_ns, span.span_id))
    known = {span.span_id for span in ordered}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in ordered:
        children[span.parent_id].append(span)
    found: list[Row] = []
    placed: set[str] = set()
    heads = [(root, "SECOND ROOT" if place else "") for place, root in enumerate(children[""])]
    heads += [
        (span, f"ORPHAN: parent {span.parent_id} is not in this trace")
        for span in ordered
        if span.parent_id and span.parent_id not in known
    ]
    for head, remark in [*heads, *((span, "CIRCLE: is its own ancestor") for span in ordered)]:
        if head.span_id not in placed:
            found += _under(head, children, placed=placed, remark=remark)
    return found


def waterfall(spans: list[Span]) -> str:
    """The trace as text: service, span, offset, duration, bar; what is odd in plain words."""
    if not spans:
        return "no spans"
    start_ns = min(span.start_ns for span in spans)
    whole_ns = max(1, max(span.end_ns for span in spans) - start_ns)
    placed = rows(spans)
    lines = [
        _headline(spans, placed, whole_ns=whole_ns),
        _line("service", "span", offset="offset", took="took"),
    ]
    for row in placed:
        name = " " * min(row.depth, 12) + row.span.name
        name += " (error)" if row.span.status == "error" else ""
        offset = duration(row.span.start_ns - start_ns)
        bar = _bar(row.span, start_ns=start_ns, whole_ns=whole_ns)
        took = duration(row.span.duration_ns)
        lines.append(_line(row.span.service, name, offset=offset, took=took) + bar.rstrip())
        if row.remark:
            lines.append(f"{'':<{_SERVICE}} ^ {row.remark}"[:WIDTH])
    return "\n".join(line.rstrip() for line in lines)


def duration(nanoseconds: int) -> str:
    """A length of time in the unit that fits: `840 us`, `12 ms`, `3.42 s`."""
    if nanoseconds < _MILLISECOND_NS:
        return f"{nanoseconds // 1_000} us"
    if nanoseconds < _SECOND_NS:
        return f"{nanoseconds / _MILLISECOND_NS:.0f} ms"
    return f"{nanoseconds / _SECOND_NS:.2f} s"


def _under(
    head: Span, children: dict[str, list[Span]], *, placed: set[str], remark: str
) -> Iterator[Row]:
    waiting = [Row(head, 0, remark)]
    while waiting:
        row = waiting.pop()
        placed.add(row.span.span_id)
        yield row
        below = [span for span in children[row.span.span_id] if span.span_id not in placed]
        waiting += [Row(span, row.depth + 1) for span in reversed(below)]


def _headline(spans: list[Span], placed: list[Row], *, whole_ns: int) -> str:
    services = sorted({span.service for span in spans})
    roots = sum(1 for span in spans if not span.parent_id)
    orphans = sum(1 for row in placed if row.remark.startswith("ORPHAN"))
    head = f"trace {spans[0].trace_id}: {len(spans)} spans, {duration(whole_ns)}, "
    head += "one root" if roots == 1 else f"{roots} roots"
    if orphans:
        head += f", {orphans} orphan{'s' if orphans > 1 else ''}"
    return f"{head}\nservices: {', '.join(services)}"


def _line(service: str, name: str, *, offset: str, took: str) -> str:
    cut = name if len(name) <= _NAME else name[: _NAME - 1] + "…"
    return f"{service[:_SERVICE]:<{_SERVICE}} {cut:<{_NAME}} {offset:>8} {took:>8}  "


def _bar(span: Span, *, start_ns: int, whole_ns: int) -> str:
    first = min(_BAR - 1, (span.start_ns - start_ns) * _BAR // whole_ns)
    last = min(_BAR, max(first + 1, -(-(span.end_ns - start_ns) * _BAR // whole_ns)))
    return " " * first + "█" * (last - first)
