"""`nightshift preview`: what a card looks like, and whether Slack would take it."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.errors import NotConfigured
from cli.columns import rule, wrapped
from cli.inside.terminal import fail, harmless
from cli.written import NOT_WRITTEN, READER_LEFT

if TYPE_CHECKING:
    from cli.preview.reading import Seen

UNREADABLE, REFUSED = 3, 4
MOST_REFUSALS = 20
ALL = "all"
CODES = (
    f"Exits 0 when Slack would take what is shown, {REFUSED} when it would refuse it,"
    f" {UNREADABLE} for a FILE that no card can be made of, 2 for wrong arguments,"
    f" {NOT_WRITTEN} when the output cannot be written, {READER_LEFT} when its reader has gone."
)


def preview(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="JSON: a chat.postMessage payload or a list of blocks; an investigation's record,"
            " as an object or as `redis-cli --json HGETALL` prints it; what `nightshift show"
            " --json` prints; a diagnosis; a DiagnosisReached. - reads standard input.",
        ),
    ] = None,
    *,
    sample: Annotated[
        str | None,
        typer.Option(
            help="A made-up investigation instead of FILE: live, diagnosed, healthy, inconclusive,"
            " timed_out, out_of_budget, cancelled, recovered, failed, or all."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write an HTML page in Slack's look, not the terminal."),
    ] = None,
) -> None:
    """Show a card as Slack would, and say what Slack would refuse of it.

    Nothing is sent, and neither Redis nor Slack is asked.
    """
    from cli.preview.messages import refusals

    seen = [
        replace(each, shown=replace(each.shown, refusals=refusals(each.shown.message)))
        for each in _from(file, sample=sample)
    ]
    if html is not None:
        _write(html, seen)
    for each in seen:
        if html is None:
            _print(each)
        _say(each)
    raise typer.Exit(REFUSED if any(each.shown.refusals for each in seen) else 0)


def _from(file: str | None, *, sample: str | None) -> "list[Seen]":
    from cli.preview.reading import NotReadable, of_sample, read
    from cli.preview.samples import SAMPLES

    if (file is None) == (sample is None):
        raise typer.BadParameter("either a FILE or a --sample, and not both")
    if file is None:
        if sample not in (*SAMPLES, ALL):
            raise typer.BadParameter(f"{sample!r} is not one of {', '.join(SAMPLES)}, {ALL}")
        return [of_sample(name) for name in SAMPLES if sample in (name, ALL)]
    try:
        return [read(_bytes(file))]
    except OSError as error:
        fail("preview", f"{file} cannot be read: {error.strerror}", code=UNREADABLE)
    except NotReadable as error:
        fail("preview", f"{file}: {error}", code=UNREADABLE)
    except NotConfigured as error:
        fail("preview", str(error), code=UNREADABLE)


def _bytes(file: str) -> bytes:
    """What the file holds; no more of it than tells that it is too long."""
    from cli.preview.reading import MOST_BYTES

    if file == "-":
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    with Path(file).open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _write(html: Path, seen: "list[Seen]") -> None:
    from cli.preview.page import page

    text = page([each.shown for each in seen], title="Nightshift: preview of a card")
    try:
        html.write_bytes(text.encode("utf-8", "xmlcharrefreplace"))
    except OSError as error:
        fail("preview", f"{html} cannot be written: {error.strerror}", code=NOT_WRITTEN)
    typer.echo(f"{harmless(str(html))} is written")


def _print(seen: "Seen") -> None:
    from simulator.slack import render_message

    typer.echo(rule(harmless(seen.kind)))
    typer.echo(wrapped(harmless(render_message(seen.shown.message)), hang=2))
    typer.echo(rule())


def _say(seen: "Seen") -> None:
    from cli.preview.messages import measures

    if seen.note:
        typer.echo(wrapped(f"Note: {seen.note}.", hang=2))
    if not seen.shown.refusals:
        typer.echo(f"{harmless(seen.kind)}: Slack would take it, {measures(seen.shown.message)}")
        return
    typer.echo(f"{harmless(seen.kind)}: Slack would refuse it:", err=True)
    for refusal in seen.shown.refusals[:MOST_REFUSALS]:
        typer.echo(wrapped(harmless(refusal), indent=2, hang=2), err=True)
    if (more := len(seen.shown.refusals) - MOST_REFUSALS) > 0:
        typer.echo(f"  and {more} more", err=True)
