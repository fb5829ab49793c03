"""`nightshift policy`: check a folder, explain one call, try a file of calls, print the schema."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from bus.errors import NotConfigured
from cli.columns import wrapped
from cli.inside.terminal import harmless
from cli.policy.cases import failures, load_cases, made_all_the_same
from cli.policy.trial import Trial, configured, trial
from services.toolrunner.adapters.policy_files import not_read
from services.toolrunner.judging import Judged
from services.toolrunner.policy import Facts, scope_of
from services.toolrunner.settings import SHIPPED_POLICIES

WRONG, DENIED = 1, 3
EXIT_CODES = (
    "Exits 0; 1 when the policy or a file cannot be used or a case went otherwise than expected,"
    " 2 for wrong arguments, 3 when `explain` says that the call would not be made."
)
app = typer.Typer(
    help=f"What the policy permits, and why: nothing is called. {EXIT_CODES}", no_args_is_help=True
)

_FOLDER_HELP = "The policy's folder; the shipped one if none."
Folder = Annotated[str, typer.Option("--dir", envvar="NIGHTSHIFT_POLICY_DIR", help=_FOLDER_HELP)]
ToolsFile = Annotated[
    str,
    typer.Option(
        "--tools",
        help="JSON of the tools, as `nightshift:catalogue:HASH` holds it; else those of the lock.",
    ),
]


@app.command()
def check(
    folder: Annotated[
        str, typer.Argument(envvar="NIGHTSHIFT_POLICY_DIR", metavar="DIR", help=_FOLDER_HELP)
    ] = str(SHIPPED_POLICIES),
    *,
    tools: ToolsFile = "",
    allow_unknown: Annotated[
        bool,
        typer.Option(
            "--allow-unknown",
            help="Accept a `forbid`, or `resources`, about a server of which no tool is known.",
        ),
    ] = False,
) -> None:
    """Check a policy as the toolrunner does at its start, and list its rules.

    What is configured is read from NIGHTSHIFT_NAMESPACES, NIGHTSHIFT_REPOSITORY and
    NIGHTSHIFT_LOG_GROUPS.
    """
    with _complaining():
        tried = trial(folder, configured().scope, tools_file=tools)
    _refuse_unread(folder)
    cedar = tried.gate.cedar
    if cedar.unknown and not allow_unknown:
        _fail("; ".join((*cedar.unknown, "if its tools come later: --allow-unknown")))
    for rule in cedar.rules.values():
        about = [name for name, action in cedar.actions.items() if rule.is_about(action)]
        every = len(about) == len(cedar.actions)
        typer.echo(f"{rule.file}: {rule.effect} {rule.id}: {rule.reason}")
        typer.echo(wrapped("every tool" if every else ", ".join(sorted(about)), indent=4))
    for rule in cedar.asleep:
        typer.echo(f"{rule.file}: {rule.effect} {rule.id} is about no tool that is known", err=True)
    unreachable = sorted(name for name in tried.tools if not tried.gate.may_offer(name))
    if unreachable:
        typer.echo(wrapped(f"not offered, for no rule permits them: {', '.join(unreachable)}"))
    if why := tried.gate.stopped():
        typer.echo(wrapped(harmless(f"nothing would be called: {why}")), err=True)
    typer.echo(f"policy {tried.gate.sha256[:12]}, mode {tried.gate.mode}: sound")


@app.command()
def explain(
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="As offered: server__tool.")],
    arguments: Annotated[str, typer.Argument(metavar="ARGUMENTS", help="A JSON object.")] = "{}",
    *,
    folder: Folder = str(SHIPPED_POLICIES),
    tools: ToolsFile = "",
) -> None:
    """Say what would happen to a call: schema, resource, decision, and which rules decided.

    What is configured is read from NIGHTSHIFT_NAMESPACES, NIGHTSHIFT_REPOSITORY and
    NIGHTSHIFT_LOG_GROUPS. The call is taken as the first of its investigation, 240 s before the
    deadline, with as many calls allowed as NIGHTSHIFT_MAX_TOOL_CALLS says (40 without it).
    """
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"the arguments are not JSON: {error}") from None
    if not isinstance(given, dict):
        raise typer.BadParameter("the arguments are no JSON object")
    with _complaining():
        settings = configured()
        tried = trial(folder, settings.scope, tools_file=tools)
        facts = Facts(calls_allowed=settings.max_tool_calls, seconds_left=240)
        judged = tried.judged(tool, given, facts=facts)
    _show(tried, judged)
    raise typer.Exit(DENIED if judged.decision.refuses else 0)


@app.command("test")
def try_cases(
    file: Annotated[str, typer.Argument(metavar="FILE", help="YAML; docs/policy.md shows one.")],
    *,
    folder: Folder = str(SHIPPED_POLICIES),
    tools: ToolsFile = "",
) -> None:
    """Try a file of calls, each with the decision that is expected."""
    with _complaining():
        cases = load_cases(file)
        tried = trial(folder, cases.scope, tools_file=tools)
        found = list(failures(cases, tried))
    for line in found:
        typer.echo(harmless(line), err=True)
    count = len(cases.calls)
    typer.echo(f"{count - len(found)} of {count} calls were decided as expected")
    if made := made_all_the_same(cases, tried):
        typer.echo(f"mode {tried.gate.mode}: {made} of the denied calls would be made all the same")
    raise typer.Exit(WRONG if found else 0)


@app.command()
def schema(*, folder: Folder = str(SHIPPED_POLICIES), tools: ToolsFile = "") -> None:
    """Print the Cedar schema of the tools as JSON, for editors that check while you write."""
    with _complaining():
        tried = trial(folder, scope_of(), tools_file=tools)
    typer.echo(json.dumps(json.loads(tried.gate.cedar.schema_text), indent=2))


def _show(tried: Trial, judged: Judged) -> None:
    decision, cedar = judged.decision, tried.gate.cedar
    rows = [("tool", f"{judged.tool}: {'offered' if judged.offered else 'not offered'}")]
    if judged.offered:
        rows.append(("schema", judged.problem or "the arguments fit"))
    if judged.offered and not judged.problem:
        resource = cedar.resource(judged.tool, judged.arguments)
        known = ", configured" if resource.configured else ""
        rows.append(("resource", f"{resource.words}{known}"))
    made = "would not be made" if decision.refuses else "would be made"
    rows.append(("decision", f"{decision.verdict} (mode {decision.mode}): the call {made}"))
    rows.append(("why", decision.words))
    rows += [
        ("rule", f"{rule.effect} {rule.id} in {rule.file}: {rule.reason}")
        for rule in cedar.rules.values()
        if rule.id in decision.rules
    ]
    for name, text in rows:
        typer.echo(wrapped(harmless(text), before=f"{name:10}", hang=10))


@contextmanager
def _complaining() -> Iterator[None]:
    try:
        yield
    except NotConfigured as error:
        _fail(str(error))


def _refuse_unread(folder: str) -> None:
    if unread := not_read(folder):
        names = ", ".join(unread)
        _fail(f"not read (rules are `*.cedar`, else settings.yaml and STOP count): {names}")


def _fail(sentences: str) -> NoReturn:
    for sentence in sentences.split("; "):
        typer.echo(f"nightshift policy: {harmless(sentence)}", err=True)
    raise typer.Exit(WRONG)
