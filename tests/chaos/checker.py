"""From evidence to violations: pure, and each violation names the promise that it breaks.

What is demanded of one incident stands in `CHECKS_OF_ONE`, what is demanded of the run as a whole
in `CHECKS_OF_ALL`. `tests/chaos/test_checker.py` makes each kind of violation once.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from bus.events import ToolCallAudited
from services.toolrunner.audit import entry_sha256
from tests.chaos.evidence import PROGRESS, Asked, Entry, Evidence, Fault, case_of
from tests.chaos.story import SKEW_SECONDS, Story, called_again, repeats, stories_of, timeline

IN_FLIGHT_SECONDS = 1.0
"""A request sent before its sender was struck may come in, by way of others, so much later."""
SENDERS = {"model": "reasoner", "kubernetes": "toolrunner", "github": "toolrunner"}
TOLD = 5
"""Timelines in a report; there may be more violations."""


@dataclass(frozen=True)
class Violation:
    """A promise that was broken: which, how, and for which incident (empty: for the whole run)."""

    promise: str
    kind: str
    incident: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What may be demanded of a run."""

    deadline_seconds: float
    grace_seconds: float = 10.0
    """After the deadline, until everything stands."""
    late_work_seconds: float = 2.0
    """After the outcome, for work that was in flight."""
    still_seconds: float = float("inf")
    """How long an incident may show no sign of work; the sweep would hide that a turn was lost."""
    on_its_way_seconds: float = 0.0
    """After a thaw, for calls of the woken one, and of a successor whom its commit overtook."""
    dead_letters: frozenset[str] = frozenset()
    """Streams whose entries were meant to be set aside."""
    is_over: bool = True
    """Whether everything had time to end; else nothing is missed that may still come."""


def check(evidence: Evidence, rules: Rules) -> list[Violation]:
    """Every violation, those of the run as a whole first."""
    found = [violation for look in CHECKS_OF_ALL for violation in look(evidence, rules)]
    for story in stories_of(evidence).values():
        if story.accepted_at is not None:
            found += [one for look in CHECKS_OF_ONE for one in look(story, evidence, rules)]
    return found


def report(evidence: Evidence, violations: list[Violation]) -> str:
    """The violations counted, each in a line, and the timelines of the first incidents."""
    if not violations:
        return "no violation"
    counts = Counter(f"{one.promise} {one.kind}" for one in violations)
    lines = [f"{len(violations)} violations:"]
    lines += [f"  {count} x {name}" for name, count in counts.most_common()]
    lines += [f"  {one.promise} {one.kind} {one.incident}: {one.what}" for one in violations[:50]]
    incidents = list(dict.fromkeys(one.incident for one in violations if one.incident))
    return "\n\n".join(["\n".join(lines), *(timeline(evidence, one) for one in incidents[:TOLD])])


