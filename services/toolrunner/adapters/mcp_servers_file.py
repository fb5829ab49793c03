"""The standard `mcpServers` JSON file: which MCP servers there are and how they are reached."""

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bus.errors import NotConfigured
from services.toolrunner.adapters.plain_json import plain_json

log = logging.getLogger(__name__)
BUILT_IN = ("kubernetes", "github", "cloudwatch")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"^(?!.*__)[A-Za-z0-9][A-Za-z0-9_-]{0,39}(?<!_)$")


KNOWN = (
    *("url", "headers", "command", "args", "env", "cwd", "type", "disabled"),
    *("callsAtOnce", "callsPerSecond"),
)
"""What an entry may say; the last two are ours, in place of the settings for all servers."""
LEFT_ASIDE = {
    "alwaysAllow": "the policy says what may be called",
    "autoApprove": "the policy says what may be called",
    "timeout": "NIGHTSHIFT_TOOL_SECONDS counts",
    "name": "the entry's own name counts",
    "description": "nothing reads it",
}
"""What other programs write there and may stand, with what counts instead. Whatever else is not
known is refused: to overlook a key that limits a server, or that was mistyped, would widen it."""


class ServerEntry(BaseModel):
    """One entry: `url` with `headers`, or `command` with `args` and `env`; see `KNOWN`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    url: str = Field(default="", pattern=r"^(https?://.*)?$")
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    command: str = ""
    args: list[str] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict, repr=False)
    cwd: str | None = None
    kind: Literal["", "stdio", "http", "streamable-http", "streamableHttp"] = Field(
        default="", alias="type"
    )
    disabled: bool = False
    calls_at_once: int | None = Field(default=None, alias="callsAtOnce", ge=1, le=200)
    calls_per_second: float | None = Field(default=None, alias="callsPerSecond", ge=0, le=1_000)

    @model_validator(mode="after")
    def _refuse_neither_and_both(self) -> "ServerEntry":
        if bool(self.url) == bool(self.command):
            raise ValueError("needs either `url` or `command`")
        if self.kind and (self.kind == "stdio") != bool(self.command):
            raise ValueError(f"is of type {self.kind}, and has what another type needs")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")

    servers: dict[str, ServerEntry] = Field(alias="mcpServers")


def built_in_servers(port: int, token: str) -> dict[str, ServerEntry]:
    """The entries of the built-in servers on their loopback port."""
    headers = {"Authorization": f"Bearer {token}"}
    return {
        name: ServerEntry(url=f"http://127.0.0.1:{port}/{name}/mcp", headers=headers)
        for name in BUILT_IN
    }


def load_servers(file: str) -> dict[str, ServerEntry]:
    """The file's entries by name, `${VARIABLE}` in headers and env filled in, no disabled ones.

    Raises NotConfigured with one sentence that never holds a value of the environment.
    """
    try:
        content = plain_json(Path(file).read_text(encoding="utf-8"))
        entries = _File.model_validate(_read_of(content, file)).servers
    except OSError as error:
        raise NotConfigured(f"NIGHTSHIFT_MCP_SERVERS: {file} cannot be read ({error})") from None
    except ValueError as error:
        reason = _first(error) if isinstance(error, ValidationError) else f"it is not JSON: {error}"
        raise NotConfigured(f"NIGHTSHIFT_MCP_SERVERS: {file}: {reason}") from None
    for name, entry in entries.items():
        if not _NAME.match(name):
            raise NotConfigured(
                f"{file}: {name!r} cannot be a server's name: A-Z a-z 0-9 _ -, "
                "no __, and no _ at its end"
            )
        if found := _VARIABLE.search(" ".join((entry.url, entry.command, *entry.args))):
            raise NotConfigured(
                f"{file}: server {name}: {found[0]} is filled in within `headers` and `env` only"
            )
    return {
        name: entry.model_copy(
            update={
                "headers": _filled(file, name, values=entry.headers),
                "env": _filled(file, name, values=entry.env),
            }
        )
        for name, entry in entries.items()
        if not entry.disabled
    }


def _read_of(content: object, file: str) -> object:
    """The file without the keys that may stand; a warning names each. Raises NotConfigured."""
    given = content.get("mcpServers") if isinstance(content, dict) else None
    if not isinstance(given, dict):
        return content
    servers = {}
    for name, entry in given.items():
        keys = list(entry) if isinstance(entry, dict) else []
        if strange := [key for key in keys if key not in (*KNOWN, *LEFT_ASIDE)]:
            said = f"server {name[:40]!r} has a key {strange[0][:40]!r}"
            raise NotConfigured(f"{file}: {said}; known are {', '.join(KNOWN)}")
        for key in LEFT_ASIDE.keys() & set(keys):
            log.warning("%s: %s of server %r is not read: %s", file, key, name, LEFT_ASIDE[key])
        rest = {key: entry[key] for key in keys if key in KNOWN}
        servers[name] = rest if isinstance(entry, dict) else entry
    return {"mcpServers": servers}


def _filled(file: str, server: str, *, values: Mapping[str, str]) -> dict[str, str]:
    def value_of(found: "re.Match[str]") -> str:
        value = os.environ.get(found[1])
        if value is None:
            raise NotConfigured(f"{file}: server {server} needs the variable {found[1]}, not set")
        return value

    return {name: _VARIABLE.sub(value_of, text) for name, text in values.items()}


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"
