"""Which names say that their value is a secret, and which values are none."""

import re
from functools import lru_cache
from typing import Literal

from bus.redaction.words import KEYS_OF, KEYS_TO_NOTHING, NO_SECRET_FIRST, NO_SECRET_LAST, PROSE

Strength = Literal[
    "password", "secret", "token", "key", "variable", "cookie", "cvv", "pin", "card", ""
]

STEMS = (
    *(
        "pass",
        "pwd",
        "pswd",
        "secret",
        "pw",
        "token",
        "key",
        "cred",
        "auth",
        "sess",
        "jwt",
        "salt",
        "sid",
    ),
    *("cvv", "cvc", "cvn", "csc", "card", "pin", "otp", "security", "contrase", "pswd"),
    *("_pat", "pat=", "pat:", 'pat"', "sas=", "sas:", 'sas"', "mfa", "2fa", "recovery", "backup"),
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_PASSWORD = re.compile(
    r"pass(?:word(?!less)|wd|phrase|code)|passwort|contrase|pwd|pswd|requirepass|masterauth"
)
_COOKIES = re.compile(
    r"jsessionid|phpsessid|aspsessionid\w*|aspnetsessionid|connectsid|laravelsession|sessiontoken|sessionkey|sessionsecret|sessioncookie"
)
_CVV = ("cvv", "cvv2", "cvc", "cvc2", "cid2", "securitycode", "cardsecuritycode", "cvn", "csc")
_NAMED_CVV = ("cvvnumber", "cvvcode", "cvcnumber", "cvccode")
_API_KEY = re.compile("apikey|accountkey")
_SHORT = ("dbpass", "userpass", "rootpw", "adminpw", "bindpw", "userpw", "dbpw")
_ONCE = ("pincode", "pinnumber", "cardpin", "otp", "otpcode", "mfacode", "2facode", "mfatoken")
_RECOVERY = ("recoverycode", "recoverycodes", "backupcode", "backupcodes")
_SECRETS = ("secret", "secrets", "credential", "credentials", "secretid", "secret_id")
_FILE = re.compile(r"~?[\w./-]*/[\w.-]+\.(?:json|pem|key|crt|ya?ml|txt|toml|env|conf|ini|p12|jks)")
_PASSED = re.compile(r"\d{1,3}(?:[.,]\d+)?%?|\d[\d.,]*%|\d{1,6}/\d{1,6}|(?:Test[A-Z]|test_).*")
"""What `pass` tells of a test run: how much, or which."""
_TOKENS = ("token", "tokens", "accesskey", "privatekey", "secretkey", "signingkey", "encryptionkey")
_PLACEHOLDER = re.compile(
    r"(?i:null|none|nil|true|false|undefined|nan|n/a|yes|no|on|off|empty|unset|redacted|masked|hidden"
    r"|filtered|omitted|str|string|bytes|int|integer|bool|boolean|any|object|char|text|secretstr|default"
    r"|optional|required)[\])>.;]?"
    r"|[\W_xX.]+|\$\(.*|\$\{[^}]*\}?|\$[A-Z_][A-Z0-9_]*|%[sdvq]|%\(\w+\)s|\{\{.*|\{\w*\}?|<.*|[(\[](?i:redacted|filtered|hidden|masked|secret).*"
    r"|(?i:os\.|process\.|env\.|config\.|settings\.|self\.|this\.|request\.|secrets?\.|vars?\.|var\.|arn:).*"
    r"|__\w+__|[A-Za-z_][\w.]*[(\[].*"
)
_UUID = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[a-z0-9]{6}\.[a-z0-9]{16}"
)
"""Or a token that nodes join a cluster with."""
_PLAIN = re.compile(
    r"[a-z]+(?:[-_./:][a-z]+)*\d{0,2}|[a-z]+(?:-[a-z]+)*-v?\d{1,4}|[a-z]+(?:-[a-z]+)+-[b-df-hj-np-tv-xz2-9]{5}|[a-z]+\d?(?:-[a-z]+\d?)+|[A-Z][a-z]+(?:[A-Z][a-z]+)*|[A-Z]+(?:_[A-Z]+)*"
    r"|v?[\d.,:/%+-]+[a-zA-Z]{0,3}|/[\w./@:-]*|\w+://.*|0x[0-9a-f]{1,16}|[\w-]+\.[\w.-]*[a-z]{2,4}"
    r"|\d{4}-\d\d-\d\dT.*|[a-z0-9-]+(?:/[a-z0-9-]+)+|[a-z0-9-]+(?:/[A-Za-z0-9-]+)+|[A-Za-z]+(?:\.[A-Za-z]+)+|sha256:[0-9a-f]+"
)


