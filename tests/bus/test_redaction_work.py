"""Redaction costs no more than its length, whatever somebody writes into a log."""

import time

import pytest

from bus.cleaning import clean_counted
from bus.redaction.published import reaches
from tests.lane import Lane

BEGIN, END = "-----BEGIN " + "PRIVATE KEY-----", "-----END " + "PRIVATE KEY-----"
HOSTILE = {
    "one letter": "a",
    "digits": "4",
    "card after card": "4432 ",
    "name after name": "password=",
    "names without values": "password= ",
    "opened quotes": 'password="',
    "nested JSON": '{"password":"',
    "escaped JSON": '\\"password\\":\\"',
    "token of tokens": "token=",
    "placeholders": "password=xxxx",
    "dotless JWT": "eyJ-",
    "short JWT": "eyJaaaaaaaa.a.",
    "begin": BEGIN,
    "begin on lines": BEGIN + "\n",
    "end on lines": END + "\n",
    "schemes": "http://a:b",
    "base64": "cGFz",
    "base64 on lines": "cGFz" * 16 + "\n",
    "key after key": "sk-",
    "cut keys on lines": "gh" + "p_a1b2\n",
    "cookies": "cookie: a=bcdefg1;",
    "opened OSC": "\x1b]",
    "8-bit OSC": "\x9d",
    "line feeds": "\n",
    "backslashes": "\\",
    "Secrets": "kind: Secret\ndata:\n",
    "opened tags": "[secret:",
    "commas": "pwd=a,b,",
    "blocks": "password: |\n  a\n",
    "commands": "curl -u a ",
    "logins": "login ",
    "grants": "user a >",
    "card groups": "4432 8015 6152 ",
    "digits on lines": "card 4432\n",
    "elements": "<password>a",
    "comparisons": "password == a.",
    "AUTH": 'auth "a" ',
    "pgpass": "*:*:*:a:",
    "DSN": "a:b@tcp(",
    "ldapsearch": "ldapsearch -w ",
    "htpasswd": "htpasswd -b a ",
    "resources": "arn:secret:",
    "settings": ";pwd=",
    "sentences": "password: ",
    "lists": 'passwords: ["',
    "lists on lines": "password:\n- ",
    "flags on lines": "- --password\n",
    "values first": '"value":"abc","name":"',
    "nested": '{"password":{"value":',
    "names behind prefixes": "09:00:00Z password:\n",
    "cut addresses": "://a:b\n",
    "encoded addresses": "%3A%2F%2Fa%3A",
    "tracks": "%B4432",
    "Secret's blocks": "kind: Secret\ndata:\n a: |\n",
    "triple quotes": 'password="""',
    "lines that end in a path": "09:00:00.000Z info: x took 6 ms path=/cart/0\n",
    "lines that end in a cut key": "09:00:00.000Z info: x sk-" + "ant-api03-abcdefgh\n",
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_costs_no_more_than_its_length(kind: str, lane: Lane) -> None:
    """Four times the text costs at most ten times the time; below 0.4 s nothing is measured."""
    size = lane.pick(4_000, 250_000)
    once, four = (
        work(HOSTILE[kind] * (length // len(HOSTILE[kind]))) for length in (size, 4 * size)
    )
    assert four < max(10 * once, 0.4)
    assert four < lane.pick(2.0, 60.0)


@pytest.mark.parametrize(
    ("token", "anchor", "goes_on"),
    [
        ("path=/cart/0", "pat", False),
        ("path", "pat", False),
        ("compat7", "pat", False),
        ("pat" + "Ab3", "pat", True),
        ("x=pat", "pat", True),
        ("pat" + "A1" * 7 + ".0f3", "pat", True),
        ("TASK/7", "SK", False),
        ("key:" + "AI" + "zaSy", "AIza", True),
    ],
)
def test_only_what_a_key_may_begin_with_is_looked_for_on_the_next_line(
    token: str, anchor: str, *, goes_on: bool
) -> None:
    """Every line that ended in `path=` was taken for half a key: it cost eight times as much."""
    assert reaches(token, anchor) == goes_on


def work(text: str) -> float:
    """Processor seconds that cleaning takes, at the better of two times."""
    taken = []
    for _ in range(2):
        start = time.process_time()
        clean_counted(text)
        taken.append(time.process_time() - start)
    return min(taken)
