"""What the toolrunner's concepts need from the outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from bus.errors import ToolFailed


@dataclass(frozen=True)
class Tool:
    """One tool as the model is shown it, by the lock; `name` is `<server>__<tool>`."""

    name: str
    description: str
    input_schema: Mapping[str, JsonValue]
    read_only: bool = False
    """Its server said that it changes nothing, by the `readOnlyHint` in the lock; no other counts.

    A hint is worth what the operator thinks of its server. It decides one thing only: whether a
    call whose result was lost is made again. Whether it may be made at all, the policy decides.
    """


class ServerFailed(ToolFailed):
    """The server itself gave no answer, whatever the tool would have said."""


class ResultUnknown(ServerFailed):
    """The call may have been made, nobody knows what came of it, and it is not made again."""


class ToolServers(Protocol):
    """The connected MCP servers."""

    def tools(self) -> list[Tool]:
        """What may be offered: the reviewed tools but those that their servers list otherwise."""
        ...

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, JsonValue],
        *,
        seconds: float,
        check: Callable[[], float],
        read_only: bool,
    ) -> str:
        """The text a tool answered. Raises ToolFailed, within `seconds`, when it gave none.

        One that is not `read_only` is sent once at most: ResultUnknown where that may have arrived.
        `check` is asked each time before the server is; what it raises goes on to the caller.
        """
        ...


class SchemaCheck(Protocol):
    """Strict checking of arguments and schemas."""

    def problem(self, schema: Mapping[str, JsonValue], arguments: Mapping[str, JsonValue]) -> str:
        """What is wrong with the arguments, empty when nothing is."""
        ...

    def schema_problem(self, schema: Mapping[str, JsonValue]) -> str:
        """What is wrong with a schema, empty when nothing is."""
        ...
