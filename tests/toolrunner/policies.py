"""Policies for tests: a folder that permits named tools, and a gate without any files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import JsonValue

from services.toolrunner.policy import Decision, Facts
from services.toolrunner.ports import Tool

RESULTS = """
@id("results-read")
@reason("Stored results may be read.")
permit (principal, action == Action::"read_result", resource);
"""


def write_policy(folder: Path, *tools: str) -> None:
    """The folder permits those tools whatever their server says of them, and `read_result`."""
    named = ", ".join(f'Action::"{tool}"' for tool in tools)
    rule = f"""
@id("named")
@reason("Tools that are named may be called.")
permit (principal, action in [{named}], resource);
"""
    (folder / "named.cedar").write_text((rule if tools else "") + RESULTS, encoding="utf-8")
    settings = {"groups": dict.fromkeys(tools, "read")}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


@dataclass
class Permits:
    """A gate that permits named tools and `read_result`, whatever the arguments."""

    tools: tuple[str, ...]
    sha256: str = ""

    def learn(self, tools: Iterable[Tool]) -> None:
        """Definitions make no difference."""

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
