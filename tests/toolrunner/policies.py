"""Policies for tests: a folder that permits named tools, and a gate without any files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import JsonValue

from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.catalogue import OWN
from services.toolrunner.policy import Decision, Facts, Scope
from services.toolrunner.ports import Tool
from services.toolrunner.settings import SHIPPED_POLICIES


def write_policy(folder: Path, *tools: str) -> None:
    """The folder permits those tools on what is configured, `kube-system` and their servers."""
    named = ", ".join(f'Action::"{tool}"' for tool in tools)
    servers = {tool.partition("__")[0] for tool in tools}
    names = ", ".join(f'"{name}"' for name in sorted({*servers, "kube-system"}))
    rule = f"""
@id("named")
@reason("Tools that are named may be called.")
permit (principal, action in [{named}], resource)
when {{
    [{names}].contains(resource.name) || (resource has configured && resource.configured)
}};
"""
    (folder / "named.cedar").write_text(rule if tools else "", encoding="utf-8")
    settings = {"groups": dict.fromkeys(tools, "read")}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


@dataclass
class Permits:
    """A gate that permits named tools and `read_result`, whatever the arguments."""

    tools: tuple[str, ...]
    sha256: str = ""

    def may_offer(self, tool: str) -> bool:
        """Whether it is named."""
        return tool in (*self.tools, "read_result")

    def decide(self, tool: str, arguments: Mapping[str, JsonValue], *, facts: Facts) -> Decision:
        """Allow what is named."""
        if self.may_offer(tool):
            return Decision("allow", "it is named")
        return Decision("deny", "it is not named")

    def stopped(self) -> str:
        """Nobody stops it."""
        return ""


def _tool(name: str, properties: dict[str, JsonValue], *required: str) -> Tool:
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return Tool(name, "", schema, read_only=True)


_TEXT: JsonValue = {"type": "string"}
_MAYBE_TEXT: JsonValue = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
TOOLS = (
    OWN,
    _tool("kubernetes__list_pods", {"namespace": _TEXT}, "namespace"),
    _tool(
        "kubernetes__get_logs",
        {
            "namespace": _TEXT,
            "pod": _TEXT,
            "container": _MAYBE_TEXT,
            "tail_lines": {"type": "integer", "minimum": 1, "maximum": 5000},
            "previous": {"type": "boolean"},
        },
        "namespace",
        "pod",
    ),
    _tool(
        "kubernetes__describe_workload",
        {
            "namespace": _TEXT,
            "kind": {"enum": ["Deployment", "StatefulSet"], "type": "string"},
            "name": _TEXT,
        },
        "namespace",
        "kind",
        "name",
    ),
    _tool("kubernetes__list_events", {"namespace": _MAYBE_TEXT}),
    _tool("github__get_file_contents", {"path": _TEXT, "ref": _MAYBE_TEXT}, "path"),
    _tool("github__search_code", {"query": {"type": "string", "minLength": 1}}, "query"),
    _tool(
        "cloudwatch__search_logs",
        {"log_group": _TEXT, "minutes": {"type": "integer", "minimum": 1, "maximum": 1440}},
        "log_group",
    ),
    _tool("cloudwatch__describe_alarm", {"name": _TEXT}, "name"),
)
"""Definitions like those of our own servers, which may change without these."""
SCOPE = Scope(("boutique", "shop"), "Example/boutique", ("/boutique/*", "/shop"))
FACTS = Facts(pinned=True, calls_used=3, calls_allowed=40, seconds_left=200)


def shipped(scope: Scope = SCOPE) -> LivePolicy:
    """The shipped policy, in force for those tools."""
    gate = LivePolicy(str(SHIPPED_POLICIES), scope, tools=TOOLS)
    return gate
