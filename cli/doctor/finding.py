"""What a check found."""

from typing import Literal

from bus.cleaning import clean
from bus.events import Value

Status = Literal["ok", "warn", "fail"]


class Finding(Value):
    """One line of the doctor, and one JSON line; secrets stand in none."""

    check: str
    status: Status
    what: str
    advice: str = ""
    """What to do; empty where all is well."""


def ok(check: str, what: str) -> Finding:
    """All is well."""
    return Finding(check=check, status="ok", what=clean(what))


def warn(check: str, what: str, *, advice: str) -> Finding:
    """It works, or may not have to."""
    return Finding(check=check, status="warn", what=clean(what), advice=advice)


def fail(check: str, what: str, *, advice: str) -> Finding:
    """It does not work."""
    return Finding(check=check, status="fail", what=clean(what), advice=advice)
