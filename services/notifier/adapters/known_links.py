"""The addresses that cards may show, from the settings and the services file."""

import tomllib
from pathlib import Path

from bus.errors import NotConfigured
from services.notifier.links import Links, links
from services.notifier.settings import Settings


def links_of(settings: Settings) -> Links:
    """What the settings and the services file know. Raises NotConfigured when the file is wrong."""
    source_url = settings.source_url.replace("{repository}", settings.repository)
    return links(
        trace_url=settings.trace_url,
        source_url=source_url if settings.repository else "",
        listed=settings.link_hosts.split(","),
        runbooks=_runbooks(settings.catalog) if settings.catalog else {},
    )


def _runbooks(path: Path) -> dict[str, str]:
    """By service, where it has one; what else stands in the file is for others to judge."""
    try:
        services = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("services")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotConfigured(f"NIGHTSHIFT_CATALOG {path}: {error}") from None
    tables = services if isinstance(services, dict) else {}
    given = {
        name: table.get("runbook") for name, table in tables.items() if isinstance(table, dict)
    }
    return {name: words for name, words in given.items() if isinstance(words, str) and words}
