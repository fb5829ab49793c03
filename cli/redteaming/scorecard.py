"""The scorecard in a terminal: channels by goals, the sums, and what is wrong."""

from collections.abc import Iterator

from cli.redteaming.verdict import RunVerdict, Verdict, count_by

FAILED_SHOWN = 20
PROBLEMS_SHOWN = 4


def lines(run: RunVerdict) -> Iterator[str]:
    """What is printed at the end of a run."""
    yield ""
    yield from table(run)
    yield ""
    for name, figure in run.figures.items():
        yield f"{name + ':':36}{figure}"
    yield from (f"skipped: {each}" for each in run.skipped)
    yield from (f"not run: {each}" for each in run.not_run[:FAILED_SHOWN])
    yield from (f"FORBIDDEN, of no case: {each.what}: {each.where}" for each in run.unattributed)
    for verdict in run.failed[:FAILED_SHOWN]:
        yield f"{title(verdict)}"
        yield from (f"  {problem}" for problem in verdict.problems[:PROBLEMS_SHOWN])
    if len(run.failed) > FAILED_SHOWN:
        yield f"… and {len(run.failed) - FAILED_SHOWN} more cases that fail"
    yield ("holds" if run.holds else "DOES NOT HOLD") + f" (seed {run.seed})"


def table(run: RunVerdict) -> Iterator[str]:
    """A row for each goal, a column for each channel: cases, and how many of them fail."""
    channels = list(dict.fromkeys(each.channel for each in run.verdicts))
    goals = list(dict.fromkeys(each.goal for each in run.verdicts))
    for number, channel in enumerate(channels, start=1):
        yield f"({number}) {channel}"
    yield f"{'':20}" + "".join(f"{f'({number})':>6}" for number in range(1, len(channels) + 1))
    for goal in goals:
        cells = (cell(count_by(run.verdicts, channel, goal=goal)) for channel in channels)
        yield f"{goal:20}" + "".join(f"{each:>6}" for each in cells)


def cell(verdicts: list[Verdict]) -> str:
    """How many hold, and with an exclamation mark how many do not."""
    wrong = sum(not each.holds for each in verdicts)
    if not verdicts:
        return "-"
    return f"{wrong}!/{len(verdicts)}" if wrong else str(len(verdicts))


def title(verdict: Verdict) -> str:
    """What a person calls the case."""
    return f"{verdict.marker} {verdict.channel} / {verdict.goal} / {verdict.template}"