@lru_cache(maxsize=1024)
def strength(name: str) -> Strength:
    """What kind of secret a name announces; empty for none."""
    words = [word.lower() for word in _WORDS.findall(name)]
    flat = "".join(words)
    if flat in ("secretid", "vaultsecretid"):
        return "secret"
    if words == ["sessionid"]:
        return "cookie"
    if not words or words[-1] in NO_SECRET_LAST or words[0] in NO_SECRET_FIRST:
        return _small(flat)
    open_key = (
        words[-1] == "key" and name.isupper() and not KEYS_TO_NOTHING & set(name.lower().split("_"))
    )
    return _large(words, flat) or ("variable" if open_key else _small(flat))


def _large(words: list[str], flat: str) -> Strength:
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if _PASSWORD.search(flat) or last in ("pass", "pw") or flat.endswith(_SHORT):
        return "password"
    if last == "authkey" or _API_KEY.search(flat) or (last == "key" and before in KEYS_OF):
        return "key"
    if last in _SECRETS or re.search("secretkey|clientsecret", flat) or flat.endswith(_RECOVERY):
        return "secret"
    return (
        "token" if last.endswith(_TOKENS) or last in ("jwt", "auth", "salt", "pat", "sas") else ""
    )


def _small(flat: str) -> Strength:
    if flat in _CVV or flat.endswith(
        ("cvv", "cvc", "cvv2", "securitycode", "cvvnumber", "cvvcode")
    ):
        return "cvv"
    if flat == "pin" or flat.endswith(_ONCE):
        return "pin"
    if flat.endswith(
        ("cardnumber", "cardno", "cardnum", "ccnumber", "ccnum", "cardpan", "creditcard")
    ):
        return "card"
    return "cookie" if _COOKIES.fullmatch(flat) else ""


def is_secret(kind: Strength, value: str, *, name: str, loose: bool) -> bool:
    """Whether the value of such a name is worth hiding.

    `loose`: nothing marks where the value ends but a blank, so it may be a word of a sentence.
    """
    if kind in ("cvv", "pin"):
        return bool(re.fullmatch(r"\d{3,8}", value))
    if kind == "card":
        digits = re.sub(r"[ -]", "", value)
        return 12 <= len(digits) <= 19 and digits.isdigit()
    if kind == "variable":
        return _dense(value[:256])
    own = name.lower().replace("_", "")
    if _PLACEHOLDER.fullmatch(value) or value.lower().replace("_", "") in (own, own.split(".")[-1]):
        return False
    return _chosen(kind, value[:256], name=name, loose=loose)


def _chosen(kind: Strength, head: str, *, name: str, loose: bool) -> bool:
    if kind == "cookie":
        return len(head) >= 8
    if (kind != "password" and _FILE.fullmatch(head)) or (
        name.lower() == "pass" and _PASSED.fullmatch(head)
    ):
        return False
    if kind == "password" or (kind == "secret" and name.lower() not in _SECRETS):
        return len(head) >= 3 and (not loose or _unlike_prose(head))
    if kind == "key":
        return len(head) >= 3 and not _PLAIN.fullmatch(head) and (not loose or _mixed(head))
    return bool(_UUID.fullmatch(head)) or looks_random(head)


def _dense(value: str) -> bool:
    """Whether it is a long random word: hex, or letters of both cases with digits between."""
    mixed = all(re.search(letters, value) for letters in ("[a-z]", "[A-Z]", "[0-9]"))
    random = mixed and len(set(value)) >= 12 and not re.search("[a-z]{10}|[A-Z]{12}", value)
    return bool(re.fullmatch("[A-Za-z0-9_+/=-]{20,}" if random else "[0-9a-f]{32,}", value))


def _unlike_prose(value: str) -> bool:
    return value.lower() not in PROSE and _mixed(value)


def looks_random(value: str) -> bool:
    """Whether no person would write such a word."""
    if len(value) < 8 or _PLAIN.fullmatch(value):
        return False
    digits = re.search(r"\d", value) and re.search(r"\D", value)
    cases = re.search("[a-z]", value) and re.search("[A-Z]", value)
    return (
        bool(digits) or (bool(cases) and len(value) >= 16) or not value.isascii() or _mixed(value)
    )


def _mixed(value: str) -> bool:
    return len(value) >= 6 and bool(
        re.search(r"[0-9!@#$%^&*+~]", value[:-1] + value[-1:].strip("!"))
    )
