"""Which names say that their value is a secret, and which values are none."""

import re
from typing import Literal

Strength = Literal["password", "secret", "token", "key", "cookie", "cvv", "pin", "card", ""]

STEMS = ("pass", "pwd", "secret", "token", "key", "cred", "auth", "sess", "cvv", "cvc", "card")
STEMS += ("pin", "jwt", "salt", "sid", "otp", "security", "contrase", "pw")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_NOT_LAST = frozenset(
    "name names ref refs reference file files path paths dir directory url uri endpoint host port id ids"
    " type types ttl expiry expires expiration seconds minutes length len count counts size limit usage"
    " age policy rotation version status state enabled required optional rule rules error errors reset"
    " hint field label prefix suffix format algorithm manager provider service server class method kind"
    " mode source store storage mount volume annotation annotations found missing invalid valid changed"
    " used total max min bytes index at on by for in time date day days hours map set list revision"
    " metadata reader request response handler helper util utils bucket config failed failure failures".split()
)
_NOT_FIRST = frozenset("next page max min num total input output prompt completion cached no".split())
_PASSWORD = re.compile(r"pass(?:word|wd|phrase|code)|passwort|contrase|pwd|requirepass|masterauth")
_KEYS = frozenset(
    "api access secret private account encryption encrypt signing sign master auth license licence client"
    " shared storage ssh app application service subscription hmac root admin deploy webhook functions"
    " function crypto cipher aes server session consumer ingest rest data datadog dd write read".split()
)
_COOKIES = re.compile(r"jsessionid|phpsessid|aspsessionid\w*|aspnetsessionid|connectsid|laravelsession|sessiontoken|sessionkey|sessionsecret|sessioncookie")
_CVV = frozenset(("cvv", "cvv2", "cvc", "cvc2", "cid2", "securitycode", "cardcvv", "cardcvc", "cardsecuritycode"))

_PLACEHOLDER = re.compile(
    r"(?i:null|none|nil|true|false|undefined|nan|n/a|yes|no|on|off|empty|unset|redacted|masked|hidden"
    r"|filtered|omitted|str|string|bytes|int|integer|bool|boolean|any|object|char|text|secretstr|default"
    r"|optional|required)[\])>.;]?"
    r"|[\W_xX.]+|\$\(.*|\$\{[^}]*\}?|\$[A-Z_][A-Z0-9_]*|%[sdvq]|%\(\w+\)s|\{\{.*|\{\w*\}?|<.*|[(\[](?i:redacted|filtered|hidden|masked|secret).*"
    r"|(?i:os\.|process\.|env\.|config\.|settings\.|self\.|this\.|request\.|secrets?\.|vars?\.|var\.|arn:).*"
    r"|[A-Za-z_][\w.]*\(.*|[A-Za-z_]\w*\[.*"
)
PROSE = frozenset(
    "must is was were are be should shall cannot can could may might will would not invalid incorrect wrong"
    " missing mismatch failed failure failing error errors authentication authorization for the does do did"
    " has have had too of and or to in at on by with from as if rejected accepted ok changed reset updated"
    " unknown denied empty set provided given a an no all expired required requires unexpected unable found"
    " verification verified check checking rotated please your this that used using created deleted".split()
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PLAIN = re.compile(
    r"[a-z]+(?:[-_./:][a-z]+)*\d{0,2}|[A-Z][a-z]+(?:[A-Z][a-z]+)*|[A-Z]+(?:_[A-Z]+)*"
    r"|v?[\d.,:/%+-]+[a-zA-Z]{0,3}|/[\w./@:-]*|\w+://.*|0x[0-9a-f]{1,16}|[\w-]+\.[\w.-]*[a-z]{2,4}"
    r"|\d{4}-\d\d-\d\dT.*|[a-z0-9-]+(?:/[a-z0-9-]+)+|[a-z0-9-]+(?:/[A-Za-z0-9-]+)+|[A-Za-z]+(?:\.[A-Za-z]+)+|sha256:[0-9a-f]+"
)


def strength(name: str) -> Strength:
    """What kind of secret a name announces; empty for none."""
    words = [word.lower() for word in _WORDS.findall(name)]
    flat = "".join(words)
    if not words or words[-1] in _NOT_LAST or words[0] in _NOT_FIRST:
        return "secret" if flat in ("secretid", "vaultsecretid") else _small(words, flat)
    if _PASSWORD.search(flat) or words[-1] in ("pass", "pw") or flat.endswith(("dbpass", "userpass")):
        return "password"
    if _COOKIES.fullmatch(flat):
        return "cookie"
    if "apikey" in flat or words[-1] == "authkey" or "accountkey" in flat:
        return "key"
    if words[-1] == "key" and (len(words) > 1 and words[-2] in _KEYS):
        return "key"
    if words[-1] in ("secret", "secrets", "credential", "credentials") or "secretkey" in flat or "clientsecret" in flat:
        return "secret"
    if words[-1].endswith(("token", "accesskey", "privatekey", "secretkey", "signingkey", "encryptionkey")) or words[-1] in ("jwt", "auth", "salt"):
        return "token"
    return _small(words, flat)


def _small(words: list[str], flat: str) -> Strength:
    if flat in _CVV or flat.endswith(("cvv", "cvc", "cvv2", "securitycode")):
        return "cvv"
    if flat == "pin" or flat.endswith(("pincode", "pinnumber", "cardpin", "otp", "otpcode")):
        return "pin"
    if flat.endswith(("cardnumber", "cardno", "cardnum", "ccnumber", "ccnum", "cardpan", "creditcard")):
        return "card"
    return "cookie" if _COOKIES.fullmatch(flat) else ""


def is_secret(kind: Strength, value: str, *, name: str, loose: bool) -> bool:
    """Whether the value of such a name is worth hiding.

    `loose`: nothing marks where the value ends but a blank, so it may be a word of a sentence.
    """
    if kind in ("cvv", "pin"):
        return bool(re.fullmatch(r"\d{3,8}", value))
    if kind == "card":
        return 12 <= len(re.sub(r"[ -]", "", value)) <= 19 and bool(re.fullmatch(r"\d[\d -]+\d", value))
    if _PLACEHOLDER.fullmatch(value) or value.lower() == name.lower():
        return False
    head = value[:256]
    if kind in ("password", "key") or (kind == "secret" and name.lower() not in ("secret", "secrets")):
        if kind == "key" and _PLAIN.fullmatch(value):
            return False
        return len(value) >= 3 and not (loose and (value.lower() in PROSE or not _mixed(head)))
    if kind == "cookie":
        return len(value) >= 8
    return bool(_UUID.fullmatch(value)) or looks_random(head)


def looks_random(value: str) -> bool:
    """Whether no person would write such a word."""
    if len(value) < 8 or _PLAIN.fullmatch(value):
        return False
    digits = re.search(r"\d", value) and re.search(r"\D", value)
    cases = re.search("[a-z]", value) and re.search("[A-Z]", value)
    return bool(digits) or (bool(cases) and len(value) >= 16) or not value.isascii() or _mixed(value)


def _mixed(value: str) -> bool:
    return len(value) >= 6 and bool(re.search(r"[0-9!@#$%^&*+~]", value[:-1] + value[-1:].strip("!")))
