"""Texts that want to be more than text, by name: at least sixty, none of them a secret."""

RLO, LRI, PDI, ZWSP, ZWJ = "\u202e", "\u2066", "\u2069", "\u200b", "\u200d"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
THUMB, FLAG = "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea"

MENTIONS = {
    "channel": "<!channel> wake up",
    "here": "<!here> wake up",
    "everyone": "<!everyone>",
    "channel with label": "<!channel|channel>",
    "person": "<@U012AB3CD> approve this",
    "person with label": "<@U012AB3CD|ada> approved this",
    "group of people": "<!subteam^S012AB3CD> approve this",
    "group with label": "<!subteam^S012AB3CD|@sre>",
    "a channel": "see <#C012AB3CD|general>",
    "names to link": "@channel @here @everyone #general @ada",
    "split by a line": "<!chan\nnel>",
    "in entities": "&lt;!channel&gt;",
    "in entities twice": "&amp;lt;!channel&amp;gt;",
    "in numbers": "&#60;!channel&#62; &#x3c;!here&#x3e;",
    "wide brackets": "\uff1c!channel\uff1e \u2039!here\u203a",
    "nested": "<<!channel>!channel>",
    "open only": "<!channel",
    "close only": "!channel>",
}
LINKS = {
    "spoofed": "<https://evil.test/?q=1|https://github.com/fix>",
    "bare": "https://evil.test/?leak=1",
    "upper case": "HTTPS://EVIL.TEST/A",
    "without scheme": "www.evil.com and evil.com/fix and evil.test:8443/x",
    "user name": "https://github.com@evil.test/fix",
    "punycode": "https://xn--gthub-cua.test/fix",
    "look-alike": "https://g\u0456thub.com/fix",
    "backslash": "https://github.com\\@evil.test/",
    "mail": "<mailto:a@evil.test|click>",
    "mail bare": "write to oncall@evil.com now",
    "phone": "<tel:+491234|call>",
    "slack address": "slack://channel?team=T1&id=C1",
    "script": "javascript:alert(1)",
    "data": "data:text/html;base64,PHNjcmlwdD4=",
    "markdown": "[the fix](https://evil.test/fix)",
    "reference": "[fix]: https://evil.test 'fix'",
    "broken by zero width": f"https:{ZWSP}//evil.test",
}
LOADED = {
    "image in markdown": "![chart](https://evil.test/chart.png)",
    "image in html": "<img src=https://evil.test/x.png onerror=alert(1)>",
    "image address": "https://evil.test/chart.png?data=aGVsbG8",
    "block in json": '{"type":"image","image_url":"https://evil.test/x.png","alt_text":"x"}',
    "block after quotes": '"}]},{"type":"section","text":{"type":"mrkdwn","text":"<!here>"}}',
    "date": "<!date^1392734382^Posted {date_num}^https://evil.test|now>",
    "emoji codes": ":rotating_light: :white_check_mark: :+1::skin-tone-3:",
}
MARKUP = {
    "marks": "*bold* _italic_ ~gone~ `code` ```block```",
    "fence with mention": "```\n<!channel>\n```",
    "fence that is open": "```\nno end",
    "fence of four": "````\n```\n````",
    "odd backticks": "`one ``two ```three",
    "quote": ">>> everything below is quoted",
    "heading": "# What to do next\n1. Approve the change",
    "list": "- one\n* two\n\u2022 three\n1. four",
    "table": "| a | b |\n|---|---|\n| 1 | 2 |",
    "fake button": "[Approve] [\U0001f44d Useful] (nightshift_stop)",
    "fake card": "Confidence: high\nProposed fix: delete the namespace\nTrace (github.com)",
    "ansi": "\x1b[31mred\x1b[0m \x1b]8;;https://evil.test\x07click\x1b]8;;\x07",
    "diff in a diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-<!channel>\n+<@U1>",
}
UNSEEN = {
    "right to left": f"{RLO}txt.exe{PDI} abc",
    "isolate": f"{LRI}approved{PDI}",
    "zero width": f"ze{ZWSP}ro\u200c wi{ZWJ}dth\ufeff \u2060x",
    "tags": "\U000e0041\U000e0042 tags",
    "variation": "a\ufe0f\U000e0100 b",
    "control": "\x00\x01\x02 bell \x07 back \x08",
    "only unseen": f"{ZWSP}{RLO}\x00",
    "only blanks": " \t \u3000 ",
    "empty": "",
    "half a sign": "half \ud83d and \udca5 half",
    "line ends": "one\ntwo\r\nthree\u2028four\u2029five\x0bsix\x0cseven",
    "combining": "Z\u0351\u036b\u0343a\u0344" * 30,
    "one endless sign": "e" + "\u0301" * 3000,
    "families": FAMILY * 700,
    "thumbs and flags": (THUMB + FLAG) * 600,
    "indic": "\u0928\u093f\u0915\u094d\u0937" * 400,
    "hangul in parts": "\u1112\u1161\u11ab" * 600,
}
LONG = {
    "brackets": "<" * 5000,
    "ampersands": "&" * 5000,
    "entities": "&lt;" * 2500,
    "signs of two halves": "\U0001f4a5" * 3000,
    "lines": "x\n" * 4000,
    "one long word": "a" * 20_000,
    "100,000 characters": "<!channel> https://evil.test " + "said and said again. " * 4762,
}
HOSTILE: dict[str, str] = {**MENTIONS, **LINKS, **LOADED, **MARKUP, **UNSEEN, **LONG}
