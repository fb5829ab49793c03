"""Which replica sent what a stand-in was asked: found by what passed the proxy."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tests.chaos.evidence import Asked
from tests.chaos.proxy.passage import Passage

OPERATIONS = {"model": "model call", "kubernetes": "tool call", "github": "tool call"}
Key = tuple[str, str, str]


def with_senders(
    asked: Iterable[Asked], passages: Iterable[Passage], cases: Mapping[str, str]
) -> Iterator[Asked]:
    """The requests with their senders, where a passage of that very call was under way then.

    `cases` holds the incidents by case. Each passage is one request: where several of the same call
    were under way, the one that came last is taken, and none twice.
    """
    found: dict[Key, list[Passage]] = {}
    for passage in passages:
        case, _, call = passage.about.partition(" ")
        if case:
            found.setdefault((passage.operation, cases.get(case, ""), call), []).append(passage)
    for one in sorted(asked, key=lambda one: one.at):
        ways = found.get((OPERATIONS.get(one.stand_in, ""), one.incident, one.call), [])
        fitting = [way for way in ways if way.at <= one.at <= (way.answered_at or float("inf"))]
        if not fitting:
            yield one
            continue
        ways.remove(way := fitting[-1])
        yield replace(one, sender=way.replica, left_at=way.began_at, given_up=way.given_up)
