"""Card numbers: first digits, length and check digit are right; blanks and dashes may stand."""

import re
from collections.abc import Iterator

from bus.redaction.spans import Secret, secret

_NUMBER = re.compile(
    r"[2-6]\d{3}(?:(?<![\w.]....)|(?<=\\[nrt]....))(?<![0-9a-fA-F]-....)"
    r"(?:[ -]?\d){8,15}(?!\w|[.-]\d)"
)
_ISSUERS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14}"
)


def find(text: str) -> Iterator[Secret]:
    """Every card number; a number of 16 digits that is none is a number."""
    for found in _NUMBER.finditer(text):
        digits = found[0].replace(" ", "").replace("-", "")
        if _ISSUERS.fullmatch(digits) and _checks(digits):
            yield secret("card", found.span())


def _checks(digits: str) -> bool:
    """Luhn: every second digit from the right is doubled."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0
