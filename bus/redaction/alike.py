"""Letters that look like ASCII are read as such: full-width ones, blanks and dashes of print."""

import re

_LIKE = (
    {0xFF01 + at: 0x21 + at for at in range(94)}
    | dict.fromkeys((0xA0, 0x2007, 0x2009, 0x202F, 0x3000), ord(" "))
    | dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212), ord("-"))
)
_ANY = re.compile("[\xa0\u2007\u2009\u202f\u3000\u2010-\u2013\u2212\uff01-\uff5e]")


def alike(text: str) -> str:
    """The text as it is searched: every letter stands where it stood."""
    return text.translate(_LIKE) if not text.isascii() and _ANY.search(text) else text
