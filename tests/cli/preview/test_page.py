"""The page stands alone, and no text of a message becomes markup in it."""

import base64
import hashlib
import re

import pytest

from cli.preview.marked import SAFE, marked
from cli.preview.page import CSS, Shown, page
from cli.preview.pictures import page_of
from tests.cli.preview.hostile import HOSTILE, Elements, payload

INNER = {"a", "b", "i", "s", "pre", "code", "span"}
"""What Slack's own signs in a text may become."""
OURS = INNER | {"html", "head", "meta", "title", "style", "body", "article", "div", "time"}
OURS |= {"h2", "hr", "ul", "ol", "li", "blockquote"}
NAMED = {"class", "lang", "charset", "http-equiv", "content", "name", "href", "title", "rel"}


def elements(message: dict[str, object], *, refusals: tuple[str, ...] = ()) -> Elements:
    shown = Shown(message=message, at=str(message["text"]), refusals=refusals)
    return Elements(page([shown], title=str(message["text"])))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_every_place_is_only_text(text: str) -> None:
    found = elements(payload(text), refusals=(text,))
    plain = elements(payload("harmless"), refusals=("harmless",))
    kept = [tag for tag in found.tags if tag not in INNER]
    assert kept == [tag for tag in plain.tags if tag not in INNER]
    assert set(found.tags) <= OURS
    assert {name for name, _ in found.attributes} <= NAMED
    addresses = [value for name, value in found.attributes if name == "href"]
    assert [address for address in addresses if not address.startswith(SAFE)] == []
    classes = {value for name, value in found.attributes if name == "class"}
    assert classes <= {value for name, value in plain.attributes if name == "class"} | {"mention"}


def test_hostile_text_stays_readable() -> None:
    text = HOSTILE[0]
    said = "".join(elements(payload(text)).texts)
    assert said.count(text) > 20


def test_page_loads_nothing_and_allows_itself_nothing() -> None:
    found = page_of("diagnosed")
    style = re.search("<style>(.*?)</style>", found, re.DOTALL)
    assert style is not None
    seal = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policies = [value for name, value in Elements(found).attributes if name == "content"]
    assert policies[0].startswith(f"default-src 'none'; style-src 'sha256-{seal}'")
    assert re.search(r"url\(|@import|https?:", CSS) is None
    assert re.search(r"\b(src|srcset|poster|data|action)=", found.replace("\n", " ")) is None


def test_light_and_dark_are_both_there() -> None:
    assert "prefers-color-scheme: dark" in CSS
    used = set(re.findall(r"var\((--\w+)\)", CSS))
    light, dark = (set(re.findall(r"(--\w+):", part)) for part in CSS.split("@media")[:2])
    assert used <= light
    assert light == dark


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*b* _i_ ~s~ `c*c*`", "<b>b</b> <i>i</i> <s>s</s> <code>c*c*</code>"),
        ("2*3*4 snake_case_name", "2*3*4 snake_case_name"),
        ("```a\nb```", "<pre>a\nb</pre>"),
        ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
        ("<!here>", '<span class="mention">@here</span>'),
        ("<!subteam^S1|@oncall>", '<span class="mention">@oncall</span>'),
        ("<#C1|general>", '<span class="mention">#general</span>'),
        ("<!date^1^{date}|today>", "today"),
        ("<https://x.test|x>", '<a href="https://x.test" title="https://x.test" rel="noreferrer">'),
    ],
)
def test_signs_of_slack_are_shown_as_slack_does(text: str, shown: str) -> None:
    assert marked(text).startswith(shown)
