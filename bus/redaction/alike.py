"""Letters that look like ASCII are read so: full-width, Cyrillic, blanks and dashes of print."""

import re

_CYRILLIC = (
    "\u0430\u0441\u0501\u0435\u04bb\u0456\u0458\u043e\u0440\u0455\u0443\u0445"
    "\u0410\u0412\u0415\u041d\u0406\u0408\u041a\u041c\u041e\u0420\u0405\u0422\u0425"
)
_LIKE = (
    {0xFF01 + at: 0x21 + at for at in range(94)}
    | str.maketrans(_CYRILLIC, "acdehijopsyxABEHIJKMOPSTX")
    | dict.fromkeys((0xA0, 0x2007, 0x2009, 0x202F, 0x3000), ord(" "))
    | dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212), ord("-"))
)
_ANY = re.compile("[\xa0\u2007\u2009\u202f\u3000\u2010-\u2013\u2212\u0400-\u052f\uff01-\uff5e]")


def alike(text: str) -> str:
    """The text as it is searched: every letter stands where it stood."""
    return text.translate(_LIKE) if not text.isascii() and _ANY.search(text) else text
