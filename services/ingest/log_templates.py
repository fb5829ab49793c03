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
_WHO = "user(?:name|id)?|customer|account|tenant|login|email|principal|member|id|uid"
_WHOM = re.compile(
    rf"(?P<before>\b(?:{_WHO})(?: name| id)?(?:\s?[:=]\s?|\s)|\w(?:[_.](?:{_WHO})|Id|User|Name)=)"
    r"(?!(?:a|already|an|and|at|by|can|cannot|could|data|database|db|denied|did|does|error|exists|"
    r"failed|failure|for|from|had|has|have|id|in|invalid|is|may|missing|must|name|no|not|of|on|or|"
    r"pool|profile|request|requests|service|services|session|sessions|should|store|table|the|to|"
    r"unknown|was|were|will|with|without)\b|<)[^\s,;:()\[\]{}<>\"']+",
    re.IGNORECASE,
)
"""Who it was about: an unquoted word behind one that announces a person or an id."""
_OF_ACCESS = re.compile(
    r"(?:log[io]n|auth\w*|password|credentials?|permission|denied|sign.?in|session)\b",
    re.IGNORECASE,
)
_FOR_WHOM = re.compile(
    rf"(?P<before>\b(?:for|from|by) )(?!(?:{_WHO}|a|an|the)\b|<)[^\s,;:()\[\]{{}}<>\"']+",
    re.IGNORECASE,
)
_VARIES = re.compile(
    r"(?:https?|redis|tcp|grpc|amqps?)://[^\s\"'<>]+"  # addresses
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
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
    masked = _WHOM.sub(_without_whom, masked)
    if _OF_ACCESS.search(masked):
        masked = _FOR_WHOM.sub(_without_whom, masked)
    return " ".join(_BLANKS.sub(BLANK, masked).split())[:LONGEST]


def _without_whom(found: re.Match[str]) -> str:
    return found["before"] + BLANK
