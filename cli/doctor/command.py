"""`nightshift doctor`, the command."""

import asyncio
from collections.abc import Iterator
from typing import Annotated

import typer

from bus.errors import NotConfigured
from cli.doctor.environment import SERVICES, Known, check_settings, environments, settings_of
from cli.doctor.finding import Finding, fail
from cli.doctor.redis_checks import check_redis
from cli.inside.store import store
from cli.inside.terminal import Page, redis_answers, write_json
from cli.written import READER_LEFT

FAILED = 1
CODES = (
    f"Exits 0 when nothing failed (warnings are allowed unless --strict), {FAILED} when something"
    f" did, 2 for wrong arguments, {READER_LEFT} when its reader has gone."
)
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
INDENT = 6


def _known(names: list[str] | None) -> list[str]:
    for name in names or []:
        if name not in SERVICES:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(SERVICES)}")
    return names or []


def _completed(incomplete: str) -> list[str]:
    return [name for name in SERVICES if name.startswith(incomplete)]


def doctor(
    services: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SERVICE]...",
            help="Check what these need, and miss nothing of it. Default: what is set here.",
            callback=_known,
            autocompletion=_completed,
        ),
    ] = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a check.")] = False,
) -> None:
    """Look at settings, Redis, groups, credentials and clocks, and say what is missing.

    Reads this shell's environment; in the folder of a running `nightshift up`, and without
    REDIS_URL, that of its services. Changes nothing, and shows no secret.
    """
    found: list[Finding] = []
    page = Page()
    with redis_answers("doctor"):
        for finding in _findings(services or []):
            found.append(finding)
            _tell(page, finding, as_json=as_json)
        bad = [one for one in found if one.status == "fail" or (strict and one.status == "warn")]
        if not as_json:
            _sum_up(page, found)
    raise typer.Exit(FAILED if bad else 0)


def _findings(wanted: list[str]) -> Iterator[Finding]:
    each = environments(wanted)  # first: asking for Redis notes its address in this environment
    yield from asyncio.run(_of_redis())
    for known in each:
        yield from check_settings(known)
        yield from _credentials(known)


async def _of_redis() -> list[Finding]:
    try:
        async with store() as seen:
            return [finding async for finding in check_redis(seen)]
    except NotConfigured as error:
        advice = "set what is wrong, or leave it out"
        return [fail("redis", str(error).removeprefix("settings: "), advice=advice)]


def _credentials(known: Known) -> Iterator[Finding]:
    """One harmless call for each credential that the service has here."""
    from cli.doctor import cloud_checks, web_checks  # late: a wrong name must not wait for them
    from services.ingest.settings import Settings as IngestSettings
    from services.notifier.settings import Settings as NotifierSettings
    from services.reasoner.settings import Settings as ReasonerSettings
    from services.toolrunner.servers.settings import ServersSettings

    for _, values in settings_of(known):
        if isinstance(values, ReasonerSettings):
            yield web_checks.check_model(values, is_wanted=known.is_wanted)
        elif isinstance(values, NotifierSettings):
            yield web_checks.check_slack(values)
        elif isinstance(values, ServersSettings):
            yield from cloud_checks.check_kubernetes(values)
            yield web_checks.check_github(values)
            yield cloud_checks.check_aws(known)
        elif isinstance(values, IngestSettings):
            yield cloud_checks.check_aws(known, queue_url=values.queue_url)


def _tell(page: Page, finding: Finding, *, as_json: bool) -> None:
    if as_json:
        write_json(finding.model_dump(mode="json"))
        return
    style = STYLES[finding.status]
    words = f"{finding.status:<{INDENT}}{finding.check}: {finding.what}"
    page.words(words, indent=0, hang=INDENT, style=style if finding.status != "ok" else "")
    if finding.advice:
        page.words(f"-> {finding.advice}", indent=INDENT, hang=3)


def _sum_up(page: Page, found: list[Finding]) -> None:
    counts = {status: sum(one.status == status for one in found) for status in STYLES}
    page.words(", ".join(f"{count} {status}" for status, count in counts.items()), indent=0)
