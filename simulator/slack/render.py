"""A Slack message as a person would read it in a terminal: plain text, no colours."""

import re
from collections.abc import Iterator, Mapping

WIDTH = 78
_LINK = re.compile(r"<((?:https?|mailto|slack):[^|>]+)(?:\|([^>]*))?>")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def render_message(message: Mapping[str, object]) -> str:
    """The message, from the API or the stand-in's record, as lines; its `text` without blocks."""
    blocks = _parts(message, "blocks")
    if not blocks:
        return _marked(str(message.get("text", "")))
    return "\n".join(line for block in blocks for line in _block_lines(block)).strip("\n")


def _block_lines(block: Mapping[str, object]) -> Iterator[str]:
    match block.get("type"):
        case "header":
            title = _text_object(block.get("text"))
            yield from ("", title, "=" * min(len(title), WIDTH))
        case "divider":
            yield "-" * WIDTH
        case "section":
            yield from _section_lines(block)
        case "context" | "actions":
            yield "  ".join(_element(part) for part in _parts(block, "elements"))
        case "rich_text":
            for part in _parts(block, "elements"):
                yield from _rich_lines(part)
        case "markdown":
            yield str(block.get("text", ""))
        case _:
            yield _element(block)


def _section_lines(block: Mapping[str, object]) -> Iterator[str]:
    if "text" in block:
        yield from _text_object(block["text"]).splitlines()
    for field in _parts(block, "fields"):
        yield _text_object(field).replace("\n", " ")
    accessory = block.get("accessory")
    if isinstance(accessory, Mapping):
        yield _element(accessory)


def _element(element: Mapping[str, object]) -> str:
    match element.get("type"):
        case "button":
            return f"[{_text_object(element.get('text'))}]" + _address(element)
        case "image":
            return f"[image: {element.get('alt_text')}]"
        case "plain_text" | "mrkdwn":
            return _text_object(element)
        case _:
            options = [_text_object(option.get("text")) for option in _parts(element, "options")]
            return f"[{' / '.join(options) or element.get('type')}]"


def _rich_lines(part: Mapping[str, object]) -> Iterator[str]:
    inline = _parts(part, "elements")
    match part.get("type"):
        case "rich_text_list":
            depth = part.get("indent")
            indent = "  " * min(depth, 8) if isinstance(depth, int) else ""
            for number, item in enumerate(inline, 1):
                mark = f"{number}." if part.get("style") == "ordered" else "•"
                yield f"{indent}{mark} {_inline(_parts(item, 'elements'))}"
        case "rich_text_preformatted":
            yield from ("    " + line for line in _inline(inline).splitlines())
        case "rich_text_quote":
            yield from ("> " + line for line in _inline(inline).splitlines())
        case _:
            yield from _inline(inline).splitlines()


def _inline(elements: list[Mapping[str, object]]) -> str:
    return "".join(_inline_element(element) for element in elements)


def _inline_element(element: Mapping[str, object]) -> str:
    url = element.get("url")
    shown = {
        "text": element.get("text"),
        "link": f"{element.get('text')} ({url})" if element.get("text") else url,
        "emoji": f":{element.get('name')}:",
        "user": f"@{element.get('user_id')}",
        "usergroup": f"@{element.get('usergroup_id')}",
        "broadcast": f"@{element.get('range')}",
        "channel": f"#{element.get('channel_id')}",
        "date": element.get("fallback") or element.get("format"),
        "color": element.get("value"),
    }
    return str(shown.get(str(element.get("type"))) or "")


def _text_object(text: object) -> str:
    if not isinstance(text, Mapping):
        return ""
    words = str(text.get("text", ""))
    return _marked(words) if text.get("type") == "mrkdwn" else words


def _marked(text: str) -> str:
    text = _LINK.sub(lambda link: f"{link[2]} ({link[1]})" if link[2] else link[1], text)
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return text


def _address(element: Mapping[str, object]) -> str:
    return f" ({element['url']})" if element.get("url") else ""


def _parts(holder: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    parts = holder.get(name)
    listed = parts if isinstance(parts, list) else []
    return [part for part in listed if isinstance(part, Mapping)]
