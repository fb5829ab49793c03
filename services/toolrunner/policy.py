"""The policy: whether a tool call may be made. What no rule allows is denied.

`Gate` is the seam: whatever decides, by list or by policy language, gives a `Decision` for a tool
with its checked, canonical arguments. It is asked before every call and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import JsonValue

from bus.events import Value
from services.toolrunner.result_pages import READ_RESULT


@dataclass(frozen=True)
class Decision:
    """Allow or deny, with the rule or the reason."""

    verdict: Literal["allow", "deny"]
    reason: str

    @property
    def allowed(self) -> bool:
        """Whether the call may be made."""
        return self.verdict == "allow"


class Gate(Protocol):
    """Decides about tool calls."""

    def may_offer(self, tool: str) -> bool:
        """Whether there are arguments with which the tool could be allowed."""
        ...

    def decide(self, tool: str, arguments: Mapping[str, JsonValue]) -> Decision:
        """The decision about one call; the arguments passed the tool's schema."""
        ...


class AllowList(Value):
    """Tools by server and exact name; the arguments make no difference."""

    tools: dict[str, tuple[str, ...]]

    def may_offer(self, tool: str) -> bool:
        """Whether the tool is on the list, or our own reading of stored results."""
        server, _, name = tool.partition("__")
        return tool == READ_RESULT or name in self.tools.get(server, ())

    def decide(self, tool: str, arguments: Mapping[str, JsonValue]) -> Decision:
        """Allow what is on the list."""
        if not self.may_offer(tool):
            return Decision("deny", f"{tool} is not on the allow-list")
        return Decision("allow", "built in" if tool == READ_RESULT else f"allow-list: {tool}")
