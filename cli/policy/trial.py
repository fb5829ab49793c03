"""A policy tried on calls: the gate of the toolrunner, with nothing behind it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from bus.errors import NotConfigured
from bus.events import InvestigationId, ToolCallId, ToolCallRequested, Value
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.catalogue import OWN, Catalogue, catalogue_of
from services.toolrunner.judging import Judged, judge
from services.toolrunner.policy import Facts, Scope
from services.toolrunner.ports import Tool


class _Definition(Value):
    """A tool as the published catalogue holds it."""

    name: str
    description: str = ""
    input_schema: dict[str, JsonValue]
    read_only: bool = False


_DEFINITIONS = TypeAdapter(list[_Definition])


@dataclass(frozen=True)
class Trial:
    """A policy folder in force for the tools of our own servers, or for those of a file."""

    gate: LivePolicy
    offer: Catalogue
    tools: dict[str, Tool]

    def judged(self, tool: str, arguments: Mapping[str, JsonValue], *, facts: Facts) -> Judged:
        """What the toolrunner would decide."""
        call = ToolCallRequested(
            investigation_id=InvestigationId("trial"),
            tool_call_id=ToolCallId("1-1"),
            turn=1,
            tool=tool,
            arguments=dict(arguments),
        )
        return judge(call, self.offer, gate=self.gate, check=StrictSchema(), facts=facts)


def trial(folder: str, scope: Scope, *, tools_file: str = "") -> Trial:
    """The policy of that folder, in force. Raises NotConfigured with what is wrong in it."""
    gate = LivePolicy(folder, scope)
    tools = _from_file(tools_file) if tools_file else _own()
    gate.learn(tools)
    offer = catalogue_of(tools, gate, check=StrictSchema())
    return Trial(gate, offer, {tool.name: tool for tool in tools})


def _own() -> list[Tool]:
    # FastMCP takes seconds to import, and a file of tools does not need it.
    from services.toolrunner.adapters.own_tools import own_tools

    return asyncio.run(own_tools())


def _from_file(file: str) -> list[Tool]:
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
        given = _DEFINITIONS.validate_python(content)
    except OSError as error:
        raise NotConfigured(f"{file} cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NotConfigured(f"{file}: {where}: {first['msg']}") from None
    except ValueError as error:
        raise NotConfigured(f"{file} is not JSON: {error}") from None
    tools = [Tool(one.name, one.description, one.input_schema, one.read_only) for one in given]
    return [*(tool for tool in tools if tool.name != OWN.name), OWN]
