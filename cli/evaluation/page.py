"""The report: one HTML file to read case by case. It loads nothing; all that was said is text."""

from collections.abc import Iterator
from html import escape

from bus.events import Diagnosis
from cli.evaluation import baseline
from cli.evaluation.outcome import Evaluation
from cli.evaluation.printed import dollars
from cli.evaluation.scorecard import KINDS, Scored, card, of_kind, players_of

SCRIPTED = (
    "Scripted models were told the answers. This shows that cases, services and scoring work "
    "together; it says nothing about any model's judgement."
)
_COLUMNS = (
    "model",
    "right",
    "grades",
    "false confidence",
    "evidence verified",
    "calls",
    "dollars",
    "seconds",
    "points",
)
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Nightshift evaluation</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<style>
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}td,th{padding:.2rem .7rem;text-align:left;
border-bottom:1px solid #ddd;vertical-align:top}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f5f5;padding:.5rem}
details{margin:.4rem 0;padding:.3rem .7rem;border-left:5px solid #999}summary{cursor:pointer}
.right{border-color:#2a7}.wrong{border-color:#c60}.false{border-color:#b00}.note{color:#666}
a{color:#555}a.right{color:#175}a.wrong{color:#a40}a.false{color:#b00}
</style></head><body>
"""


def page(evaluation: Evaluation) -> str:
    """The whole report."""
    parts = ["<h1>Nightshift evaluation</h1>", *_top(evaluation), *_cards(evaluation)]
    ordered = sorted(evaluation.scored, key=lambda one: (one.expected.case, one.player))
    parts += ["<h2>Case by case</h2>", *_overview(ordered)]
    for number, each in enumerate(ordered):
        parts += _incident(each, number)
    return _HEAD + "\n".join(parts) + "\n</body></html>\n"


def _top(evaluation: Evaluation) -> Iterator[str]:
    yield f"<p>{len(evaluation.scored)} incidents, seed {evaluation.seed}.</p>"
    if evaluation.scripted:
        yield f"<p><b>{escape(SCRIPTED)}</b></p>"
    if evaluation.interrupted:
        yield "<p><b>Interrupted: what had ended by then.</b></p>"
    told = [f"{one.case}: {one.sentence}" for one in evaluation.unread]
    told += [f"{case}: not run: {why}" for case, why in evaluation.left_out.items()]
    told += [evaluation.misranked] if evaluation.misranked else []
    told += baseline.lines(evaluation.comparisons)
    if told:
        yield "<pre>" + escape("\n".join(told)) + "</pre>"


def _cards(evaluation: Evaluation) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{name}</th>" for name in _COLUMNS) + "</tr>"
    for whole in evaluation.cards:
        cells = [
            whole.player,
            str(whole.right),
            whole.grades_text,
            str(whole.false_confidence),
            f"{whole.verified} of {whole.quoted}",
            str(whole.calls),
            dollars(whole.cost_usd),
            f"median {whole.seconds_median:.1f}, most {whole.seconds_most:.1f}",
            f"{whole.points:+d}",
        ]
        yield _row(cells)
        mine = [one for one in evaluation.scored if one.player == whole.player]
        for kind in KINDS:
            part = card(whole.player, of_kind(mine, kind))
            if part.incidents:
                yield _row([f"— {kind}", str(part.right), part.grades_text])
    yield "</table>"


def _row(cells: list[str]) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _overview(ordered: list[Scored]) -> Iterator[str]:
    """Cases down, players across; each grade leads to its incident."""
    players = players_of(ordered)
    cells: dict[str, dict[str, list[str]]] = {}
    for number, one in enumerate(ordered):
        link = f'<a class="{_kind(one)}" href="#i{number}">{escape(one.score.label)}</a>'
        row = cells.setdefault(one.expected.case, {})
        row.setdefault(one.player, []).append(link)
    heads = "".join(f"<th>{escape(name)}</th>" for name in ("case", *players))
    yield f"<table><tr>{heads}</tr>"
    for case, row in cells.items():
        grades = "".join(f"<td>{'<br>'.join(row.get(player, []))}</td>" for player in players)
        yield f"<tr><td>{escape(case)}</td>{grades}</tr>"
    yield "</table>"


def _kind(one: Scored) -> str:
    return "false" if one.score.false_confidence else one.score.grade.partition(" ")[0]


def _incident(one: Scored, number: int) -> Iterator[str]:
    grade, answer = one.score, one.answer
    title = f"{one.expected.case} · {one.player} · {grade.label}"
    yield f'<details class="{_kind(one)}" id="i{number}"><summary>{escape(title)}</summary>'
    cost = dollars(answer.cost_usd)
    spent = f"{answer.turns} turns, {answer.calls} calls, {cost}, {answer.seconds:.1f} s"
    yield f'<p class="note">{escape(one.incident)}: {escape(spent)}</p>'
    if grade.reasons:
        yield "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in grade.reasons) + "</ul>"
    yield "<table>"
    yield from _expected(one)
    if answer.diagnosis is None:
        yield _row(["outcome", f"{answer.outcome or 'none'} {answer.reason}"])
    else:
        yield from _diagnosis(answer.diagnosis)
    yield "</table>"
    yield "<details><summary>what was said and shown, shortened</summary>"
    for step in one.steps:
        yield f"<p><b>{escape(step.title)}</b></p><pre>{escape(step.text)}</pre>"
    yield "</details></details>"


def _expected(one: Scored) -> Iterator[str]:
    expected = one.expected
    yield _row(["expected verdict", expected.verdict])
    yield _row(["expected component", expected.component])
    words = ", ".join(expected.all_words)
    words += f"; one of {', '.join(expected.any_words)}" if expected.any_words else ""
    yield _row(["words", words])
    yield _row(["must not claim", ", ".join(expected.must_not_claim)])
    if expected.red_herring:
        yield _row(["red herring", expected.note or "yes"])


def _diagnosis(found: Diagnosis) -> Iterator[str]:
    yield _row(["verdict", f"{found.verdict}, {found.confidence} confidence"])
    yield _row(["summary", found.summary])
    yield _row(["root cause", found.root_cause])
    yield _row(["component", found.component])
    if found.code_location:
        yield _row(["place", f"{found.code_location.path}:{found.code_location.line or ''}"])
    for item in found.evidence:
        mark = "verified" if item.verified else "NOT verified"
        yield _row([f"evidence, {mark}", f"{item.tool_call_id} {item.tool}\n{item.quote}"])
    for ruled_out in found.ruled_out:
        yield _row(["ruled out", f"{ruled_out.cause}: {ruled_out.reason}"])
    for gap in found.gaps:
        yield _row(["gap", f"{gap.what} {gap.permission}"])
    if found.fix:
        yield _row(["fix", found.fix.summary])
