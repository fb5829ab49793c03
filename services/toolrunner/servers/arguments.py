"""A tool whose arguments are the fields of one value, for tools with more than a few of them."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from pydantic import BaseModel

Asked = TypeVar("Asked", bound=BaseModel)
Owner = TypeVar("Owner")


def by_fields(kind: type[Asked]) -> Callable[[Callable[[Owner, Asked], str]], Callable[..., str]]:
    """The method takes the fields of `kind` by name, as callers and FastMCP see it."""

    def of(method: Callable[[Owner, Asked], str]) -> Callable[..., str]:
        @wraps(method)
        def tool(owner: Owner, **given: object) -> str:
            return method(owner, kind.model_validate(given))

        fields = inspect.signature(kind).parameters.values()
        owner = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        shown = inspect.Signature([owner, *fields], return_annotation=str)
        vars(tool)["__signature__"] = shown
        tool.__annotations__ = {each.name: each.annotation for each in fields} | {"return": str}
        return tool

    return of
