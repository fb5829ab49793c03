"""A command with many options: they are the fields of one dataclass."""

import inspect
from collections.abc import Callable
from typing import TypeVar, get_type_hints

Options = TypeVar("Options")


def command(options: type[Options], run: Callable[[Options], None]) -> Callable[..., None]:
    """`run` as Typer takes it: one option for each field of `options`, its docstring the help."""

    def called(**given: object) -> None:
        run(options(**given))

    vars(called)["__signature__"] = inspect.signature(options)
    called.__annotations__ = get_type_hints(options, include_extras=True)
    called.__doc__ = run.__doc__
    called.__name__ = run.__name__
    return called
