"""The head of a log line: its level word, where formats put one. Pure.

A level stands at the start, behind nothing but time, thread, logger and ids, or behind its own name
(`level=`). Anywhere else such a word is prose, or what a visitor of a web page sent.
"""

import re

CRITICAL = "crit|critical|fatal|ftl|emerg|emergency|panic|dpanic|alert"
ERROR = "err|eror|error|severe|fail|failure"
LOWER = "warn|warning|wrn|info|inf|information|notice|debug|dbg|dbug|trace|trc|trce|verbose"
START = 160
"""A level stands within so many characters; behind that, words are prose."""

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_WORD = re.compile(rf"(?<![\w.-])(?i:{CRITICAL}|{ERROR}|{LOWER})(?![\w.-])")
_NAMES = r"(?:log[._]?)?(?:level|severity|lvl|sev)"
_AFTER_NAME = re.compile(rf"(?:^|[\s,;(\[{{]){_NAMES}\s{{0,2}}[:=]\s{{0,2}}$", re.IGNORECASE)
_IN_CUT_JSON = re.compile(
    rf"\s*\{{.{{0,{START}}}?(?<!\\)\"{_NAMES}\"\s{{0,2}}:\s{{0,2}}\"(?=(?P<word>\w+))",
    re.IGNORECASE,
)
"""JSON that was cut, so that it is no longer read as such."""
_FOREIGN = re.compile(
    r"(?P<own>\b(?:msg|message|err|error|reason|cause|exception|detail)=)?"
    r"(?:\"(?:[^\"\\\n]|\\.)*\"?|(?<![\w])'[^'\n]{1,400}'(?!\w))"
    r"|\b[A-Za-z][A-Za-z0-9+.-]{1,20}://\S+"
    r"|\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT) "
    r"(?:[^\n]{1,2000}? (?=HTTP/\d)|\S+)"
    r"|(?<![\w.])/[^\s\"']+"
)
"""What is quoted, addresses, requests and paths."""
_ACCESS = re.compile(r"\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:")
"""A line of an access log, in the format that all web servers share: it has no level."""
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_HEAD = re.compile(
    r"(?:[A-Z][a-z]{2} +\d+ [\d:.]+ [\w.-]+ [\w./-]+(?:\[\d+\])?: ?"  # syslog
    r"|\S*\d\S* [\w.-]+ [\w./-]+\[\d+\]: ?)?"
    r"(?:[\w.-]{1,80}\s{0,20}\|)?"  # whose output it is
    r"(?:"
    rf"{_DAY},?(?=\s)|(?:AM|PM|UTC|GMT|[A-Z]{{1,3}}ST|CET|main|std(?:out|err)|[DIWEF],)(?=[\s:])"
    r"|:[\w@.-]{0,80}:(?=\[)"  # user and database of PostgreSQL
    r"|\[[^\[\]\n]{0,80}\]:?|\([^()\n]{0,80}\)|<[^<>\n]{0,80}>"
    r"|[^\s\[\](<|]*\d[^\s\[(<|]*(?=[\s\[(<|])"  # whatever holds a digit: times, ids
    r"|[\w.@-]{1,60}=\S{0,200}(?=\s)"
    r"|[\w$]{1,60}(?:[.][\w$-]{1,60}){1,12}:?(?=\s)"  # a logger
    r"|(?<=- )[\w.-]{1,60}(?= - )"
    r"|[^\w\s\"'\[(<]{1,3}|\s"
    r")*+"
    r"(?:[\w-]{1,60} (?=\[))?"
    r"(?:[\[(<]\s{0,2}(?:[^\s\[\]]*\d[^\s\[\]]*\s|[\w.]{1,40}:|[\d-]+ ){0,3})?"
)
"""What may stand before a level."""
_ONLY_NUMBER = re.compile(r"\s*\d+\s*")
_LONG_HEAD = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4} [^\n]{1,120}\n")
"""Of java.util.logging, which states the level in the next line."""


def without_colours(said: str) -> str:
    """The text without what colours it on a terminal."""
    return _COLOURS.sub("", said) if "\x1b" in said else said


def unquoted(said: str) -> str:
    """As long a text, in which only marks stand where others may have written."""
    return _FOREIGN.sub(lambda found: found[0] if found["own"] else '"' * len(found[0]), said)


def label_of(said: str) -> re.Match[str] | None:
    """The word that states the line's level; nothing where none does."""
    if cut := _IN_CUT_JSON.match(said):
        return _WORD.match(said, cut.end())
    start = said[:START]
    if _ACCESS.match(start):
        return None
    own = unquoted(start)
    words = (found for found in _WORD.finditer(own) if _is_label(said, found, own=own))
    return next(words, None)


def _is_label(said: str, found: re.Match[str], *, own: str) -> bool:
    """Whether that word stands where a level does."""
    word, before, behind = found[0], own[: found.start()], said[found.end() : found.end() + 1]
    if _AFTER_NAME.search(before[-20:]):
        return True
    if long := _LONG_HEAD.match(before):
        before = before[long.end() :]
    if before[-1:] not in ("", " ", "\t", "[", "(", "<", "|", ":") or _ONLY_NUMBER.fullmatch(
        before
    ):
        return False
    if not _HEAD.fullmatch(before):
        return False
    is_boxed = bool(re.search(r"[\[(<|\t][^\])>|\t]*$", before)) and bool(
        re.match(r"\s{0,9}[\])>|\t/]", said[found.end() :])
    )
    return word.isupper() or is_boxed or behind == ":"
