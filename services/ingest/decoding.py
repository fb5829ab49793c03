"""A text that stands for JSON in another coding: base64, UTF-16, gzip. Pure.

Pipes, Lambda functions and Kinesis hand a body on like this. What does not turn out to be JSON is
left as it is.
"""

import base64
import binascii
import json
import re

from services.ingest.log_unpacking import unpacked

_GZIP = b"\x1f\x8b"
_BASE64 = re.compile(r"(?:e[yw]|W[3wy]|77\+|//[4-7]|/v8|AH|H4sI)[A-Za-z0-9_+/-]{14,}={0,2}")
"""As JSON begins (`{"`, `[{`), in UTF-8 or UTF-16 with or without its mark, and as gzip does."""
_JSON = re.compile(r"\{\s*[\"}]|\[\s*[\[{\"]")
_MARKS = "\ufeff\ufffd\u00ff\u00fe \t\r\n"
"""White space, and what is left of a byte order mark that was read in another coding."""


def decoded(text: str) -> str:
    """The JSON that the text stands for; the text itself where it stands for none.

    Raises Rejected for gzip that cannot be unpacked.
    """
    if "\x00" in text[:8]:
        text = text.replace("\x00", "").strip(_MARKS)
    packed = re.sub(r"[\r\n]+", "", text.strip())
    if not _BASE64.fullmatch(packed):
        return text
    inside = _json_in(packed.rstrip("=").translate(str.maketrans("-_", "+/")))
    return inside.strip(_MARKS) or text


def _json_in(packed: str) -> str:
    try:
        held = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
        if held.startswith(_GZIP):
            return unpacked(held)
        found = held.decode(json.detect_encoding(held))
    except (binascii.Error, ValueError):
        return ""
    return found if _JSON.match(found.lstrip(_MARKS)) else ""
