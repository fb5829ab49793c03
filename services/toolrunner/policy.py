"""The policy: whether a tool call may be made. What no rule permits is denied.

`Gate` is the seam: whatever decides gives a `Decision` for a tool with its checked, canonical
arguments and the facts about its investigation. It is asked before every call and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import JsonValue

Mode = Literal["enforce", "log_only"]


@dataclass(frozen=True)
class Scope:
    """What this installation may read, as its settings name it; never what a message says."""

    namespaces: tuple[str, ...] = ()
    repository: str = ""
    log_groups: tuple[str, ...] = ()
    """One that ends in `*` stands for all that begin so."""


def scope_of(namespaces: str = "", repository: str = "", *, log_groups: str = "") -> Scope:
    """The scope that those settings name; namespaces and log groups are separated by commas."""
    return Scope(_parts(namespaces), repository, _parts(log_groups))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@dataclass(frozen=True)
class Facts:
    """What the toolrunner itself knows about a call and its investigation.

    Only rules and the budget read them; nothing in them comes from the call's arguments.
    """

    pinned: bool = False
    """The tool stands in the catalogue that the investigation pinned."""
    calls_used: int = 0
    """Calls that were started before this one, or are sent and come before it."""
    calls_allowed: int = 0
    seconds_left: int = 0
    repeated: bool = False
    """It was started before, and nobody knows how far that came."""


@dataclass(frozen=True)
class Decision:
    """Allow or deny, with the reason and the rules that decided."""

    verdict: Literal["allow", "deny"]
    reason: str
    """For audit and trace: it holds no value of an argument."""
    rules: tuple[str, ...] = ()
    """Ids of the rules that decided; empty where none did."""
    mode: Mode = "enforce"
    said: str = field(default="", kw_only=True)
    """The reason for the model, where that may hold values of its arguments."""
    policy_sha256: str = field(default="", kw_only=True)
    enforced: bool = field(default=True, kw_only=True)
    """False only for a denial by a rule, or for want of one, that `log_only` lets through."""

    @property
    def words(self) -> str:
        """The reason as the model is told it."""
        return self.said or self.reason

    @property
    def refuses(self) -> bool:
        """Whether the call is not made."""
        return self.verdict == "deny" and self.enforced


class Gate(Protocol):
    """Decides about tool calls."""

    @property
    def sha256(self) -> str:
        """The hash of the policy in force; another one may offer other tools."""
        ...

    def may_offer(self, tool: str) -> bool:
        """Whether there are arguments with which the tool could be permitted."""
        ...

    def decide(self, tool: str, arguments: Mapping[str, JsonValue], *, facts: Facts) -> Decision:
        """The decision about one call; the arguments passed the tool's schema."""
        ...

    def stopped(self) -> str:
        """Why nothing may be called at all at this moment; empty when that is not so."""
        ...
