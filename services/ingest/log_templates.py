"""What log lines of the same kind have in common: the line without what varies. Pure.

Linear in the length of the line; a line is cut first.
"""

import re

LONGEST_READ = 600
LONGEST = 200
BLANK = "<*>"

_QUOTED = re.compile(
    r"(?P<said>(?:\b(?:msg|message|err|error|reason|cause|detail)=|\d\] )\"[^\"]*\"?)"
    r"|\"[^\"]{1,200}\"|(?<!\w)'[^']{1,200}'(?!\w)"
)
"""What is quoted varies, but for what a field or klog says: that is the message."""
_VARIES = re.compile(
    r"(?:https?|redis|tcp|grpc|amqps?)://[^\s\"'<>]+"  # addresses
    r"|(?<![\w-])[\w.-]*\d[\w.:/+-]*"  # whatever holds a digit: times, ids, figures, hosts
    r"|(?<![\w-])[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,}"
    r"|(?<![\w-])[A-Fa-f]{12,}(?!\w)"
    r"|/(?:[\w.-]+/)+[\w.-]+"  # paths
)
_SAYS_NOTHING = re.compile(r"[\w.@-]+=\S*|\[[^\]]*\]")
_SAYS = re.compile(r"[A-Za-z]{3}")
_BLANKS = re.compile(rf"{re.escape(BLANK)}(?:[\s,;:=/.\[\](){{}}-]{{0,3}}{re.escape(BLANK)})+")


def template_of(said: str) -> str:
    """The first line of a text with quoted parts, numbers, ids and addresses left blank."""
    line = next((line for line in said.splitlines() if line.strip()), said).strip()[:LONGEST_READ]
    masked = _VARIES.sub(BLANK, _QUOTED.sub(lambda found: found["said"] or BLANK, line))
    if not _SAYS.search(_SAYS_NOTHING.sub("", masked)):
        masked = _VARIES.sub(BLANK, line)  # all that it says is quoted
    return " ".join(_BLANKS.sub(BLANK, masked).split())[:LONGEST]
