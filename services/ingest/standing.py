"""Which alarms that stand at the start are caught up: those that told people, lately. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_FOR_MACHINES = (":autoscaling:", ":automate:", ":swf:", ":ssm:")
_TERM = re.compile(
    r"\b(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"(?P<double>(?:\\.|[^\"\\])*)\""
    r"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<bare>[^\"'()]+?))\s*\)|\b(?P<word>NOT)\b|[()]"
)
"""One alarm in a rule, a NOT or a bracket; within quotes any sign stands for itself."""
_BEFORE_NAME = re.compile(r"^arn:[^:]*:cloudwatch:[^:]*:[^:]*:alarm:")
EVERYTHING = "*"

Described = Mapping[str, object]
"""An alarm as DescribeAlarms tells it."""


@dataclass(frozen=True)
class Wanted:
    """What an alarm must be like to be caught up."""

    topics: frozenset[str] = frozenset()
    """One of these it must go to; empty: to anything but machines; `*`: also to nothing."""
    longest: timedelta = timedelta(days=1)
    """For so long it may have been in ALARM; zero: however long."""

    def takes(self, alarm: Described, *, now: datetime) -> bool:
        """Whether that alarm is caught up."""
        return (
            bool(alarm.get("ActionsEnabled", True))
            and self._tells(alarm)
            and self._is_new(changed_at(alarm), now)
        )

    def _tells(self, alarm: Described) -> bool:
        """Not where all actions steer machines, as scaling does, or tell others than us."""
        given = alarm.get("AlarmActions")
        actions = [str(each) for each in given] if isinstance(given, list) else []
        if not actions:
            return EVERYTHING in self.topics
        told = [each for each in actions if not any(kind in each for kind in _FOR_MACHINES)]
        ours = self.topics - {EVERYTHING}
        return any(each in ours for each in told) if ours else bool(told)

    def _is_new(self, changed: datetime | None, now: datetime) -> bool:
        return not self.longest or changed is None or now - changed <= self.longest


def changed_at(alarm: Described) -> datetime | None:
    """When it went to ALARM."""
    found = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    if not isinstance(found, datetime):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def children_of(composites: Iterable[Described]) -> frozenset[str]:
    """The names of the alarms of which these tell; one that is kept silent tells of none."""
    rules = (alarm.get("AlarmRule") for alarm in composites if not alarm.get("ActionsSuppressedBy"))
    return frozenset(name for rule in rules for name in _told_of(str(rule or "")))


def _told_of(rule: str) -> Iterator[str]:
    """Whose ALARM makes the rule true. Behind NOT it makes it false, as maintenance does."""
    around, is_not = [False], False
    for term in _TERM.finditer(rule):
        if term["word"]:
            is_not = not is_not
            continue
        if term[0] == "(":
            around.append(around[-1] != is_not)
        elif term[0] == ")":
            around = around[:-1] or [False]
        elif term["state"] == "ALARM" and around[-1] == is_not:
            quoted = term["double"] or term["single"]
            name = re.sub(r"\\(.)", r"\1", quoted) if quoted else term["bare"]
            yield _BEFORE_NAME.sub("", name or "")
        is_not = False
