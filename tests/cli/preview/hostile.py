"""Texts that would like to be markup, in every place of a payload that holds text."""

from collections.abc import Iterable
from html.parser import HTMLParser

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title></div></body><iframe src=//evil.test>",
    "<!-- <a href=javascript:alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    '<https://evil.test/"onclick=alert(1)|<b>label>',
    "<javascript:alert(1)|click> <data:text/html,x|y>",
    "`<i>` ```<script>``` *<b>* _<u>_ ~<s>~",
    "<!channel|<script>> <@U1|<svg/onload=1>>",
    "\x00\x1b[2J\ud800\u202e\u200b",
    "*" * 3000 + "<" * 3000 + "`" * 3000,
    "url(https://evil.test) @import '//evil.test'",
)


def payload(text: str) -> dict[str, object]:
    """A message whose every text, and every address, is that text."""
    marked = {"type": "mrkdwn", "text": text}
    plain = {"type": "plain_text", "text": text}
    button = {"type": "button", "text": plain, "style": text, "url": text, "value": text}
    inline = [
        {"type": "text", "text": text, "style": {"bold": True, "code": True, text: True}},
        {"type": "link", "url": text, "text": text},
        {"type": "link", "url": f"https://x.test/{text}"},
        {"type": "emoji", "name": text},
        {"type": "user", "user_id": text},
        {"type": "channel", "channel_id": text},
        {"type": "broadcast", "range": text},
        {"type": "date", "timestamp": 1, "format": text},
        {"type": "color", "value": text},
        {"type": text},
    ]
    section = {"type": "rich_text_section", "elements": inline}
    rich = [
        section,
        {"type": "rich_text_list", "style": text, "indent": text, "elements": [section]},
        {"type": "rich_text_list", "style": "ordered", "elements": [section]},
        {"type": "rich_text_preformatted", "elements": inline},
        {"type": "rich_text_quote", "elements": inline},
        {"type": text, "elements": inline},
    ]
    image = {"type": "image", "image_url": f"https://evil.test/{text}", "alt_text": text}
    select = {"type": "static_select", "options": [{"text": plain, "value": text}]}
    blocks = [
        {"type": "header", "text": plain},
        {"type": "section", "text": marked, "fields": [marked, plain], "accessory": image},
        {"type": "context", "elements": [plain, marked, image]},
        {"type": "actions", "elements": [button, select, {"type": text}]},
        {"type": "rich_text", "elements": rich},
        {"type": "markdown", "text": text},
        {"type": "divider"},
        image,
        {"type": text},
        {"type": 7, "elements": 7, "text": 7},
    ]
    return {"text": text, "blocks": blocks}


class Elements(HTMLParser):
    """Every element of a page with its attributes, and all of its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
