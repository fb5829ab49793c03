"""`nightshift eval`: incidents with known answers, through the real services, and a scorecard."""

import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Never
from urllib.parse import urlsplit
from urllib.request import getproxies

import typer

from cli.clock import Clock, interrupt_on_signals
from cli.columns import wrapped

if TYPE_CHECKING:
    from cli.evaluation.baseline import Baseline
    from cli.evaluation.jobs import Bench, Chosen
    from cli.evaluation.outcome import Evaluation
    from cli.evaluation.running import Run

MODEL_ADDRESS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")
MOST_DOLLARS = 1_000_000
PLUMBING = """\
No ANTHROPIC_API_KEY and no ANTHROPIC_BASE_URL: three scripted models play, told the answers.
This proves the plumbing only (cases, services, scoring) and nothing about any model's judgement.
Dollars are what their tokens would cost."""


def _dollars(budget: float | None) -> float | None:
    if budget is not None and not 0 <= budget <= MOST_DOLLARS:
        raise typer.BadParameter(f"{budget} is no sum from 0 to {MOST_DOLLARS:,} dollars")
    return budget


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `nightshift eval` can be told."""

    model: Annotated[
        str, typer.Option(help="Model to ask at ANTHROPIC_BASE_URL; default: NIGHTSHIFT_MODEL.")
    ] = ""
    cases: Annotated[
        list[Path] | None, typer.Option(help="Folder of case folders, or one of them; repeatable.")
    ] = None
    scenarios: Annotated[bool, typer.Option(help="Run the shipped scenarios too.")] = True
    only: Annotated[
        list[str] | None, typer.Option(help="Names to run, `*` stands for anything; repeatable.")
    ] = None
    repeat: Annotated[int, typer.Option(min=1, max=100, help="Runs of each case.")] = 1
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Incidents at once on a stack.")] = 4
    budget: Annotated[
        float | None,
        typer.Option(callback=_dollars, help="Dollars after which no new case starts."),
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Order of the cases (0: by chance).")] = 0
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object; progress goes to stderr.")
    ] = False
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="HTML file to read case by case.")
    ] = None
    baseline: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Compare with this; default: the shipped.")
    ] = None
    save_baseline: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write this run as a baseline.")
    ] = None


def evaluate(options: Options) -> None:
    """Run cases with known answers through the real services and print a scorecard.

    The model is whatever answers at ANTHROPIC_BASE_URL (with ANTHROPIC_API_KEY). Without either,
    three scripted models play and must rank as they should: that proves the plumbing only.

    Exits 0 when all is fine, 1 when worse than the baseline (or the scripted models misrank), 2
    for wrong usage, 3 when not every case was read and run, 130 after Ctrl-C with what had ended.
    """
    interrupt_on_signals()
    try:
        evaluation = _evaluated(options, Clock())
    except KeyboardInterrupt:
        typer.echo("stopped before the first case", err=True)
        raise typer.Exit(130) from None
    _tell(evaluation, options)
    raise typer.Exit(evaluation.exit_code)


def _evaluated(options: Options, clock: Clock) -> "Evaluation":
    # Imported late: usage and help must not wait for libraries.
    from cli.evaluation.baseline import compare
    from cli.evaluation.jobs import benches
    from cli.evaluation.outcome import Evaluation, Unread

    chosen, before = _chosen(options), _before(options)
    scripted = not any(os.environ.get(name) for name in MODEL_ADDRESS)
    if options.model and scripted:
        _refuse("--model needs ANTHROPIC_API_KEY or ANTHROPIC_BASE_URL")
    if not scripted:
        _try_address()
    model = _model(options, scripted=scripted)
    seed = options.seed or secrets.randbelow(1_000_000) + 1
    jobs = benches(chosen, model="" if scripted else model, repeat=options.repeat, seed=seed)
    run = _run(options, clock, model=model, scripted=scripted, jobs=jobs)
    run.say(f"cases: {chosen.count}, incidents: {run.total}, stacks: {len(jobs)}, seed {seed}")
    run.say(PLUMBING if scripted else f"model {model}")
    for problem in chosen.problems:
        run.say(f"cannot be used: {problem.case}: {problem.sentence}")
    interrupted = _work(run, jobs)
    return Evaluation(
        seed=seed,
        scripted=scripted,
        scored=tuple(run.scored),
        unread=tuple(Unread(case=one.case, sentence=one.sentence) for one in chosen.problems),
        left_out=run.left_out,
        comparisons=tuple(compare(before, run.scored)),
        interrupted=interrupted,
    )


def _try_address() -> None:
    """Refuses an address at which nobody listens; behind a proxy nothing is tried."""
    address = os.environ.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com"
    try:
        parts = urlsplit(address)
    except ValueError as error:
        _refuse(f"ANTHROPIC_BASE_URL is no address: {error}")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if not getproxies():
            socket.create_connection((parts.hostname, port), 10).close()
    except (OSError, ValueError) as error:
        where = parts.netloc.rpartition("@")[2] or address
        _refuse(f"the model API at {where} cannot be reached: {error}")


def _work(run: "Run", benches: "list[Bench]") -> bool:
    """Whether it was interrupted."""
    try:
        for bench in benches:
            run.bench(bench)
    except KeyboardInterrupt:
        run.say("interrupted; this is what had ended by then")
        return True
    return False


def _chosen(options: Options) -> "Chosen":
    from cli.evaluation.jobs import choose

    for folder in options.cases or ():
        if not folder.is_dir():
            _refuse(f"--cases {folder}: there is no such folder")
    for file in (options.report, options.save_baseline):
        if file is not None and not file.parent.is_dir():
            _refuse(f"{file}: there is no folder {file.parent}")
    chosen = choose(options.cases or (), options.only or (), scenarios=options.scenarios)
    for problem in () if chosen.count else chosen.problems:
        typer.echo(wrapped(f"cannot be used: {problem.case}: {problem.sentence}", hang=4), err=True)
    if not chosen.count:
        _refuse("there is no case to run")
    return chosen


def _before(options: Options) -> "Baseline":
    from cli.evaluation.baseline import SHIPPED, BaselineError, load

    try:
        return load(options.baseline or SHIPPED)
    except BaselineError as error:
        return _refuse(f"--baseline {error}")


def _model(options: Options, *, scripted: bool) -> str:
    from services.reasoner.settings import Settings

    default = str(Settings.model_fields["model"].default)
    if scripted:
        return default
    return options.model or os.environ.get("NIGHTSHIFT_MODEL") or default


def _run(
    options: Options, clock: Clock, *, model: str, scripted: bool, jobs: "list[Bench]"
) -> "Run":
    from bus.errors import NotConfigured
    from bus.settings import BusSettings, load
    from cli.evaluation.running import Purse, Run

    try:
        bus = load(BusSettings)
    except NotConfigured as error:
        return _refuse(str(error))
    return Run(
        at_once=options.at_once,
        settings={"NIGHTSHIFT_MODEL": model},
        scripted=scripted,
        bus=bus,
        purse=Purse(options.budget),
        total=sum(len(bench.jobs) for bench in jobs),
        say=_aside if options.as_json else clock.say,
    )


def _tell(evaluation: "Evaluation", options: Options) -> None:
    from cli.evaluation import baseline, page, printed

    if options.as_json:
        typer.echo(json.dumps(evaluation.described(), indent=1, ensure_ascii=False))
    else:
        for line in [*printed.lines(evaluation.scored), "", *_ending(evaluation)]:
            typer.echo(wrapped(line, hang=4))
    try:
        if options.report:
            options.report.write_text(page.page(evaluation), encoding="utf-8")
            _aside(f"report: {options.report}")
        if options.save_baseline:
            baseline.save(options.save_baseline, evaluation.scored)
    except OSError as error:
        _refuse(f"{error.filename} cannot be written: {error.strerror}")


def _ending(evaluation: "Evaluation") -> list[str]:
    from cli.evaluation import baseline

    told = baseline.lines(evaluation.comparisons)
    told += [f"cannot be used: {one.case}: {one.sentence}" for one in evaluation.unread]
    told += [f"not run: {case}: {why}" for case, why in evaluation.left_out.items()]
    return told + ([evaluation.misranked] if evaluation.misranked else [])


def _aside(text: str) -> None:
    typer.echo(text, err=True)


def _refuse(sentence: str) -> Never:
    typer.echo(f"nightshift eval: {sentence}", err=True)
    raise typer.Exit(2)
