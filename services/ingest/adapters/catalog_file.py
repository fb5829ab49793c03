"""The services file (`NIGHTSHIFT_CATALOG`): which services there are, in TOML.

It lists their names, or has a table for each, whose contents are the reasoner's to read; channels
are the notifier's.
"""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bus.errors import NotConfigured


class _Catalog(BaseModel):
    model_config = ConfigDict(extra="forbid")

    services: list[str] | dict[str, dict[str, object]]
    channels: dict[str, object] = {}


def known_services(path: Path | None) -> list[str]:
    """The services' names; none without a file. Raises NotConfigured when the file is wrong."""
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
        return list(_Catalog.model_validate(tomllib.loads(text)).services)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problem = str(error)
    form = "it holds `services = [...]`, or tables `[services.name]`"
    raise NotConfigured(f"NIGHTSHIFT_CATALOG {path}: {problem}; {form}")
