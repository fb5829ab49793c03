"""Secrets that only their place in a command or a statement marks: `curl -u`, `sshpass -p`, SQL."""

import re
from collections.abc import Iterator

from bus.redaction.spans import Secret, secret
from bus.redaction.tags import TAG

_REST = r"[^\n]{0,200}?"
_QUOTED = r"[\"']?(?P<value>[^\s\"';]{3,200})"
_PROMPT = r"(?:(?<![^\n])|(?<=[>\]:] )|(?<=[\"'>]))"
_PLACES = tuple(
    (word, re.compile(pattern, re.IGNORECASE))
    for word, pattern in (
        (
            "curl",
            rf"curl\b[^\n]{{0,400}}?\s(?:-u|--user)[= ]\s*[\"']?[^\s:\"']{{0,80}}[\"']?:{_QUOTED}",
        ),
        ("sshpass", rf"sshpass\s+-p\s*{_QUOTED}"),
        ("login", rf"login\b{_REST}\s-p\s*{_QUOTED}"),
        ("login", rf"login\s+\S{{1,80}}\s+password\s+{_QUOTED}"),
        ("mysql", rf"mysql(?:dump|admin)?\b{_REST}\s-p{_QUOTED}"),
        ("redis-cli", rf"redis-cli\b{_REST}\s(?:-a|--pass)\s+{_QUOTED}"),
        ("identified", r"identified\s+(?:with\s+\S+\s+)?by\s+[\"'](?P<value>[^\"'\n]{3,200})"),
        ("requirepass", rf"requirepass\s+{_QUOTED}"),
        ("masterauth", rf"masterauth\s+{_QUOTED}"),
        ("user", r"user\s+\S{1,60}\s(?:[^\s>]{1,40}\s){0,8}>(?P<value>[^\s>]{3,200})"),
        ("aws_", rf"aws_(?:secret_access_key|session_token)\s+{_QUOTED}"),
        ("ldap", rf"ldap\w{{3,12}}\b{_REST}\s-w\s*{_QUOTED}"),
        ("htpasswd", rf"htpasswd\s+(?=-\w*n)-\w*b\w*\s+\S{{1,80}}\s+{_QUOTED}"),
        ("htpasswd", rf"htpasswd\s+(?!-\w*n)-\w*b\w*\s+\S{{1,200}}\s+\S{{1,80}}\s+{_QUOTED}"),
        ("auth", r"auth\\*\"\s(?:\\*\"[^\s\"]{1,64}\"\s)?\\*\"(?P<value>[^\s\"\\]{3,200})"),
        ("auth", rf"(?-i:{_PROMPT}AUTH)\s+default\s+{_QUOTED}"),
        (
            "auth",
            rf"(?-i:{_PROMPT}AUTH\s(?=\S*\d)(?=\S*[a-z])(?P<value>[^\s\"'<>=:(]{{6,200}})(?!\S))",
        ),
        (
            "auth",
            r"(?-i:AUTH (?:PLAIN|LOGIN)\s(?:[A-Za-z0-9+/]{4,}={0,2}\s)?(?=\S*[a-z])(?=\S*[A-Z])"
            r"(?P<value>[A-Za-z0-9+/]{8,500}={0,2})(?!\S))",
        ),
        ("hello", rf"hello\s+[23]\s+auth\s+\S{{1,64}}\s+{_QUOTED}"),
        ("rootpw", rf"rootpw\s+(?:--\w{{1,20}}\s+)?{_QUOTED}"),
        ("snmp-server", rf"snmp-server\s+community\s+{_QUOTED}"),
    )
)
_CVV = re.compile(r"(?:cvv|cvc)2?\s{1,3}(?:is\s|code\s)?(?P<value>\d{3,4})(?![\w.])", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?\w*\}?|\$\(.*|<.*|\*+|-.*|[\[{]+.*|x{3,}")


def find(text: str, low: str) -> Iterator[Secret]:
    """Every secret in such a place."""
    yield from _matches("password", _PLACES, text=text, low=low)
    yield from _matches("cvv", (("cvv", _CVV), ("cvc", _CVV)), text=text, low=low)


def _matches(
    kind: str, places: "tuple[tuple[str, re.Pattern[str]], ...]", *, text: str, low: str
) -> Iterator[Secret]:
    for word, pattern in places:
        at = low.find(word)
        while at >= 0:
            found = pattern.match(text, at)
            if found and not (_VARIABLE.fullmatch(found["value"]) or TAG.match(found["value"])):
                yield secret(kind, found.span("value"))
            at = low.find(word, found.end() if found else at + len(word))
