"""Numbers that tell something by their place: a status where one stands, and an exit code.

A number from 400 to 599 alone is none: it must follow a method and a path, stand between bars, or
follow a word or an arrow that leads to a status.
"""

import re

_METHOD = r"\b(?:get|post|put|patch|delete|head|options) {1,9}\"?(?:/|https?:)\S{0,2000}"
_GOES_ON = (
    r"(?=\s*(?:$|[\n,;)\]}\"'|])|\s+(?:[\d(\[-]|(?:in|after|for|from|to|on|with|at|by|via|when|while"
    r"|and|but|internal|bad|service|gateway|not|error|unauthorized|forbidden|too)\b))"
)
_STATUS = re.compile(
    rf"(?:{_METHOD}\s{{1,9}}(?:http/[\d.]{{1,9}}\"?\s{{1,9}})?(?P<path>[45]\d\d)(?=\s|$)"
    r"|\|\s{0,9}(?P<bar>[45]\d\d)(?=\s{0,9}\|)"
    r"|(?:\b(?:responded|returned|returns|answered|status)(?: with)?\W{1,3}|(?:->|=>|→) ?)"
    rf"(?P<word>(?:4[0-5]|50|52)\d|51[01]){_GOES_ON}"
    r"|\b(?:finished|terminated|ended|died|completed) ?\((?P<exit>1|2|12[5-9]|1[3-5]\d)\))",
    re.IGNORECASE,
)
_MAY_BE = (" 4", " 5", "|4", "|5", ">4", ">5", "=4", "=5", ":4", ":5", "(1", "(2")
_HIDDEN = {ord("0") + digit: chr(0xE000 + digit) for digit in range(10)}
_TOLD = {ord(sign): chr(digit) for digit, sign in _HIDDEN.items()}


def may_tell(line: str) -> bool:
    """Whether it is worth looking for such a number."""
    return any(start in line for start in _MAY_BE)


def says_error(text: str) -> bool:
    """Whether a status of 5xx, or an exit code other than 0, stands where one does."""
    return may_tell(text) and any(
        found["exit"] or found[found.lastgroup or 0].startswith("5")
        for found in _STATUS.finditer(text)
    )


def hidden(line: str) -> str:
    """The line with such numbers in signs that no mask takes for digits; `told` undoes it."""
    return _STATUS.sub(_hide, line)


def is_request(line: str) -> bool:
    """Whether the line tells of a request by its status, so that its sizes and times are noise."""
    return may_tell(line) and any(
        found.lastgroup in ("path", "bar") for found in _STATUS.finditer(line)
    )


def told(line: str) -> str:
    """The line with its digits again."""
    return line.translate(_TOLD)


def _hide(found: re.Match[str]) -> str:
    start, end = found.span(found.lastgroup or 0)
    start, end = start - found.start(), end - found.start()
    return found[0][:start] + found[0][start:end].translate(_HIDDEN) + found[0][end:]
