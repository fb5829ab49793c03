"""Redaction costs no more than its length, whatever somebody writes into a log."""

import time

import pytest

from bus.cleaning import clean_counted
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


def work(text: str) -> float:
    """Processor seconds that cleaning takes, at the better of two times."""
    taken = []
    for _ in range(2):
        start = time.process_time()
        clean_counted(text)
        taken.append(time.process_time() - start)
    return min(taken)
