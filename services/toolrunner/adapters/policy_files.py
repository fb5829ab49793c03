"""The policy folder as it stands: Cedar files, `settings.yaml`, and whether a `STOP` lies in it.

It may be a mounted ConfigMap, whose files all change at once behind a symbolic link; a reading that
may have seen half of such a change is not taken.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from bus.cleaning import clean
from bus.errors import NotConfigured
from bus.events import Value
from services.toolrunner.adapters.cedar import BUILT_IN, PolicyText
from services.toolrunner.adapters.plain_yaml import plain_text, plain_yaml
from services.toolrunner.policy import Mode
from services.toolrunner.policy_resource import ResourceRule, known_rules
from services.toolrunner.policy_schema import Group, Reading

SETTINGS_FILE = "settings.yaml"
STOP_FILE = "STOP"
RESULTS = """
@id("results-read")
@reason("Stored results of the same investigation may be read.")
permit (
    principal == Agent::"diagnoser",
    action == Action::"read_result",
    resource == Server::"read_result"
);
"""
"""A rule that every policy has: what was condensed must be readable. A folder may forbid it."""
MAX_BYTES = 262_144
READINGS = 3
CONFIGURED: Literal["configured"] = "configured"


class _Resource(Value):
    """One entry: which arguments name it; `configured`: always the one in the settings."""

    Namespace: str = ""
    Repository: str | tuple[str, ...] = ""
    LogGroup: str = ""

    def rule(self) -> ResourceRule:
        """The rule. Raises ValueError unless exactly one kind is named."""
        if len(self.model_fields_set) != 1:
            raise ValueError("a server has one of Namespace, Repository, LogGroup")
        if self.Namespace:
            return ResourceRule("Namespace", (self.Namespace,))
        if self.LogGroup:
            return ResourceRule("LogGroup", (self.LogGroup,))
        if self.Repository == CONFIGURED:
            return ResourceRule("Repository")
        names = (self.Repository,) if isinstance(self.Repository, str) else self.Repository
        if not all(names) or not names:
            raise ValueError("name the argument that holds it")
        return ResourceRule("Repository", names)


class _Settings(Value):
    """What `settings.yaml` may hold."""

    mode: Mode = "enforce"
    resources: dict[str, _Resource] = Field(default_factory=dict)
    groups: dict[str, Group] = Field(default_factory=dict)


@dataclass(frozen=True)
class PolicyFiles:
    """One reading of the folder."""

    text: PolicyText
    mode: Mode
    reading: Reading
    sha256: str


def read_policy(folder: str, *, foreign: bool = False) -> PolicyFiles:
    """The folder's policy, not yet checked. Raises NotConfigured with one sentence.

    `foreign`: the servers come from an `mcpServers` file.
    """
    contents = _settled(folder)
    settings = _settings(contents.pop(SETTINGS_FILE, b""), folder)
    files = {name: plain_text(held, f"{folder}/{name}") for name, held in contents.items()}
    try:
        resources = {name: one.rule() for name, one in settings.resources.items()}
    except ValueError as error:
        raise NotConfigured(f"{folder}/{SETTINGS_FILE}: resources: {error}") from None
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0{files[name]}\0".encode())
    digest.update(settings.model_dump_json().encode())
    files[BUILT_IN] = RESULTS
    known = known_rules(foreign=foreign) | resources
    reading = Reading(known, settings.groups, frozenset(resources))
    return PolicyFiles(PolicyText(files), settings.mode, reading, digest.hexdigest())


def not_read(folder: str) -> list[str]:
    """Names in the folder that are not read and look as if they were meant to be."""
    return sorted(name for name in os.listdir(folder) if _looks_meant(name))


def _looks_meant(name: str) -> bool:
    if name.startswith(".") or name in (SETTINGS_FILE, STOP_FILE) or name.endswith(".cedar"):
        return False
    stem, _, ending = name.casefold().partition(".")
    return not ending or "cedar" in name.casefold() or stem in ("settings", "stop")


def why_stopped(folder: str) -> str:
    """Why no call may be made at all, as the folder stands now; empty when calls may be made.

    Without the folder nobody could stop anything, so that its absence stops everything.
    """
    file = Path(folder, STOP_FILE)
    try:
        os.stat(folder)
        if not os.path.lexists(file):
            return ""
    except OSError:
        return "the policy folder cannot be read, so that all tool calls are stopped"
    try:
        with file.open("rb") as opened:
            words = clean(opened.read(400).decode(errors="replace"))
    except OSError:
        words = ""
    said = "all tool calls are stopped by the operator"
    return f"{said}: {' '.join(words.split())[:200]}" if words.strip() else said


def _settled(folder: str) -> dict[str, bytes]:
    """What two readings in a row agree on."""
    for _ in range(READINGS):
        contents = _contents(folder)
        if contents == _contents(folder):
            return contents
    raise NotConfigured(f"{folder} changes while it is read")


def _contents(folder: str) -> dict[str, bytes]:
    """The Cedar files and the settings file, by name."""
    found, size = {}, 0
    try:
        for name in sorted(os.listdir(folder)):
            file = Path(folder, name)
            if name.startswith(".") or not (name.endswith(".cedar") or name == SETTINGS_FILE):
                continue
            found[name] = _start(file)
            size += len(found[name])
            if size > MAX_BYTES:
                raise NotConfigured(f"{folder} holds more than {MAX_BYTES} bytes of policy")
    except OSError as error:
        raise NotConfigured(
            f"{folder} cannot be read ({error}): set NIGHTSHIFT_POLICY_DIR"
        ) from None
    if not any(name.endswith(".cedar") for name in found):
        raise NotConfigured(f"{folder} holds no *.cedar file: set NIGHTSHIFT_POLICY_DIR")
    return found


def _start(file: Path) -> bytes:
    """A little more than may be read of all files; a pipe or a device is not opened."""
    if file.exists() and not file.is_file():
        raise NotConfigured(f"{file} is not a file")
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _settings(content: bytes, folder: str) -> _Settings:
    file = f"{folder}/{SETTINGS_FILE}"
    try:
        return _Settings.model_validate(plain_yaml(content, file) or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise NotConfigured(f"{file}: {where}: {first['msg']}") from None
