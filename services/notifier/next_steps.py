"""What to do next, by outcome: at most four sentences that rest on the record and nothing else."""

from collections.abc import Iterator

from bus.events import Diagnosis, Gap
from bus.record import Record
from services.notifier.cutting import one_line
from services.notifier.facts import component, counted

MOST_STEPS = 4
STEP_CHARACTERS = 500
FIX_CHARACTERS = 400
"""A longer summary of a fix stands whole beside its diff."""
LIMIT_SETTINGS = {
    "turns": "NIGHTSHIFT_MAX_TURNS",
    "tool calls": "NIGHTSHIFT_MAX_TOOL_CALLS",
    "tokens": "NIGHTSHIFT_MAX_TOKENS",
    "dollars": "NIGHTSHIFT_MAX_COST_USD",
    "day budget": "NIGHTSHIFT_MAX_DAY_COST_USD",
}
"""By the name of a limit: the reasoner's setting for it."""
NOBODY = "Take the incident over: Nightshift no longer works on it."


def next_steps(record: Record, *, runbook: bool) -> list[str]:
    """The steps, most urgent first; `runbook`: the card names one."""
    steps = [one_line(step, STEP_CHARACTERS) for step in _steps(record)]
    if runbook and steps[:1] == [NOBODY]:
        steps.insert(1, f"Follow the runbook of {_service(record)}, below.")
    elif runbook:
        steps[MOST_STEPS - 1 :] = []
        well = record.diagnosis is not None and record.diagnosis.verdict == "healthy"
        when = "If users still see it" if well else "If that does not help"
        steps.append(f"{when}: the runbook of {_service(record)}, below.")
    return steps[:MOST_STEPS]


def _steps(record: Record) -> Iterator[str]:
    diagnosis = record.diagnosis
    if record.outcome == "diagnosed" and diagnosis is not None:
        yield from _after_health(record) if diagnosis.verdict == "healthy" else _after_fault(record)
    elif record.outcome == "inconclusive":
        yield NOBODY
        yield from _after_nothing(diagnosis)
    elif record.outcome == "recovered":
        yield "Nothing is urgent: the alarm is OK again."
        yield "The cause was not found, so it may come back: look at what was seen, below."
    elif record.outcome == "cancelled":
        yield "Make sure that somebody has the incident: Nightshift no longer works on it."
        yield from _carry_on(record)
    else:
        yield NOBODY
        yield from _carry_on(record)
        yield from _for_the_next_time(record)


def _after_fault(record: Record) -> Iterator[str]:
    found = record.diagnosis
    if found is None:
        return
    if "root_cause" in found.unverified:
        yield "A second look doubts this cause: check it against the evidence before acting on it."
    elif found.confidence == "low":
        yield "Confidence is low: check the cause against the evidence before acting on it."
    yield _fix_step(record, found)
    if record.updates[record.updates_shown :]:
        yield "Look at the alarms that came too late to be considered, below."
    yield from _to_allow(found)


def _fix_step(record: Record, found: Diagnosis) -> str:
    if found.fix is None:
        place = found.code_location
        where = place.path if place else component(record)
        return f"No fix was proposed: start at {where}."
    what = one_line(found.fix.summary, FIX_CHARACTERS) or "apply the diff below"
    if not found.fix.diff.strip():
        return f"Fix: {what}"
    if "fix" in found.unverified:
        return f"Fix, by hand, for the diff below was not checked against the file: {what}"
    return f"Fix, once you have read the diff below: {what}"


def _after_health(record: Record) -> Iterator[str]:
    yield f"No fault was found: check that {_service(record)} works for its users now."
    yield "If it does, nothing is urgent."
    if record.diagnosis is not None and record.diagnosis.fix is not None:
        yield "Read the proposal below: it may keep this from coming back."
    if record.updates[record.updates_shown :]:
        yield "Look at the alarms that came too late to be considered, below."
    if record.diagnosis is not None:
        yield from _to_allow(record.diagnosis)


def _after_nothing(found: Diagnosis | None) -> Iterator[str]:
    if found is None:
        return
    for gap in found.gaps[:1]:
        allow = gap.permission.strip()
        needs = f" (to let Nightshift see it, allow {one_line(allow, 120)})" if allow else ""
        yield f"Look yourself at what it could not see: {one_line(gap.what, 160)}{needs}"
    if found.root_cause:
        yield "Check the suspected cause, below: nothing that was seen proves it."
    yield from _to_allow(found, but=1)


def _carry_on(record: Record) -> Iterator[str]:
    answered = sum(call.state == "ok" for call in record.calls)
    if answered:
        yield f"Start from what was looked at, below ({counted(answered, 'result')})."
    else:
        yield f"Start from the alarm: nothing about {_service(record)} was seen yet."


def _for_the_next_time(record: Record) -> Iterator[str]:
    if record.outcome == "timed_out":
        yield "If this happens often: give it more time (NIGHTSHIFT_DEADLINE_SECONDS)."
    elif record.outcome == "out_of_budget":
        setting = LIMIT_SETTINGS.get(record.concluding)
        raise_it = f" or raise {setting}" if setting else ""
        yield f"If this happens often: look at what it spends{raise_it}."
    else:
        yield "Tell whoever runs Nightshift why it failed, above."


def _to_allow(found: Diagnosis, *, but: int = 0) -> Iterator[str]:
    allowed: list[Gap] = [gap for gap in found.gaps[but:] if gap.permission.strip()]
    if allowed:
        more = "" if len(allowed) == 1 else f", and {len(allowed) - 1} more, below"
        yield f"So that more can be seen next time, allow {allowed[0].permission}{more}."


def _service(record: Record) -> str:
    return one_line(record.incident.service, 100)
