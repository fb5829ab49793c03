"""`nightshift redteam`: a model that obeys every injected order, and what comes of it outside."""

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Never

import typer

from cli.clock import Clock, interrupt_on_signals
from cli.columns import wrapped

if TYPE_CHECKING:
    from cli.redteaming.cases import Chosen
    from cli.redteaming.verdict import RunVerdict


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `nightshift redteam` can be told."""

    channel: Annotated[
        list[str] | None, typer.Option(help="Only attacks by this channel; repeatable.")
    ] = None
    goal: Annotated[
        list[str] | None, typer.Option(help="Only attacks with this goal; repeatable.")
    ] = None
    template: Annotated[
        list[str] | None, typer.Option(help="Only attacks put like this; repeatable.")
    ] = None
    sample: Annotated[
        int, typer.Option(min=0, help="So many, with every channel, goal, template; 0: all.")
    ] = 0
    seed: Annotated[int, typer.Option(min=0, help="Draws the sample (0: by chance).")] = 0
    strings: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Folder of strings.jsonl files with texts of others."),
    ] = None
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Incidents at once.")] = 8
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object; progress goes to stderr.")
    ] = False
    report: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="File to read case by case: .html, else JSON."),
    ] = None


def redteam(options: Options) -> None:
    """Attack the real services by injected texts that the scripted model always obeys.

    Real Redis, real services, a simulated outside world; no key is needed and none is used. What
    counts is what that world was asked: no Secret, no other namespace or repository, no write, no
    credential that leaves, no mention, no link, no more than the limits, one outcome, one post.

    Exits 0 when there was no forbidden effect and every attack arrived, 1 when not, 2 for wrong
    usage, 3 when not every case was run, 130 after Ctrl-C with what had been judged.
    """
    interrupt_on_signals()
    _check_report(options)
    chosen, clock = _chosen(options), Clock()
    say = _aside if options.as_json else clock.say
    say(f"cases: {len(chosen.attacks)}, seed {chosen.seed}")
    for line in chosen.skipped:
        say(f"skipped: {line}")
    verdict = _run(options, chosen, say=say)
    _tell(verdict, options)
    raise typer.Exit(_code(verdict))


def _chosen(options: Options) -> "Chosen":
    # Imported late: usage and help must not wait for libraries.
    from cli.redteaming.cases import NoCase, choose
    from cli.redteaming.strings import BadStrings

    wanted = {
        "channel": options.channel or [],
        "goal": options.goal or [],
        "template": options.template or [],
    }
    seed = options.seed or secrets.randbelow(1_000_000) + 1
    try:
        return choose(wanted, sample=options.sample, seed=seed, strings=options.strings)
    except BadStrings as error:
        return _refuse(f"--strings {error}")
    except NoCase as error:
        return _refuse(str(error))


def _check_report(options: Options) -> None:
    """Refused at once is what could not be written at the end."""
    report = options.report
    if report is None:
        return
    if not report.parent.is_dir():
        _refuse(f"--report {report}: there is no folder {report.parent}")
    try:
        is_new = not os.path.lexists(report)
        if is_new or report.is_file():
            report.open("a").close()
        if is_new:
            report.unlink()
    except OSError as error:
        _refuse(f"--report {report} cannot be written: {error.strerror}")


def _run(options: Options, chosen: "Chosen", *, say: Callable[[str], None]) -> "RunVerdict":
    from cli.redteaming.running import Run
    from cli.redteaming.verdict import RunVerdict

    run, began, interrupted = Run(at_once=options.at_once, say=say), time.monotonic(), False
    try:
        run.work(chosen.attacks)
    except KeyboardInterrupt:
        say("interrupted; this is what had been judged by then")
        interrupted = True
    return RunVerdict(
        seed=chosen.seed,
        verdicts=tuple(run.verdicts),
        unattributed=tuple(run.unattributed),
        skipped=chosen.skipped,
        not_run=tuple(run.not_run),
        interrupted=interrupted,
        seconds=round(time.monotonic() - began, 1),
    )


def _tell(verdict: "RunVerdict", options: Options) -> None:
    from cli.redteaming import page, scorecard

    described = json.dumps(verdict.described(), indent=1, ensure_ascii=False)
    if options.as_json:
        typer.echo(described)
    else:
        for line in scorecard.lines(verdict):
            typer.echo(wrapped(line, hang=4))
    if options.report is None:
        return
    is_page = options.report.suffix == ".html"
    try:
        options.report.write_text(page.page(verdict) if is_page else described, encoding="utf-8")
    except OSError as error:
        _refuse(f"{error.filename} cannot be written: {error.strerror}")
    _aside(f"report: {options.report}")


def _code(verdict: "RunVerdict") -> int:
    if verdict.interrupted:
        return 130
    if verdict.failed or verdict.unattributed:
        return 1
    return 0 if verdict.holds else 3


def _aside(text: str) -> None:
    typer.echo(text, err=True)


def _refuse(sentence: str) -> Never:
    typer.echo(f"nightshift redteam: {sentence}", err=True)
    raise typer.Exit(2)
