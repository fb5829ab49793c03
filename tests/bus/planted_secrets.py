"""Secrets made by rule from the formats that providers publish, planted in what a tool may return.

Everything is put together at run time, so no scanner finds a key in this file.
"""

import base64
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
URLSAFE = LETTERS + "-_"
UPPER = string.ascii_uppercase + "234567"
Draw = random.Random
WINDOW = 5
"""So many letters of a secret in a row must not stay."""


@dataclass(frozen=True)
class Planted:
    """A text with one secret in it, and the strings of which nothing may stay."""

    kind: str
    setting: str
    text: str
    hidden: tuple[str, ...]
    published: bool

    def left(self, cleaned: str) -> list[str]:
        """What of the secret stands in the cleaned text, beside the tags."""
        shown = re.sub(r"\[secret:[a-z0-9:-]+\]", "[]", cleaned)
        return [part for whole in self.hidden for part in windows(whole) if part in shown]


def windows(whole: str) -> Iterator[str]:
    """Every stretch of a string that is long enough to be a leak."""
    size = min(WINDOW, len(whole))
    return (whole[start : start + size] for start in range(len(whole) - size + 1))


def some(draw: Draw, letters: str, count: int) -> str:
    """Random letters that hold a digit and a letter of each case where the alphabet does."""
    while True:
        made = "".join(draw.choice(letters) for _ in range(count))
        wanted = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
        if count < 8 or all(set(made) & set(one) for one in wanted if set(letters) & set(one)):
            return made


def _prefixed(prefix: str, letters: str, count: int) -> Callable[[Draw], str]:
    return lambda draw: prefix.replace("~", "") + some(draw, letters, count)


def _jwt(draw: Draw) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": some(draw, LETTERS, 12), "exp": 1_900_000_000})
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in coded), some(draw, URLSAFE, 43)])


def pem(draw: Draw) -> str:
    name = draw.choice(("RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA ", ""))
    body = "\n".join(some(draw, LETTERS + "+/", 64) for _ in range(draw.randint(4, 12)))
    return f"-----BEGIN {name}PRIVATE KEY-----\n{body}\n-----END {name}PRIVATE KEY-----"


PUBLISHED: dict[str, Callable[[Draw], str]] = {
    "aws": _prefixed("AK~IA", UPPER, 16),
    "aws temporary": _prefixed("AS~IA", UPPER, 16),
    "github": lambda draw: f"gh{draw.choice('pousr')}_" + some(draw, LETTERS, 36),
    "github fine-grained": lambda draw: (
        "github_" + "pat_" + some(draw, LETTERS, 22) + "_" + some(draw, LETTERS, 59)
    ),
    "gitlab": _prefixed("glp~at-", URLSAFE, 20),
    "slack bot": lambda draw: (
        "xox"
        + f"b-{draw.randint(10**11, 10**12)}-{draw.randint(10**11, 10**12)}-"
        + some(draw, LETTERS, 24)
    ),
    "slack webhook": lambda draw: (
        "https://hooks.slack"
        + f".com/services/T{some(draw, UPPER, 9)}/B{some(draw, UPPER, 9)}/"
        + some(draw, LETTERS, 24)
    ),
    "anthropic": _prefixed("sk-~ant-api03-", URLSAFE, 95),
    "openai": lambda draw: "sk-" + some(draw, LETTERS, 20) + "T3BlbkFJ" + some(draw, LETTERS, 20),
    "openai project": _prefixed("sk-~proj-", URLSAFE, 74),
    "google": _prefixed("AI~za", URLSAFE, 35),
    "google oauth": _prefixed("GOC~SPX-", URLSAFE, 28),
    "stripe": _prefixed("sk_~live_", LETTERS, 24),
    "sendgrid": lambda draw: "SG" + "." + some(draw, URLSAFE, 22) + "." + some(draw, URLSAFE, 43),
    "twilio": _prefixed("S~K", HEX, 32),
    "npm": _prefixed("np~m_", LETTERS, 36),
    "pypi": _prefixed("py~pi-AgEIcHlwaS5vcmc", URLSAFE, 80),
    "databricks": _prefixed("da~pi", HEX, 32),
    "digitalocean": _prefixed("do~p_v1_", HEX, 64),
    "huggingface": _prefixed("h~f_", string.ascii_letters, 34),
    "vault": _prefixed("hv~s.", URLSAFE, 90),
    "shopify": _prefixed("shp~at_", HEX, 32),
    "telegram": lambda draw: f"{draw.randint(10**8, 10**10)}:" + "AA" + some(draw, URLSAFE, 33),
    "discord": lambda draw: (
        "M" + some(draw, LETTERS, 23) + "." + some(draw, LETTERS, 6) + "." + some(draw, URLSAFE, 27)
    ),
    "mailchimp": lambda draw: some(draw, HEX, 32) + f"-us{draw.randint(1, 21)}",
    "azure client": lambda draw: (
        some(draw, LETTERS, 3) + "8Q" + "~" + some(draw, LETTERS + "_.-", 34)
    ),
    "grafana": lambda draw: "glsa" + "_" + some(draw, LETTERS, 32) + "_" + some(draw, HEX, 8),
    "docker": _prefixed("dckr~_pat_", URLSAFE, 27),
    "terraform": lambda draw: some(draw, LETTERS, 14) + ".atlas" + "v1." + some(draw, URLSAFE, 67),
    "jwt": _jwt,
}
"""Kinds that are known by their own form, wherever they stand."""

