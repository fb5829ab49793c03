"""The shape of a `rich_text` block: sections, lists, quotes, preformatted text, inline elements.

Slack's pages are silent about empty `elements`; it has answered `invalid_blocks` to empty sections,
quotes and preformatted texts of others, so they are refused here.
"""

from simulator.slack.shapes import Flag, Items, OneOf, Record, Text, Url, Whole

BLOCK_ID = {"block_id": Text(255)}

_STYLE = Record(
    optional={
        name: Flag()
        for name in (
            "bold",
            "italic",
            "strike",
            "code",
            "underline",
            "highlight",
            "client_highlight",
            "unlink",
        )
    }
)
_STYLED = {"style": _STYLE}
_TEXT = Record({"text": Text(shortest=1)}, _STYLED)
_LINK = Record({"url": Url()}, {"text": Text(shortest=1), "unsafe": Flag()} | _STYLED)

INLINE = OneOf(
    {
        "text": _TEXT,
        "link": _LINK,
        "emoji": Record({"name": Text(shortest=1)}, {"unicode": Text(), "skin_tone": Whole(1, 6)}),
        "user": Record({"user_id": Text(shortest=1)}, _STYLED),
        "channel": Record({"channel_id": Text(shortest=1)}, _STYLED),
        "usergroup": Record({"usergroup_id": Text(shortest=1)}, _STYLED),
        "team": Record({"team_id": Text(shortest=1)}, _STYLED),
        "broadcast": Record({"range": Text(words=("here", "channel", "everyone"))}, _STYLED),
        "color": Record({"value": Text(shortest=1)}),
        "date": Record(
            {"timestamp": Whole(), "format": Text(shortest=1)},
            {"url": Url(), "fallback": Text()} | _STYLED,
        ),
    }
)
_BORDER = {"border": Whole(0, 1)}
_SECTION = Record({"elements": Items(INLINE, fewest=1)})
_LIST = Record(
    {
        "style": Text(words=("bullet", "ordered")),
        "elements": Items(OneOf({"rich_text_section": _SECTION}), fewest=1),
    },
    {"indent": Whole(0, 8), "offset": Whole()} | _BORDER,
)
_PREFORMATTED = Record(
    {"elements": Items(OneOf({"text": _TEXT, "link": _LINK}), fewest=1)},
    _BORDER | {"language": Text(shortest=1)},
)
_QUOTE = Record({"elements": Items(INLINE, fewest=1)}, _BORDER)

RICH_TEXT = Record(
    {
        "elements": Items(
            OneOf(
                {
                    "rich_text_section": _SECTION,
                    "rich_text_list": _LIST,
                    "rich_text_preformatted": _PREFORMATTED,
                    "rich_text_quote": _QUOTE,
                }
            ),
            fewest=1,
        )
    },
    BLOCK_ID,
)
