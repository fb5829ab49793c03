"""Regular expressions in linear time: a model's pattern may be as bad as it likes (RE2)."""

from collections.abc import Callable

import re2

from bus.errors import ToolFailed

MOST_MEMORY = 4 * 1024 * 1024


def linear_pattern(pattern: str) -> Callable[[str], int | None]:
    """Where a line holds what the pattern describes. Raises ToolFailed for one that is none."""
    options = re2.Options()
    options.max_mem = MOST_MEMORY
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        hint = "the syntax is RE2's: no look-around, no back-references"
        raise ToolFailed(f"the pattern is not one: {said[:200]}; {hint}") from None

    def place(line: str) -> int | None:
        found = compiled.search(line)
        return None if found is None else int(found.start())

    return place
