"""`nightshift tools`, the commands."""

import asyncio
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bus.errors import NotConfigured
from cli.columns import wrapped

if TYPE_CHECKING:
    from services.toolrunner.adapters.pinning import Listed
    from services.toolrunner.pins import Finding, Lock, Pinned
    from services.toolrunner.settings import Settings

FAILED = 1
WORDS = {"changed": "changed", "missing": "removed", "twice": "listed twice", "unknown": "new"}
EXIT_CODES = (
    f"Exits 0; {FAILED} when something differs (--check), a server gives no list or a file cannot"
    " be used, 2 for wrong arguments, 141 when its reader has gone."
)
app = typer.Typer(
    help="The reviewed lock of all tools: what stands in it, and writing it anew."
    f" {EXIT_CODES} Reads the settings of the toolrunner: NIGHTSHIFT_MCP_SERVERS,"
    " NIGHTSHIFT_POLICY_DIR, NIGHTSHIFT_TOOLS_LOCK.",
    no_args_is_help=True,
)


@app.command("list")
def list_() -> None:
    """Show the tools in the lock: name, hash, whether it only reads, and what it says of itself."""
    from services.toolrunner.adapters.lock_file import load_lock

    try:
        lock = load_lock(_settings().lock_file)
    except NotConfigured as error:
        _fail(str(error))
    for name, (_, pinned) in sorted(lock.index.items()):
        typer.echo(_tool_lines(name, pinned))


@app.command()
def pin(
    *,
    server: Annotated[
        list[str] | None,
        typer.Option(help="Only this server, may be repeated; others in the lock stay."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when something differs.")
    ] = False,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=600, help="Time that a server has to give its list.")
    ] = 30.0,
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Do not read the lock that is there; what it hides is lost."),
    ] = False,
) -> None:
    """Ask the configured servers for their tools and write the lock. Read it before you use it.

    Shows what differs from the lock as it was. Arguments that it hides stay hidden.
    """
    from services.toolrunner.adapters.lock_file import lock_text
    from services.toolrunner.pins import pinned_anew

    settings = _settings()
    file = settings.lock_file
    try:
        before = _lock_at(file, anew=anew)
        listed = asyncio.run(_listed(settings, server or [], seconds=seconds))
        after = pinned_anew(before, listed, all_of_it=not server)
        differs = _tell(before, after, listed=listed)
        if problem := after.problem():
            _fail(problem)
        if check:
            raise typer.Exit(FAILED if differs else 0)
        _write(file, lock_text(after))
    except NotConfigured as error:
        _fail(str(error))
    typer.echo(f"wrote {file}: read it before you use it" if differs else f"{file} is as it was")


async def _listed(settings: "Settings", names: Collection[str], *, seconds: float) -> "Listed":
    # What goes wrong is told in a sentence at the end, not while it is tried again.
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("fastmcp").handlers.clear()
    with _shown_words():
        return await _listed_by(settings, names, seconds=seconds)


async def _listed_by(settings: "Settings", names: Collection[str], *, seconds: float) -> "Listed":
    from services.toolrunner.adapters.pinning import configured, list_all

    async with configured(settings) as entries:
        for name in names:
            if name not in entries:
                raise typer.BadParameter(f"{name!r} is not one of {', '.join(entries)}")
        chosen = {name: entry for name, entry in entries.items() if not names or name in names}
        most = settings.tool_result_bytes
        return await list_all(chosen, seconds=seconds, max_bytes=most)


@contextmanager
def _shown_words() -> Iterator[None]:
    """What a server writes to its standard error is shown: cleaned, and as that server's."""
    from services.toolrunner.adapters import mcp_words

    shown = logging.StreamHandler()
    shown.setFormatter(logging.Formatter("%(server)s: %(message)s"))
    mcp_words.log.addHandler(shown)
    mcp_words.log.setLevel(logging.INFO)
    try:
        yield
    finally:
        mcp_words.log.removeHandler(shown)


def _settings() -> "Settings":
    from bus.settings import load
    from services.toolrunner.settings import Settings

    try:
        return load(Settings)
    except NotConfigured as error:
        _fail(str(error))


def _lock_at(file: Path, *, anew: bool) -> "Lock":
    from services.toolrunner.adapters.lock_file import load_lock
    from services.toolrunner.pins import Lock

    try:
        return Lock({}) if anew or not file.exists() else load_lock(file)
    except NotConfigured as error:
        said = "--anew writes a new one without reading it, and forgets the arguments that it hides"
        _fail(f"{error}; {said}")


def _tell(before: "Lock", after: "Lock", *, listed: "Listed") -> bool:
    """Say how the lock changes; whether it does."""
    from services.toolrunner.pins import compare

    differs = False
    for server in sorted({*before.servers, *after.servers}):
        if server not in after.servers:
            typer.echo(f"{server}: not configured any more, removed")
            differs = True
            continue
        if server not in listed:
            continue
        found = compare(server, before.servers.get(server, ()), listed=listed[server])
        is_new = server not in before.servers
        differs = differs or bool(found) or is_new
        count = len(listed[server])
        typer.echo(
            f"{server}: {count} tool{'' if count == 1 else 's'}, {'' if found else 'as pinned'}"
            f"{', '.join(_counts(found))}"
        )
        for line in _lines(found, after):
            typer.echo(line)
    return differs


def _counts(found: "Collection[Finding]") -> Iterator[str]:
    for kind, word in WORDS.items():
        if count := sum(finding.kind == kind for finding in found):
            yield f"{count} {word}"


def _lines(found: "Collection[Finding]", after: "Lock") -> Iterator[str]:
    for finding in found:
        yield f"  {finding.name} {WORDS[finding.kind]}"
        yield from (f"    {line}" for line in finding.difference)
        _, pinned = after.index.get(f"{finding.server}__{finding.tool}", ("", None))
        if pinned and (count := _unseen(pinned)):
            some = "1 character that does" if count == 1 else f"{count} characters that do"
            yield f"    its words hold {some} not show: see the file"


def _unseen(pinned: "Pinned") -> int:
    """How many characters of what a tool says of itself a reader would not see."""
    from bus.cleaning import clean_counted
    from services.toolrunner.catalogue import canonical

    told = pinned.definition
    if not told.sha256:
        return 0
    words = canonical([told.title, told.description, told.input_schema, told.output_schema])
    return clean_counted(words).stripped


def _tool_lines(name: str, pinned: "Pinned") -> str:
    from bus.cleaning import clean

    told = pinned.definition
    reads = "reads" if (told.annotations or {}).get("readOnlyHint") is True else "may change things"
    hidden = f"  hidden: {', '.join(sorted(pinned.hidden))}" if pinned.hidden else ""
    words = " ".join(clean(told.description or "it says nothing of itself").split())
    return f"{name}  {told.sha256[:12]}  {reads}{hidden}\n{wrapped(words, indent=4)}"


def _write(file: Path, text: str) -> None:
    beside = file.with_name(f"{file.name}.new")
    try:
        beside.write_text(text, encoding="ascii")
        beside.replace(file)
    except OSError as error:
        raise NotConfigured(
            f"{file} cannot be written ({error.strerror}); set NIGHTSHIFT_TOOLS_LOCK"
        ) from None


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"nightshift tools: {sentence}", err=True)
    raise typer.Exit(FAILED)
