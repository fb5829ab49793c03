"""What a call reads: the resource, computed from its canonical arguments by the server's rule.

The message cannot name it. A rule says which arguments hold a namespace, a repository or a log
group; a call without them, or of a server without a rule, is about the server as a whole.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from services.toolrunner.policy import Scope

Kind = Literal["Namespace", "Repository", "LogGroup"]
KINDS: tuple[Kind, ...] = ("Namespace", "Repository", "LogGroup")
ResourceType = Literal["Namespace", "Repository", "LogGroup", "Server"]
TYPES: tuple[ResourceType, ...] = (*KINDS, "Server")
WORDS: dict[ResourceType, str] = {
    "Namespace": "namespace",
    "Repository": "repository",
    "LogGroup": "log group",
    "Server": "server",
}


@dataclass(frozen=True)
class ResourceRule:
    """Which arguments of a server's tools hold the resource's name, joined by `/`.

    Without arguments it is always the configured one: for a server that can reach no other.
    """

    kind: Kind
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resource:
    """One resource; `configured`: the settings name it."""

    kind: ResourceType
    name: str
    configured: bool = False

    @property
    def lower(self) -> str:
        """Its name in lower case, for rules about what somebody may write in either."""
        return self.name.lower()

    @property
    def words(self) -> str:
        """The resource in words, for a sentence."""
        return f"{WORDS[self.kind]} `{self.name}`"


def known_rules(*, foreign: bool) -> dict[str, ResourceRule]:
    """The rules of the servers that we know, each as long as no settings say otherwise.

    `foreign`: the servers come from a file. One that is called github may then be another than
    ours, which can reach no repository but the configured one; so a call has to name it.
    """
    repository = ("owner", "repo") if foreign else ()
    return {
        "kubernetes": ResourceRule("Namespace", ("namespace",)),
        "github": ResourceRule("Repository", repository),
        "cloudwatch": ResourceRule("LogGroup", ("log_group",)),
    }


def server_of(tool: str) -> str:
    """The server of a tool's name; a tool of our own has its own name for it."""
    return tool.partition("__")[0]


def resource_of(
    tool: str, arguments: Mapping[str, JsonValue], *, rule: ResourceRule | None, scope: Scope
) -> Resource:
    """The resource of a call with those canonical arguments."""
    name = _name(arguments, rule, scope=scope) if rule else None
    if rule is None or name is None:
        return Resource("Server", server_of(tool))
    if rule.kind == "Namespace":
        return Resource("Namespace", name, name in scope.namespaces)
    if rule.kind == "Repository":
        # GitHub takes either case for the same repository.
        name = name.lower()
        return Resource("Repository", name, bool(name) and name == scope.repository.lower())
    return Resource("LogGroup", name, any(_stands_for(each, name) for each in scope.log_groups))


def _stands_for(configured: str, log_group: str) -> bool:
    if configured.endswith("*"):
        return log_group.startswith(configured[:-1]) and "*" not in log_group
    return log_group == configured


def _name(arguments: Mapping[str, JsonValue], rule: ResourceRule, *, scope: Scope) -> str | None:
    if not rule.arguments:
        return scope.repository if rule.kind == "Repository" else None
    parts = [arguments.get(name) for name in rule.arguments]
    texts = [part for part in parts if isinstance(part, str)]
    return "/".join(texts) if len(texts) == len(parts) else None


def resource_types(
    names: Collection[str], *, required: Collection[str], rule: ResourceRule | None
) -> tuple[ResourceType, ...]:
    """The types that the resource of a tool with those arguments may have."""
    if rule is None or (not rule.arguments and rule.kind != "Repository"):
        return ("Server",)
    if not rule.arguments:
        return (rule.kind,)
    if set(rule.arguments) <= set(required):
        return (rule.kind,)
    return (rule.kind, "Server") if set(rule.arguments) <= set(names) else ("Server",)
