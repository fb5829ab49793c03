"""Cedar text before its parser sees it, which is native code and overflows its stack on deep text.

Found by trying, on a stack of 8 MB: it fails from about 560 nested brackets, 4,300 nested `if`, and
16,000 operators in a row. Both limits reached at once are still a fifth of that.
"""

import re

MOST_DEEP = 64
MOST_OPERATORS = 400
_PART = re.compile(
    r'"(?:\\.|[^"\\])*"'
    r"|//[^\n\r]*"
    r"|[()\[\]{}]|&&|\|\||[=!<>]=|[-<>+*!.;]|\b(?:if|has|in|is|like)\b",
    re.DOTALL,
)


def too_deep(text: str) -> str:
    """What is too deep or too long in those policies, empty where nothing is.

    What stands in strings and comments does not count. Nothing is promised of text that is no
    Cedar, but that it is within the limits.
    """
    depth = operators = 0
    for found in _PART.finditer(text):
        part = found[0]
        if part[0] == '"' or part[:2] == "//":
            continue
        if part in "([{":
            depth += 1
        elif part in ")]}":
            depth = max(0, depth - 1)
        elif part == ";":
            operators = 0
        else:
            operators += 1
        if depth > MOST_DEEP or operators > MOST_OPERATORS:
            line = text.count("\n", 0, found.start()) + 1
            return f"line {line}: {_what(depth)}"
    return ""


def _what(depth: int) -> str:
    if depth > MOST_DEEP:
        return f"brackets are nested more than {MOST_DEEP} deep"
    return f"a rule has more than {MOST_OPERATORS} operators: make several of it"
