"""Which schema versions are read here, in entries and in records.

A minor version only adds fields that have a default: a later one is read, and what it adds is left
out, at any depth. Another major version is another language: an entry in it is wrong here, a record
in it is the business of the replicas that write it.
"""

import re
from dataclasses import dataclass

from bus.errors import Unavailable
from bus.events import SCHEMA_VERSION

_FORM = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})", re.ASCII)


class OtherRelease(Unavailable):
    """The record is in a schema that only another release reads.

    The entry is handed back, uncounted, for that release's replicas to take, which need nobody's
    help. Where none has done so by the investigation's deadline (a release that was taken back),
    the entry is set aside and a person is told.
    """


@dataclass(frozen=True, order=True)
class Version:
    """A schema version; raises ValueError for a text that is none."""

    major: int
    minor: int

    @classmethod
    def of(cls, text: str) -> "Version":
        """The version in a text such as `1.0`."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text[:40]!r} is no schema version; {SCHEMA_VERSION} is one")
        return cls(int(found[1]), int(found[2]))


HERE = Version.of(SCHEMA_VERSION)
