"""The verdict on a call, step by step; the first step that says no decides.

offered by its pinned definition -> strict JSON Schema over canonical arguments -> no secret in them
-> policy -> budget.
What follows (the start recorded, the call itself) is `tool_call` and `handlers`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from bus.cleaning import clean, holds_secret
from bus.events import ToolCallRequested
from services.toolrunner.arguments import canonical_arguments
from services.toolrunner.call_budget import over_budget
from services.toolrunner.catalogue import Catalogue
from services.toolrunner.policy import Decision, Facts, Gate
from services.toolrunner.ports import SchemaCheck


@dataclass(frozen=True)
class Judged:
    """A call with its canonical arguments and the decision about it."""

    tool: str
    arguments: Mapping[str, JsonValue]
    canonical: str
    decision: Decision
    offered: bool
    problem: str = ""
    """What is wrong with the arguments; it may hold their values, so only the model gets it."""
    read_only: bool = False
    """It may be made again where its result was lost."""
    types: Mapping[str, str] = field(default_factory=dict)
    """The type of each argument, without values: for the audit."""

    @property
    def label(self) -> str:
        """The tool for a metric; a name that the model made up would be a new series each time."""
        return self.tool if self.offered else "unknown"


def judge(
    call: ToolCallRequested, offer: Catalogue, *, gate: Gate, check: SchemaCheck, facts: Facts
) -> Judged:
    """The decision: only an offered tool, with exactly its arguments, if policy and budget allow.

    A tool that was offered and is not as reviewed any more is denied before anything is looked at.
    """
    schema = offer.schemas.get(call.tool)
    arguments = canonical_arguments(call.arguments)
    problem = ""
    if schema is None:
        decision = Decision("deny", f"there is no tool {clean(call.tool)[:80]!r}")
    elif withheld := offer.withheld.get(call.tool):
        decision = Decision("deny", f"{withheld}, so it is not called")
    elif problem := arguments.problem or check.problem(schema, arguments.values):
        decision = Decision("deny", "the arguments do not fit the tool's schema")
    elif holds_secret(arguments.text):
        decision = Decision("deny", "the arguments hold a secret; a search needs none")
    else:
        decision = gate.decide(call.tool, arguments.values, facts=replace(facts, pinned=True))
        decision = _within_budget(decision, facts)
    return Judged(
        tool=call.tool,
        arguments=arguments.values,
        canonical=arguments.text,
        decision=replace(decision, policy_sha256=gate.sha256),
        offered=schema is not None,
        problem=problem,
        read_only=call.tool in offer.read_only,
        types=arguments.types(schema or {}),
    )


def _within_budget(decision: Decision, facts: Facts) -> Decision:
    spent = "" if decision.refuses else over_budget(facts)
    if not spent:
        return decision
    return replace(decision, verdict="deny", reason=spent, said="", rules=(), enforced=True)
