"""The lock file: one block per reviewed tool, in plain ASCII so that a reviewer sees every byte."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, JsonValue, ValidationError

from bus.errors import NotConfigured
from bus.events import Value
from services.toolrunner.adapters.plain_json import plain_json
from services.toolrunner.pins import PIN_COMMAND, Definition, Lock, Pinned

SETTING = "NIGHTSHIFT_TOOLS_LOCK"


class _Block(Value):
    name: str
    title: str | None
    description: list[str] | None
    """Its lines, because one long line is hard to review."""
    input_schema: dict[str, JsonValue]
    output_schema: dict[str, JsonValue] | None
    annotations: dict[str, JsonValue] | None
    sha256: str
    hidden: dict[str, JsonValue] = Field(default_factory=dict)

    def pinned(self) -> Pinned:
        return Pinned(
            Definition(
                name=self.name,
                title=self.title,
                description=None if self.description is None else "\n".join(self.description),
                input_schema=self.input_schema,
                output_schema=self.output_schema,
                annotations=self.annotations,
            ),
            self.hidden,
        )


class _File(Value):
    version: Literal[1]
    servers: dict[str, list[_Block]]


def load_lock(file: Path) -> Lock:
    """The lock in that file.

    Raises NotConfigured with one sentence where it cannot be read, holds what is not known, was
    edited without its hashes, or gives two tools one name.
    """
    try:
        content = _File.model_validate(plain_json(file.read_bytes()))
    except FileNotFoundError:
        raise NotConfigured(
            f"there is no {file}, so no tool has been reviewed: write it with `{PIN_COMMAND}`,"
            f" read it, and keep it in NIGHTSHIFT_POLICY_DIR or where {SETTING} says"
        ) from None
    except OSError as error:
        raise NotConfigured(f"{SETTING}: {file} cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise NotConfigured(f"{file} is no lock: {_first(error)}") from None
    except (ValueError, RecursionError) as error:
        raise NotConfigured(f"{file} is no lock: {error}") from None
    lock = Lock(
        {
            name: tuple(block.pinned() for block in blocks)
            for name, blocks in content.servers.items()
        }
    )
    problem = lock.problem() or _edited(content, lock)
    if problem:
        raise NotConfigured(f"{file}: {problem}")
    return lock


def lock_text(lock: Lock) -> str:
    """The file's content, the same for the same lock."""
    servers = {
        name: [_block(pinned) for pinned in sorted(tools, key=_by_name)]
        for name, tools in sorted(lock.servers.items())
    }
    return json.dumps({"version": 1, "servers": servers}, indent=2) + "\n"


def _block(pinned: Pinned) -> dict[str, Any]:
    told = pinned.definition
    lines = None if told.description is None else told.description.split("\n")
    block: dict[str, Any] = {
        "name": told.name,
        "title": told.title,
        "description": lines,
        "input_schema": _sorted(told.input_schema),
        "output_schema": _sorted(told.output_schema),
        "annotations": _sorted(told.annotations),
        "sha256": told.sha256,
    }
    return block | ({"hidden": dict(pinned.hidden)} if pinned.hidden else {})


def _sorted(value: Mapping[str, JsonValue] | None) -> Any:
    return json.loads(json.dumps(value, sort_keys=True))


def _by_name(pinned: Pinned) -> str:
    return pinned.definition.name


def _edited(content: _File, lock: Lock) -> str:
    """A description that somebody changed by hand would never be the server's again."""
    for server, blocks in content.servers.items():
        for block, pinned in zip(blocks, lock.servers[server], strict=True):
            if block.sha256 != pinned.definition.sha256:
                return (
                    f"the hash of {server}__{block.name} is not that of its fields: write the file"
                    f" with `{PIN_COMMAND}`, not by hand"
                )
    return ""


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    return " ".join(f"{where}: {first['msg']}".split())[:300]