NAMES = (
    "password",
    "DB_PASSWORD",
    "redis.password",
    "secretKey",
    "client_secret",
    "API_KEY",
    "apiKey",
    "aws_secret_access_key",
    "access_token",
    "authToken",
    "passphrase",
    "HEROKU_API_KEY",
)


def _azure(draw: Draw) -> tuple[str, str]:
    key = base64.b64encode(draw.randbytes(64)).decode()
    head = "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey="
    return f"{head}{key};EndpointSuffix=core.windows.net", key


def _url(draw: Draw) -> tuple[str, str]:
    value, scheme = some(draw, LETTERS + "-_.!", 14), draw.choice(("postgres", "redis", "amqp"))
    return f"{scheme}://shop:{value}@db.boutique.svc:5432/orders?sslmode=disable", value


def _ado(draw: Draw) -> tuple[str, str]:
    value = some(draw, LETTERS + "!#$%,", 16)
    return f"Server=tcp:db,1433;User ID=shop;Password={value};Encrypt=True", value


def _redis(draw: Draw) -> tuple[str, str]:
    value = some(draw, LETTERS, 18)
    return f"redis-cart:6379,password={value},ssl=False,abortConnect=False", value


def _header(draw: Draw) -> tuple[str, str]:
    value = some(draw, LETTERS + "-_.", 40)
    return f"Authorization: Bearer {value}", value


def _basic(draw: Draw) -> tuple[str, str]:
    pair = f"shop:{some(draw, LETTERS, 12)}"
    value = base64.b64encode(pair.encode()).decode().rstrip("=")
    return f"authorization: Basic {value}", value


def _cookie(draw: Draw) -> tuple[str, str]:
    value = some(draw, LETTERS, 32)
    return f"Cookie: theme=dark; session={value}; lang=en", value


def _aws_pair(draw: Draw) -> tuple[str, str]:
    value = some(draw, LETTERS + "+/", 40)
    return f"{PUBLISHED['aws'](draw)},{value}", value


def _card(draw: Draw) -> tuple[str, str]:
    digits = draw.choice(("4", "51", "34", "6011", "2221"))
    length = 15 if digits == "34" else 16
    digits += "".join(draw.choice(string.digits) for _ in range(length - 1 - len(digits)))
    doubled = sum(sum(divmod(2 * int(one), 10)) for one in digits[::-2])
    check = (-(doubled + sum(map(int, digits[-2::-2])))) % 10
    digits += str(check)
    groups = [digits[at : at + 4] for at in range(0, len(digits), 4)]
    shown = draw.choice((digits, "-".join(groups), " ".join(groups)))
    return f"charge for card {shown} declined", shown


CARRIED: dict[str, Callable[[Draw], tuple[str, str]]] = {
    "azure storage": _azure,
    "address": _url,
    "ado.net": _ado,
    "redis": _redis,
    "bearer": _header,
    "basic": _basic,
    "cookie": _cookie,
    "aws pair": _aws_pair,
    "card": _card,
}
"""Kinds that are known by what stands around them: the text, and what of it is the secret."""
