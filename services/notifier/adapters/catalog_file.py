"""The services file (`NIGHTSHIFT_CATALOG`), of which the notifier takes the channels."""

from pathlib import Path

from bus.errors import NotConfigured
from services.notifier.routing import Routes, routes_from


def routes(path: Path | None, default: str) -> Routes:
    """Its routes; without a file everything goes to the default. Raises NotConfigured."""
    if path is None:
        return Routes(default=default)
    try:
        return routes_from(path.read_text(encoding="utf-8-sig"), default)
    except (OSError, UnicodeDecodeError, NotConfigured) as error:
        raise NotConfigured(f"NIGHTSHIFT_CATALOG {path} cannot be used: {error}") from None