def _one_outcome(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    if not story.outcomes and rules.is_over:
        yield Violation("R1", "lost incident", story.incident, "accepted and without an outcome")
    if len(story.outcomes) > 1:
        said = ", ".join(str(entry.values.get("outcome")) for entry in story.outcomes)
        yield Violation("R1", "two outcomes", story.incident, said)


def _one_stop_signal(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    if not story.signals:
        if story.outcomes and rules.is_over:
            yield Violation("R1", "no stop signal", story.incident, "ended, and nobody was told")
        return
    if len(story.signals) > 1:
        what = f"{len(story.signals)} stop signals"
        yield Violation("R1", "two stop signals", story.incident, what)
    stands_at = story.first_said(story.outcome)
    if stands_at is not None and story.signals[0].at < stands_at - SKEW_SECONDS:
        early = stands_at - story.signals[0].at
        what = f"{early:.3f} s before the final card stood"
        yield Violation("R2", "early stop signal", story.incident, what)


def _one_message(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    if len(story.messages) > 1:
        what = f"{len(story.messages)} top-level messages"
        yield Violation("R2", "two messages", story.incident, what)
    if not story.messages and rules.is_over:
        yield Violation("R2", "no message", story.incident, "nothing stands in Slack")


def _final_card(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    if not story.outcomes or not rules.is_over:
        return
    for message in story.messages:
        last = message.versions[-1].says
        if last == PROGRESS:
            yield Violation("R5", "card shows progress", story.incident, message.versions[-1].text)
        elif last != story.outcome:
            what = f"{last or 'nothing known'}, and the outcome is {story.outcome}"
            yield Violation("R2", "card shows another outcome", story.incident, what)


def _in_time(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    limit = rules.deadline_seconds + rules.grace_seconds
    moments = {
        "outcome": story.outcomes[0].at if story.outcomes else None,
        "final card": story.first_said(story.outcome) if story.outcome else None,
        "stop signal": story.signals[0].at if story.signals else None,
    }
    late = {
        name: at - (story.accepted_at or 0.0)
        for name, at in moments.items()
        if at is not None and at - (story.accepted_at or 0.0) > limit
    }
    if late:
        what = ", ".join(f"{name} after {seconds:.1f} s" for name, seconds in late.items())
        yield Violation("R1", "late", story.incident, f"{what}; allowed are {limit:.0f} s")


def _goes_on(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    pause = story.longest_pause()
    if pause > rules.still_seconds:
        what = f"for {pause:.1f} s nothing was done, and then it ended as {story.outcome}"
        yield Violation("R1", "stood still", story.incident, what)


def _turns_once(story: Story, _: Evidence, __: Rules) -> Iterator[Violation]:
    due = Counter(entry.values.get("turn") for entry in story.of("TurnDue"))
    for turn, count in due.items():
        if count > 1:
            what = f"turn {turn} is owned by {count} entries"
            yield Violation("R1", "turn due twice", story.incident, what)
    requested = Counter(entry.call for entry in story.of("ToolCallRequested"))
    twice = [call for call, count in requested.items() if count > 1]
    if twice:
        what = f"asked for twice: {', '.join(twice)}"
        yield Violation("R5", "turn committed twice", story.incident, what)


def _results_once(story: Story, _: Evidence, __: Rules) -> Iterator[Violation]:
    told: dict[str, list[dict[str, object]]] = {}
    for entry in story.of("ToolCallFinished"):
        said = told.setdefault(entry.call, [])
        if dict(entry.values) not in said:
            said.append(dict(entry.values))
    for call, said in told.items():
        if len(said) > 1:
            what = f"call {call} has {len(said)} different results"
            yield Violation("R5", "result committed twice", story.incident, what)


def _results_stand(story: Story, _: Evidence, __: Rules) -> Iterator[Violation]:
    shown: dict[str, set[str]] = {}
    for one in story.model_calls():
        for call, digest in one.facts.get("shown", {}).items():
            shown.setdefault(call, set()).add(digest)
    for call, digests in shown.items():
        if len(digests) > 1:
            what = f"the model was shown {len(digests)} results of call {call}"
            yield Violation("R5", "result replaced", story.incident, what)


def _calls_once(story: Story, evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    executed = Counter(
        entry.call for entry in story.of("ToolCallAudited") if _was(entry, "executed")
    )
    for call, count in executed.items():
        if count > 1:
            what = f"{count} audit entries say that {call} was called for the first time"
            yield Violation("R5", "repeat not audited", story.incident, what)
    for one, after in called_again(story):
        if not _was_on_its_way(one, "toolrunner", evidence=evidence, rules=rules):
            what = f"{one.request} for {one.call}, {after:.3f} s after its result was committed"
            yield Violation("R5", "called after its result", story.incident, what)


def _no_late_work(story: Story, evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    if not story.outcomes:
        return
    for one in [*story.model_calls(), *story.tool_requests()]:
        after = one.at - story.outcomes[0].at
        on_its_way = _was_on_its_way(one, SENDERS[one.stand_in], evidence=evidence, rules=rules)
        if after > rules.late_work_seconds and not on_its_way:
            what = f"{one.stand_in} {one.request} started {after:.3f} s after the outcome"
            yield Violation("R4", "work after the outcome", story.incident, what)


def _repeats_have_a_cause(story: Story, evidence: Evidence, _: Rules) -> Iterator[Violation]:
    for before, again in repeats([*story.model_calls(), *story.tool_requests()]):
        service = SENDERS[before.stand_in]
        if not any(_meets(fault, service, before, again) for fault in evidence.faults):
            what = f"{again.stand_in} {again.request} {again.call} again after "
            what += f"{again.at - before.at:.3f} s, and no {service} was struck in between"
            yield Violation("R1", "repeat without a fault", story.incident, what)


def _valid_transcript(story: Story, _: Evidence, __: Rules) -> Iterator[Violation]:
    for one in story.model_calls():
        if 400 <= one.status < 429:
            what = str(one.facts.get("message", one.status))[:200]
            yield Violation("R5", "transcript refused by the model", story.incident, what)


def _sent_arrived(evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    known = {case_of(entry) for entry in evidence.entries if entry.stream == "incidents"}
    for case in evidence.sent if rules.is_over else ():
        if case not in known:
            yield Violation("R1", "lost alarm", "", f"{case} was sent and opened no incident")


def _nothing_left(evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    if not rules.is_over:
        return
    for group, count in evidence.pending.items():
        yield Violation("R1", "entries left", "", f"{count} on {group}")
    for name in evidence.deadlines:
        yield Violation("R1", "deadline left", name, "still in the set of deadlines")
    for key in evidence.lasting_keys:
        yield Violation("R9", "key without expiry", "", key)


def _no_dead_letters(evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    for entry in evidence.entries:
        stream = entry.stream.removesuffix(".dead")
        if entry.stream != stream and stream not in rules.dead_letters:
            what = f"{stream} {entry.values.get('entry_id')}: {entry.values.get('reason')}"
            yield Violation("R11", "dead letter", "", what)


def _audit_chains(evidence: Evidence, _: Rules) -> Iterator[Violation]:
    chains: dict[str, list[ToolCallAudited]] = {}
    for entry in evidence.entries:
        if entry.event != "ToolCallAudited":
            continue
        try:
            audited = ToolCallAudited.model_validate(entry.values)
        except ValidationError as error:
            yield Violation("audit", "audit chain broken", entry.incident, str(error))
            continue
        chain = chains.setdefault(audited.replica, [])
        number = chain[-1].number + 1 if chain else 1
        previous = entry_sha256(chain[-1]) if chain else ""
        if (audited.number, audited.previous_sha256) != (number, previous):
            what = f"{audited.replica}: entry {audited.number} does not follow {len(chain)}"
            yield Violation("audit", "audit chain broken", entry.incident, what)
        chain.append(audited)


def _was(entry: Entry, outcome: str) -> bool:
    return entry.values.get("outcome") == outcome


def _was_on_its_way(one: Asked, service: str, *, evidence: Evidence, rules: Rules) -> bool:
    thawed = (one.at - fault.until for fault in evidence.faults if fault.service == service)
    return any(0 <= seconds < rules.on_its_way_seconds for seconds in thawed)


def _meets(fault: Fault, service: str, before: Asked, again: Asked) -> bool:
    in_between = before.at - IN_FLIGHT_SECONDS <= fault.until and fault.at <= again.at
    return fault.service in (service, "*") and in_between


OfOne = Callable[[Story, Evidence, Rules], Iterator[Violation]]
OfAll = Callable[[Evidence, Rules], Iterator[Violation]]
CHECKS_OF_ONE: tuple[OfOne, ...] = (
    _one_outcome,
    _one_stop_signal,
    _one_message,
    _final_card,
    _in_time,
    _goes_on,
    _turns_once,
    _results_once,
    _results_stand,
    _calls_once,
    _no_late_work,
    _repeats_have_a_cause,
    _valid_transcript,
)
CHECKS_OF_ALL: tuple[OfAll, ...] = (
    _sent_arrived,
    _nothing_left,
    _no_dead_letters,
    _audit_chains,
)
