"""From evidence to violations: pure, and each violation names the promise that it breaks.

What is demanded of one incident stands in `CHECKS_OF_ONE`, of its work in
`tests.chaos.checks_of_work`, and of the run as a whole in `tests.chaos.checks_of_run`.
`tests/chaos/test_checker.py` makes each kind of violation once.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from tests.chaos.causes import SENDERS, is_excused, told_as_first, uncaused
from tests.chaos.checks_of_run import CHECKS_OF_ALL
from tests.chaos.checks_of_work import CHECKS_OF_WORK
from tests.chaos.evidence import PROGRESS, Entry, Evidence
from tests.chaos.rules import Rules, Violation
from tests.chaos.story import SKEW_SECONDS, Story, called_again, stories_of, timeline

TOLD = 5
"""Timelines in a report; there may be more violations."""


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


def _details_once(story: Story, _: Evidence, rules: Rules) -> Iterator[Violation]:
    if not story.outcomes or not story.messages:
        return
    stand = Counter(key for message in story.messages for key in message.details)
    if twice := sorted(key for key, count in stand.items() if count > 1):
        what = f"in the thread stand twice or more: {', '.join(twice)}"
        yield Violation("R2", "detail twice", story.incident, what)
    wanted = rules.details | ({"evidence"} if story.outcome == "diagnosed" else set())
    if (missing := sorted(wanted - stand.keys())) and rules.is_over:
        what = f"the thread lacks {', '.join(missing)}"
        yield Violation("R2", "detail missing", story.incident, what)


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
    for call, replica, first in told_as_first(story):
        what = f"{replica} says that {call} was its first, and {first} had asked before"
        yield Violation("R5", "repeat not audited", story.incident, what)
    for one, after in called_again(story):
        if not is_excused(one, story, evidence, rules.on_its_way_seconds):
            what = f"{one.request} for {one.call}, {after:.3f} s after its result was committed"
            what += f", by {one.sender or 'somebody'}"
            yield Violation("R5", "called after its result", story.incident, what)


def _no_late_work(story: Story, evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    if not story.outcomes:
        return
    for one in [*story.model_calls(), *story.tool_requests()]:
        after = one.at - story.outcomes[0].at
        excused = is_excused(one, story, evidence, rules.on_its_way_seconds)
        if after > rules.late_work_seconds and not excused:
            what = f"{one.stand_in} {one.request} started {after:.3f} s after the outcome"
            yield Violation("R4", "work after the outcome", story.incident, what)


def _repeats_have_a_cause(story: Story, evidence: Evidence, _: Rules) -> Iterator[Violation]:
    for before, again in uncaused(story, evidence):
        what = f"{again.stand_in} {again.request} {again.call} by {again.sender or 'somebody'}, "
        what += f"{again.at - before.at:.3f} s after {before.sender or 'somebody'}, and no fault "
        what += f"of a {SENDERS[before.stand_in]} is left that explains it"
        yield Violation("R1", "repeat without a fault", story.incident, what)


def _valid_transcript(story: Story, _: Evidence, __: Rules) -> Iterator[Violation]:
    for one in story.model_calls():
        if 400 <= one.status < 429:
            what = str(one.facts.get("message", one.status))[:200]
            yield Violation("R5", "transcript refused by the model", story.incident, what)


def _was(entry: Entry, outcome: str) -> bool:
    return entry.values.get("outcome") == outcome


OfOne = Callable[[Story, Evidence, Rules], Iterator[Violation]]
CHECKS_OF_ONE: tuple[OfOne, ...] = (
    _one_outcome,
    _one_stop_signal,
    _one_message,
    _final_card,
    _details_once,
    _in_time,
    _goes_on,
    _turns_once,
    _results_once,
    _results_stand,
    _calls_once,
    _no_late_work,
    _repeats_have_a_cause,
    _valid_transcript,
    *CHECKS_OF_WORK,
)
