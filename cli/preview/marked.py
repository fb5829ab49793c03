"""Slack's mrkdwn as HTML: everything is text that was escaped, in elements that stand here."""

import html
import re

SAFE = ("https://", "http://", "mailto:")
"""How an address begins that a page may lead to; any other is only shown."""
_TOKEN = re.compile(
    r"```(?P<pre>[\s\S]+?)```|`(?P<code>[^`\n]+)`|<(?P<angle>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<b>[^*\n]+)\*(?![\w*])|(?<![\w_])_(?P<i>[^_\n]+)_(?![\w_])"
    r"|(?<![\w~])~(?P<s>[^~\n]+)~(?![\w~])"
)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES))


def marked(text: str) -> str:
    """The text as Slack shows it: bold, italic, struck, code, links and mentions."""
    shown, at = "", 0
    for token in _TOKEN.finditer(text):
        shown += escaped(_entities(text[at : token.start()])) + _token(token)
        at = token.end()
    return shown + escaped(_entities(text[at:]))


def escaped(text: str) -> str:
    """The text as HTML that shows it letter by letter, in attributes too."""
    return html.escape(text, quote=True)


def link(url: str, label: str = "") -> str:
    """A link, which says where it leads when it is pointed at; text where a page must not lead."""
    if not url.lower().startswith(SAFE):
        return escaped(f"{label} ({url})" if label else url)
    where = escaped(url)
    return f'<a href="{where}" title="{where}" rel="noreferrer">{escaped(label or url)}</a>'


def mention(name: str) -> str:
    """What Slack would notify somebody by."""
    return f'<span class="mention">{escaped(name)}</span>'


def _token(token: "re.Match[str]") -> str:
    kind, inner = str(token.lastgroup), token[token.lastgroup or 0]
    match kind:
        case "angle":
            return _angle(_entities(inner))
        case "pre" | "code":
            return f"<{kind}>{escaped(_entities(inner))}</{kind}>"
        case _:
            return f"<{kind}>{marked(inner)}</{kind}>"


def _angle(inner: str) -> str:
    target, _, label = inner.partition("|")
    if target.startswith("!date^"):
        return escaped(label or target)
    if target.startswith(("!", "@", "#")):
        mark = "#" if target.startswith("#") else "@"
        return mention(mark + (label.lstrip("@#") or target[1:].rpartition("^")[2]))
    return link(target, label)


def _entities(text: str) -> str:
    return _ENTITY.sub(lambda found: _ENTITIES[found[0]], text)
