"""Messages as one HTML page in Slack's look.

The page stands alone: it loads nothing and runs nothing, and its own policy forbids both.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from cli.preview.looks import Part, block, parts, word
from cli.preview.marked import escaped, marked

CSS = files("cli.preview").joinpath("page.css").read_text(encoding="utf-8")
_SEAL = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_SEAL}'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A message (`text` and `blocks`), when it was posted, and what Slack would refuse of it."""

    message: Part
    at: str = ""
    refusals: Sequence[str] = ()


def page(shown: Iterable[Shown], *, title: str) -> str:
    """The page; the same messages give the same bytes."""
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escaped(_POLICY)}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width">
<title>{escaped(title)}</title>
<style>{CSS}</style>
</head>
<body>
{"".join(_article(each) for each in shown)}</body>
</html>
"""


def _article(shown: Shown) -> str:
    blocks = [block(each) for each in parts(shown.message, "blocks")]
    said = blocks or [f'<div class="text">{marked(word(shown.message, "text"))}</div>']
    lines = "\n".join(said)
    return f"""\
<article><div class="avatar">N</div><div class="message">
<div class="who"><b>Nightshift</b><span class="app">APP</span><time>{escaped(shown.at)}</time></div>
{lines}
</div></article>
{_refused(shown.refusals)}"""


def _refused(refusals: Sequence[str]) -> str:
    if not refusals:
        return ""
    items = "".join(f"<li>{escaped(each)}</li>" for each in refusals)
    return f'<div class="refused"><b>Slack would refuse this:</b><ul>{items}</ul></div>\n'
