"""A policy tried on calls: the gate of the toolrunner, with nothing behind it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from bus.errors import NotConfigured
from bus.events import InvestigationId, ToolCallId, ToolCallRequested, Value
from bus.settings import load
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.adapters.lock_file import load_lock
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.catalogue import OWN, Catalogue, catalogue_of
from services.toolrunner.judging import Judged, judge
from services.toolrunner.policy import Facts, Scope
from services.toolrunner.ports import Tool
from services.toolrunner.settings import LOCK, Settings


class _Definition(Value):
    """A tool as the published catalogue holds it."""

    name: str
    description: str = ""
    input_schema: dict[str, JsonValue]
    read_only: bool = False


_DEFINITIONS = TypeAdapter(list[_Definition])


@dataclass(frozen=True)
class Trial:
    """A policy folder in force for the tools of its lock, or for those of a file."""

    gate: LivePolicy
    offer: Catalogue
    tools: dict[str, Tool]

    def judged(self, tool: str, arguments: Mapping[str, JsonValue], *, facts: Facts) -> Judged:
        """What the toolrunner would decide."""
        # Not validated, so that what no event could hold is refused by the gate in its own words.
        call = ToolCallRequested.model_construct(
            investigation_id=InvestigationId("trial"),
            tool_call_id=ToolCallId("1-1"),
            turn=1,
            tool=tool,
            arguments=dict(arguments),
        )
        return judge(call, self.offer, gate=self.gate, check=StrictSchema(), facts=facts)


def trial(folder: str, scope: Scope, *, tools_file: str = "") -> Trial:
    """The policy of that folder, in force. Raises NotConfigured with what is wrong in it."""
    tools = _from_file(tools_file) if tools_file else _reviewed(folder)
    foreign = bool(os.environ.get("NIGHTSHIFT_MCP_SERVERS"))
    gate = LivePolicy(folder, scope, tools=tools, foreign=foreign)
    offer = catalogue_of(tools, gate, check=StrictSchema())
    return Trial(gate, offer, {tool.name: tool for tool in tools})


def configured() -> Settings:
    """The toolrunner's settings. Raises NotConfigured as its start would."""
    return load(Settings)


def _reviewed(folder: str) -> list[Tool]:
    """The tools of the lock that the toolrunner would take; without it, that would not start."""
    lock = Path(os.environ.get("NIGHTSHIFT_TOOLS_LOCK") or Path(folder) / LOCK)
    return [OWN, *load_lock(lock).tools()]


def _from_file(file: str) -> list[Tool]:
    try:
        given = _DEFINITIONS.validate_json(Path(file).read_bytes())
    except OSError as error:
        raise NotConfigured(f"{file} cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise NotConfigured(f"{file}: {where}: {first['msg']}") from None
    tools = [Tool(one.name, one.description, one.input_schema, one.read_only) for one in given]
    return [*(tool for tool in tools if tool.name != OWN.name), OWN]
