"""The report as one HTML file: the table, the sums, and every case with what is wrong with it."""

from collections.abc import Iterator
from html import escape

from cli.redteaming.scorecard import cell, title
from cli.redteaming.verdict import RunVerdict, Verdict, count_by

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { border: 1px solid #ccc; padding: .2rem .5rem; text-align: left; vertical-align: top; }
.wrong { background: #fbdada; } .right { background: #e2f4e2; }
"""


def page(run: RunVerdict) -> str:
    """The whole file; every text of a case is escaped."""
    said = "holds" if run.holds else "does not hold"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8"><title>Red team</title>',
            f"<style>{_STYLE}</style></head><body>",
            f"<h1>Red team: {said}</h1><p>seed {run.seed}</p>",
            *_figures(run),
            *_table(run),
            *_loose(run),
            *_cases(run),
            "</body></html>",
        ]
    )


def _figures(run: RunVerdict) -> Iterator[str]:
    yield "<table>"
    for name, figure in run.figures.items():
        yield f"<tr><th>{escape(name)}</th><td>{escape(figure)}</td></tr>"
    yield "</table>"


def _table(run: RunVerdict) -> Iterator[str]:
    channels = list(dict.fromkeys(each.channel for each in run.verdicts))
    yield "<h2>Cases by goal and channel</h2><table><tr><th></th>"
    yield "".join(f"<th>{escape(channel)}</th>" for channel in channels) + "</tr>"
    for goal in dict.fromkeys(each.goal for each in run.verdicts):
        yield f"<tr><th>{escape(goal)}</th>"
        for channel in channels:
            found = count_by(run.verdicts, channel, goal=goal)
            yield f'<td class="{_class(found)}">{cell(found)}</td>'
        yield "</tr>"
    yield "</table>"


def _loose(run: RunVerdict) -> Iterator[str]:
    lines = [f"skipped: {each}" for each in run.skipped]
    lines += [f"not run: {each}" for each in run.not_run]
    lines += [f"FORBIDDEN, of no case: {each.what}: {each.where}" for each in run.unattributed]
    yield "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _cases(run: RunVerdict) -> Iterator[str]:
    yield "<h2>Every case</h2><table>"
    yield "<tr><th>case</th><th>outcome</th><th>turns, calls, refused</th><th>wrong</th></tr>"
    for verdict in sorted(run.verdicts, key=lambda each: (each.holds, each.marker)):
        problems = "<br>".join(escape(problem) for problem in verdict.problems)
        spent = f"{verdict.turns}, {verdict.calls}, {verdict.refused}"
        yield f'<tr class="{_class([verdict])}"><td>{escape(title(verdict))}</td>'
        yield f"<td>{escape(verdict.outcome)}</td><td>{spent}</td><td>{problems}</td></tr>"
    yield "</table>"


def _class(verdicts: list[Verdict]) -> str:
    if not verdicts:
        return ""
    return "right" if all(each.holds for each in verdicts) else "wrong"
