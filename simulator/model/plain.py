"""A server that speaks the Messages API for some model of its own, and no more than it has to.

It answers for any model, and refuses what such servers lack: thinking, marks for a cache, strict
tools, a forced tool. Real ones are milder, most ignore these (docs/models.md): who gets along with
this one gets along with them.
"""

from collections.abc import Iterator

from simulator.model.breakpoints import breakpoints
from simulator.model.known_models import KnownModel
from simulator.model.refusal import Refused
from simulator.model.shapes import Forced, ForcedByName, Prompt


def plain_model(model_id: str) -> KnownModel:
    """The model of that id, whichever it is."""
    return KnownModel(model_id, model_id, frozenset())


def refuse_extras(prompt: Prompt) -> None:
    """The prompt holds nothing that such a server lacks. Raises Refused naming the first."""
    for field in _extras(prompt):
        raise Refused(f"{field}: Extra inputs are not permitted")


def _extras(prompt: Prompt) -> Iterator[str]:
    if prompt.thinking is not None:
        yield "thinking"
    for each in breakpoints(prompt):
        yield f"{each.place}.cache_control"
    for position, tool in enumerate(prompt.tools):
        if tool.strict is not None:
            yield f"tools.{position}.strict"
    if isinstance(prompt.tool_choice, (Forced, ForcedByName)):
        yield "tool_choice.type"
