"""What explains a call that came late or came again: which fault, of whom, and how often.

A late call is excused only where it is known who sent it (`Asked.sender`) and why that one could
not know better. A repeat is explained by a fault, and a replica that was killed or frozen explains
one of each call.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.chaos.evidence import Asked, Evidence, Fault
from tests.chaos.story import SKEW_SECONDS, Story, repeated_requests

IN_FLIGHT_SECONDS = 1.0
"""A request sent before its sender was struck may come in, by way of others, so much later."""
OVERTAKEN_SECONDS = 0.2
"""Between a toolrunner's look whether its call is open and the head of its request at the proxy lie
two steps of its event loop; so old the commit may be that it did not see, on a busy machine."""
OUTAGE_REPEATS = 2
"""What strikes everybody (Redis, the network) explains one repeat by whoever was in the middle, and
one by whoever had taken over over a connection that was dead as well."""
SENDERS = {"model": "reasoner", "kubernetes": "toolrunner", "github": "toolrunner"}


def is_excused(one: Asked, story: Story, evidence: Evidence, seconds: float) -> bool:
    """Whether nobody could have held that late request back any more.

    It is one of a replica that froze while it held that very work, and whose request had begun to
    leave before the freeze, or left within `seconds` of the thaw. That is for what was past its
    last check: outside, that moment cannot be told from the ones before, so the window is as narrow
    as a busy machine allows, and who uses it limits the count. Or it is a successor's request, sent
    before the successor could see that an owner who woke, or who reached Redis again, within
    `seconds` had committed the result that it had got.
    """
    service = SENDERS[one.stand_in]
    frozen = [
        fault
        for fault in evidence.faults
        if fault.replica and fault.service == service and fault.held(one)
    ]
    outages = [fault for fault in evidence.faults if fault.service == "*"]
    return any(_left_around(fault, one, seconds=seconds) for fault in frozen) or any(
        _was_overtaken_after(fault, one, story=story, seconds=seconds)
        for fault in (*frozen, *outages)
    )


def uncaused(story: Story, evidence: Evidence) -> Iterator[tuple[Asked, Asked]]:
    """Every request that was made again, and the one before it, for which no fault is left."""
    for series in repeated_requests([*story.model_calls(), *story.tool_requests()]):
        used: Counter[Fault] = Counter()
        settled_at = _settled_at(series[0], story)
        for number, (before, again) in enumerate(pairwise(series), start=1):
            for fault in sorted(evidence.faults, key=lambda fault: fault.until):
                struck = _struck(fault, series[: number + 1], settled_at=settled_at)
                if struck and used[fault] < _most(fault, again):
                    used[fault] += 1
                    break
            else:
                yield before, again


def told_as_first(story: Story) -> Iterator[tuple[str, str, str]]:
    """Calls whose audit entry does not say that another replica had made them before.

    The call, who committed it as its first, and who had asked first.
    """
    first: dict[str, Asked] = {}
    for one in sorted(story.tool_requests(), key=lambda one: one.left_at):
        if one.sender:
            first.setdefault(one.call, one)
    for entry in story.of("ToolCallAudited"):
        replica = str(entry.values.get("replica")).partition("/")[0]
        earliest = first.get(entry.call)
        is_first = entry.values.get("outcome") == "executed"
        if is_first and earliest and earliest.sender != replica and earliest.at < entry.at:
            yield entry.call, replica, earliest.sender


def _left_around(fault: Fault, one: Asked, *, seconds: float) -> bool:
    had_begun = one.left_at <= fault.at and one.at - fault.until < IN_FLIGHT_SECONDS
    return fault.replica == one.sender and (had_begun or 0 <= one.left_at - fault.until < seconds)


def _was_overtaken_after(fault: Fault, one: Asked, *, story: Story, seconds: float) -> bool:
    told = [entry for entry in story.of("ToolCallAudited") if entry.call == one.call]
    if not told or not one.sender:
        return False
    owner = str(told[0].values.get("replica")).partition("/")[0]
    if owner == one.sender or (fault.replica and owner != fault.replica):
        return False
    soon = 0 <= told[0].at + SKEW_SECONDS - fault.until < seconds
    return soon and one.left_at - told[0].at < OVERTAKEN_SECONDS


def _most(fault: Fault, again: Asked) -> float:
    """How many repeats of one call the fault explains, that one included."""
    if fault.replica:
        return 1
    if fault.service == "*":
        return OUTAGE_REPEATS
    # What lay between a service and its outside is tried again and again while it lasts.
    return float("inf") if again.at <= fault.until + IN_FLIGHT_SECONDS else 1


def _struck(fault: Fault, made: Sequence[Asked], *, settled_at: float) -> bool:
    """Whether the fault met one of the requests before the last while it was under way.

    Of a frozen replica the last may be its own: it left late, and others had been before.
    """
    *before, again = made
    if fault.service not in (SENDERS[again.stand_in], "*") or fault.at > again.at:
        return False
    if fault.replica and fault.at > settled_at + SKEW_SECONDS:
        return False
    whose = made if fault.until > fault.at else before
    mine = [one for one in whose if not fault.replica or one.sender in ("", fault.replica)]
    return bool(mine) and before[0].at - IN_FLIGHT_SECONDS <= fault.until


def _settled_at(one: Asked, story: Story) -> float:
    """When what the request was made for had been committed, as far as others show it."""
    if one.stand_in != "model":
        told = [entry.at for entry in story.of("ToolCallFinished") if entry.call == one.call]
        return min(told, default=float("inf"))
    later = [other.at for other in story.model_calls() if int(other.call) > int(one.call)]
    return min([*later, *(entry.at for entry in story.outcomes)], default=float("inf"))
