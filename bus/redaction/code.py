"""Expressions of source code: what is assigned there is read from elsewhere, so it is no secret."""

import re

from bus.redaction.names import strength
from bus.redaction.words import CODE_ROOTS

_ATTRIBUTE = re.compile(r"[&*$@]?[A-Za-z_]\w*(?:(?:\??\.|->|::)[A-Za-z_]+\d?)+")
_VARIABLE = re.compile(r"\$[A-Za-z_]+|[A-Za-z]+(?:_[A-Za-z]+)+|_[A-Za-z_]+|[a-z]+(?:[A-Z][a-z]+)+")
_TYPE = re.compile(
    r"[&*](?:str|string|mut|String)|(?:Option|Optional|Maybe|List|Array|Vec|Ref|Result|Box|Arc|Rc|Future"
    r"|Promise|Partial|Readonly|Signal|Secret|useRef|useState|ref|signal)<[\w<]*"
    r"|await|lambda|typeof|yield|async|function"
    r"|(?:str|bytes|string|SecretStr|None)\s?(?:\||=)(?!=).*"
)
_GOES_ON = re.compile(r",\s|\)|[,;]?\s*$", re.MULTILINE)


def is_code(value: str, *, name: str, behind: str) -> bool:
    """Whether a value without quotes is a variable, an attribute or a type.

    A variable alone counts where it is passed on: `(password=db_password, ...)`. In an environment
    (`DB_PASSWORD=my_secret`) it may be what somebody chose.
    """
    if _TYPE.fullmatch(value):
        return True
    if _VARIABLE.fullmatch(value):
        passed = value[0] == "$" or (behind[:1] in tuple(",);") and _GOES_ON.match(behind))
        return bool(passed and not name.isupper() and strength(value))
    parts = re.findall(r"\w+", value) if _ATTRIBUTE.fullmatch(value) else []
    return bool(parts) and (parts[0] in CODE_ROOTS or any(map(strength, parts)))
