"""Block Kit as HTML in Slack's look. Every text is escaped; nothing of a block becomes markup.

What Slack would refuse is shown as far as it can be: a block of an unknown type is named.
"""

from collections.abc import Callable, Iterator, Mapping

from cli.preview.marked import escaped, link, marked, mention

Part = Mapping[str, object]
STYLES = {"bold": "b", "italic": "i", "strike": "s", "underline": "u", "code": "code"}


def block(part: Part) -> str:
    """One block."""
    return _BLOCKS.get(word(part, "type"), _element)(part)


def parts(holder: Part, name: str) -> list[Part]:
    """The objects in a list of that name; what is none is left out."""
    listed = holder.get(name)
    return (
        [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    )


def word(holder: Part, name: str) -> str:
    """The text of that name; empty where it is none."""
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _section(part: Part) -> Iterator[str]:
    if "text" in part:
        yield f'<div class="text">{_text(part["text"])}</div>'
    if fields := parts(part, "fields"):
        shown = "".join(f'<div class="text">{_text(field)}</div>' for field in fields)
        yield f'<div class="fields">{shown}</div>'
    accessory = part.get("accessory")
    if isinstance(accessory, Mapping):
        yield f'<div class="accessory">{_element(accessory)}</div>'


def _element(element: Part) -> str:
    kind = word(element, "type")
    match kind:
        case "button":
            style = word(element, "style")
            named = f"button {style}" if style in ("primary", "danger") else "button"
            return f'<span class="{named}">{_text(element.get("text"))}</span>'
        case "image":
            return f'<span class="image">image: {escaped(word(element, "alt_text"))}</span>'
        case "plain_text" | "mrkdwn":
            return _text(element)
        case "overflow" | "static_select":
            options = " / ".join(_text(each.get("text")) for each in parts(element, "options"))
            return f'<span class="button">{options} ▾</span>'
        case _:
            return f'<span class="unknown">{escaped(kind or "no type")}: not shown here</span>'


def _rich(part: Part) -> str:
    inline = "".join(_inline(each) for each in parts(part, "elements"))
    match part.get("type"):
        case "rich_text_list":
            tag = "ol" if part.get("style") == "ordered" else "ul"
            items = (_rich(item) for item in parts(part, "elements"))
            return f"<{tag}>{''.join(f'<li>{item}</li>' for item in items)}</{tag}>"
        case "rich_text_preformatted":
            return f"<pre>{inline}</pre>"
        case "rich_text_quote":
            return f"<blockquote>{inline}</blockquote>"
        case "rich_text_section":
            return f'<div class="text">{inline}</div>'
        case _:
            return _element(part)


def _inline(element: Part) -> str:
    kind = word(element, "type")
    match kind:
        case "text":
            shown = escaped(word(element, "text"))
        case "link":
            shown = link(word(element, "url"), word(element, "text"))
        case "emoji":
            shown = escaped(f":{word(element, 'name')}:")
        case "user" | "usergroup" | "channel" | "team":
            shown = mention(("#" if kind == "channel" else "@") + word(element, f"{kind}_id"))
        case "broadcast":
            shown = mention("@" + word(element, "range"))
        case "date":
            shown = escaped(word(element, "fallback") or word(element, "format"))
        case "color":
            shown = escaped(word(element, "value"))
        case _:
            return _element(element)
    return _styled(shown, element.get("style"))


def _styled(shown: str, style: object) -> str:
    for name, tag in STYLES.items():
        if isinstance(style, Mapping) and style.get(name) is True:
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _text(value: object) -> str:
    if not isinstance(value, Mapping):
        return ""
    said = word(value, "text")
    return marked(said) if value.get("type") == "mrkdwn" else escaped(said)


def _filled(named: str, shown: Callable[[Part], str]) -> Callable[[Part], str]:
    """How a block looks that is a row of elements."""
    return lambda part: (
        f'<div class="{named}">{"".join(shown(each) for each in parts(part, "elements"))}</div>'
    )


_BLOCKS: Mapping[str, Callable[[Part], str]] = {
    "header": lambda part: f"<h2>{_text(part.get('text'))}</h2>",
    "divider": lambda part: "<hr>",
    "section": lambda part: f'<div class="section">{"".join(_section(part))}</div>',
    "context": _filled("context", lambda each: f"<span>{_element(each)}</span>"),
    "actions": _filled("actions", _element),
    "rich_text": _filled("rich", _rich),
    "markdown": lambda part: f'<div class="text">{escaped(word(part, "text"))}</div>',
}
