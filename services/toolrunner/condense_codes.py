"""Numbers that tell something by their place: a status, an exit code, a ratio, a counter at zero.

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
_MAY_BE = re.compile(r"[45(](?:(?<=[ |>].)\d\d(?![\w:/-]|\.\d)|(?<=\()(?:[12]|1[2-5]\d)\))")
_HIDDEN = {ord("0") + digit: chr(0xE000 + digit) for digit in range(10)}
_TOLD = {ord(sign): chr(digit) for digit, sign in _HIDDEN.items()}
_LOWER = "|".join(f"{low}/(?:[{low + 1}-9]|1\\d|20)" for low in range(9))
PART = rf"(?:(?=\d/)(?<!\[)(?:{_LOWER})(?![\w./:%-]))"
"""Fewer of so many, such as `0/1` pods that are ready; `[3/7]` is progress."""
_ENDS = ('": ', '":', "=", ": ", ":")
_COUNTERS = (
    *("restarts", "restartCount", "restart_count", "RestartCount", "unavailableReplicas"),
    *("lag", "Lag", "pending", "Pending", "backlog", "Backlog"),
)
ZERO = "0(?![\\w.:/%-])(?:{})".format(
    "|".join(f"(?<={start}0)" for start in ("  ", *(f"{n}{e}" for n in _COUNTERS for e in _ENDS)))
)
"""A counter at zero, or a zero alone in a column: it is another record where it is not."""
_LACKS = re.compile(
    rf"(?<![\w./:-]){PART}(?:(?<=\b0/\d)|(?<=\b0/\d\d)|(?=\"?\s+(?:of )?(?:\w+ )?"
    r"(?:replicas?|nodes?|pods?|containers?|endpoints?|ready|available|running|up|healthy)\b))",
    re.IGNORECASE,
)


def says_lack(text: str) -> bool:
    """Whether fewer are ready than should be: none of some, or some of what runs."""
    return "/" in text and bool(_LACKS.search(text))


def may_tell(line: str) -> bool:
    """Whether it is worth looking for such a number."""
    # Most lines have none of these, which costs far less to see than any expression does.
    bare = " 4" in line or " 5" in line or "|4" in line or "|5" in line
    return (bare or ">4" in line or ">5" in line or "(1" in line or "(2" in line) and bool(
        _MAY_BE.search(line)
    )


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
