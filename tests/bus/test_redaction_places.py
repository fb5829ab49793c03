"""Secrets in commands, files and formats that people met later; what looks like one stays."""

import random
import uuid

import pytest

from bus.cleaning import clean
from tests.bus.planted_secrets import HEX, LETTERS, URLSAFE, some, windows

DRAW = random.Random("places")
A_UUID = str(uuid.UUID(int=DRAW.getrandbits(128)))
PUBLISHED_LATER = {
    "square": "EA" + "AA" + some(DRAW, URLSAFE, 60),
    "easypost": "EZ" + "AK" + some(DRAW, LETTERS, 54),
    "circleci": "CCI" + f"PAT_{some(DRAW, LETTERS, 22)}_{some(DRAW, HEX, 40)}",
    "resend": "re" + f"_{some(DRAW, LETTERS, 8)}_{some(DRAW, LETTERS, 24)}",
    "contentful": "CF" + "PAT-" + some(DRAW, URLSAFE, 43),
    "pinecone": "pc" + f"sk_{some(DRAW, LETTERS, 6)}_{some(DRAW, LETTERS, 63)}",
    "launchdarkly": "sd" + "k-" + A_UUID,
}
RANDOM = """
API2_KEY=@
STRIPE_KEY=@
export SENDGRID_KEY=@
  MAPBOX_KEY: '@'
{"WEATHER_KEY": "@"}
pat=@
github_pat: @
{"pat": "@", "user": "shop"}
sas=@
{"bearer": "@"}
rootpw=@
rootpw --plaintext @
AUTH @
10.0.0.1:6379> AUTH default @
"""
CHOSEN = """
1700000000.1 [0 10.0.0.1:5] "AUTH" "@"
"auth" "default" "@"
db:5432:orders:shop:@
*:*:*:shop:@
ldapsearch -x -D cn=admin -w @ -b dc=shop
htpasswd -b /etc/nginx/htpasswd shop @
htpasswd -nbB shop @
the password is "@", he said
{"message": "password was \\"@\\""}
\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44=@
\u5bc6\u7801 password\uff1a@
root:@@tcp(db:3306)/orders
conn_str="shop:@@unix(/run/db.sock)/orders"
recovery_code=@
"""
STAY = """
CACHE_KEY=Cart7Boutique9Orders3Eu2Xy
S3_KEY=Backups/2026/cart-dump-01
PUBLIC_KEY=9f86d081884c7d659a2feaa0c55ad015
STRIPE_KEY=${STRIPE_KEY}
REDIS_KEY=user:1234:cart
SMTP offers AUTH CRAM-MD5
AUTH SCRAM-SHA-256
AUTH failed for shop
pattern: ab12cd34ef, path=/srv/app-12, compat: v12-alpha34
recovery: started at 03:00, mfa: required
connect to db:5432 failed: orders:shop
password is "invalid"
the bearer of this token is shop
def re_encode_as_utf8_with_replacement(text):
"""


@pytest.mark.parametrize("kind", PUBLISHED_LATER)
def test_formats_that_were_added_later_are_found(kind: str) -> None:
    secret = PUBLISHED_LATER[kind]
    for text in (secret, f"({secret})", f'{{"a": "{secret}"}}', f"a\\n{secret}\\nb"):
        assert f"[secret:{kind}:" in clean(text)
        assert not [part for part in windows(secret[9:]) if part in clean(text)]


@pytest.mark.parametrize("line", RANDOM.strip("\n").splitlines())
def test_random_values_in_such_a_place_go(line: str) -> None:
    draw = random.Random(f"places {line}")
    for _ in range(5):
        secret = some(draw, LETTERS, 24)
        cleaned = clean(line.replace("@", secret))
        assert not [part for part in windows(secret) if part in cleaned]
        assert clean(cleaned) == cleaned


@pytest.mark.parametrize("line", CHOSEN.strip().splitlines())
def test_chosen_values_in_such_a_place_go(line: str) -> None:
    for secret in ("tiger" + "7", "Kv9!" + "xq2"):
        cleaned = clean(line.replace("@", secret, 1))
        assert secret not in cleaned
        assert clean(cleaned) == cleaned


def test_a_code_that_is_used_once_goes() -> None:
    assert clean("mfa_code=" + "482913") == "mfa_code=[secret:pin]"


@pytest.mark.parametrize("line", STAY.strip().splitlines())
def test_what_only_looks_like_such_a_place_stays(line: str) -> None:
    assert clean(line) == line
