"""What a secret stands in: log lines, JSON, YAML, env dumps, broken lines, base64."""

import base64
import json
import textwrap
from collections.abc import Callable, Iterator
from itertools import islice

from tests.bus.planted_secrets import CARRIED, LETTERS, NAMES, PUBLISHED, Draw, Planted, pem, some

STAMP = "2026-11-29T03:00:{:02}.{:03}Z"


def prefix(draw: Draw) -> str:
    """What a log writes before a line."""
    stamp = STAMP.format(draw.randint(0, 59), draw.randint(0, 999))
    return draw.choice((f"{stamp} ", f"[pod/cart-5d9f7/main] {stamp} INFO ", "  | "))


def in_log(draw: Draw, text: str) -> str:
    return f"{prefix(draw)}cartservice: call with {text} failed after 3 tries"


def in_json(draw: Draw, text: str) -> str:
    return json.dumps({"severity": "error", "message": f"upstream said {text}", "pid": 1})


def in_json_in_json(draw: Draw, text: str) -> str:
    return json.dumps({"log": in_json(draw, text), "stream": "stdout"})


def in_yaml(draw: Draw, text: str) -> str:
    return f"spec:\n  retries: 3\n  upstream: {text}\n  image: shop/cart:v0.10.6"


def in_env(draw: Draw, text: str) -> str:
    return f"PATH=/usr/local/bin:/usr/bin\nUPSTREAM={text}\nHOME=/root"


def in_base64(draw: Draw, text: str) -> str:
    coded = base64.b64encode(f"url: {text}\n".encode()).decode()
    return f"{prefix(draw)}loaded config {coded}"


PLACES: dict[str, Callable[[Draw, str], str]] = {
    "log": in_log,
    "json": in_json,
    "json in json": in_json_in_json,
    "yaml": in_yaml,
    "env": in_env,
}
"""A text on one line, in a place."""


def _broken(draw: Draw, text: str, secret: str) -> str:
    """The secret goes on in the next line, with and without what a log writes before lines."""
    at = text.index(secret) + draw.randint(4, max(5, len(secret) - 5))
    return f"error: call with {text[:at]}\n{text[at:]}"


def _broken_log(draw: Draw, text: str, secret: str) -> str:
    at = text.index(secret) + draw.randint(4, max(5, len(secret) - 5))
    head = f"[pod/cart-5d9f7/main] {STAMP.format(1, 7)} INFO "
    return f"{head}call with {text[:at]}\n{head.replace('007', '008')}{text[at:]} failed"


def _broken_json(draw: Draw, text: str, secret: str) -> str:
    at = text.index(secret) + draw.randint(4, max(5, len(secret) - 5))
    parts = (f"call with {text[:at]}", text[at:])
    return "\n".join(json.dumps({"stream": "stderr", "log": part}) for part in parts)


BREAKS = {"broken": _broken, "broken log": _broken_log, "broken json": _broken_json}


def _wrapped_base64(draw: Draw, text: str) -> tuple[str, str]:
    coded = base64.b64encode(
        f'{{"retries": 3, "upstream": "{text}", "zone": "b"}}'.encode()
    ).decode()
    lines = textwrap.wrap(coded, 64)
    return "config.json:\n" + "\n".join(f"    {line}" for line in lines), coded


NAMED: dict[str, Callable[[str, str], str]] = {
    "key=value": lambda name, value: f"starting with {name}={value} on port 8080",
    "properties": lambda name, value: f"shop.retries = 3\n{name} = {value}\nshop.zone = b",
    "json": lambda name, value: json.dumps({"user": "shop", name: value, "port": 5432}),
    "json in json": lambda name, value: json.dumps({"message": json.dumps({name: value, "a": 1})}),
    "json thrice": lambda name, value: json.dumps(
        {"log": json.dumps({"message": json.dumps({"b": 2, name: value})})}
    ),
    "pretty json": lambda name, value: json.dumps({"user": "shop", name: value}, indent=2),
    "yaml": lambda name, value: f"database:\n  user: shop\n  {name}: {value}\n  port: 5432",
    "quoted yaml": lambda name, value: f"database:\n  {name}: '{value}'\n  port: 5432",
    "yaml block": lambda name, value: f"database:\n  {name}: |-\n    {value}\n  port: 5432",
    "yaml below": lambda name, value: f"database:\n  {name}:\n    {value}\n  port: 5432",
    "env": lambda name, value: f"HOME=/root\nexport {name}={value}\nLANG=C",
    "name and value": lambda name, value: f"- name: {name}\n  value: {value}\n- name: PORT",
    "name and value json": lambda name, value: json.dumps([{"name": name, "value": value}]),
    "xml": lambda name, value: f"<db><user>shop</user><{name}>{value}</{name}></db>",
    "flag": lambda name, value: f"exec /bin/shop --{name.lower()} {value} --port 8080",
    "query": lambda name, value: f"GET /v1/orders?limit=5&{name}={value}&page=2 HTTP/1.1 401",
    "describe": lambda name, value: f"    Environment:\n      {name}:  {value}\n      PORT: 80",
}


def planted(draw: Draw, count: int) -> list[Planted]:
    """So many texts with one secret each."""
    return list(islice(_rounds(draw), count))


def _rounds(draw: Draw) -> Iterator[Planted]:
    while True:
        once = [*_published(draw), *_named(draw), *_carried(draw), *_keys(draw)]
        draw.shuffle(once)
        yield from once


def _published(draw: Draw) -> Iterator[Planted]:
    for kind, make in PUBLISHED.items():
        for setting, place in draw.sample(sorted(PLACES.items()), 2):
            value = make(draw)
            yield Planted(kind, setting, place(draw, value), (_core(value),), published=True)
        value, setting = make(draw), draw.choice(sorted(BREAKS))
        text = BREAKS[setting](draw, f"key {value}", _core(value))
        yield Planted(kind, setting, text, (_core(value),), published=True)
        value = make(draw)
        text = in_base64(draw, value)
        coded = text.rpartition(" ")[2]
        yield Planted(kind, "base64", text, (value, coded[8:-4]), published=True)


def _core(value: str) -> str:
    """A webhook's host and a bot's number are no secrets."""
    return value.rpartition("/")[2] if "://" in value else value.rpartition(":")[2]


def _named(draw: Draw) -> Iterator[Planted]:
    for setting, place in NAMED.items():
        for name in draw.sample(NAMES, 2):
            value = some(draw, LETTERS + "-_+!", draw.randint(10, 30)).strip("-!_+")
            yield Planted("named", setting, place(name, value), (value,), published=False)
    value = some(draw, LETTERS, 24)
    text = f"password: {some(draw, LETTERS, 8)}{value[:12]}\n{value[12:]}\nconnected: no"
    yield Planted("named", "broken", text, (value[:12], value[12:]), published=False)
    number, cvv = "4432-8015-6152-0454", f"{draw.randint(100, 999)}"
    card = {"credit_card_number": number, "credit_card_cvv": int(cvv), "month": 1}
    charge = json.dumps({"message": f"Charge invoked with {json.dumps({'credit_card': card})}"})
    yield Planted("cvv", "json in json", charge, (f": {cvv},", number), published=False)


def _carried(draw: Draw) -> Iterator[Planted]:
    for kind, make in CARRIED.items():
        for setting, place in draw.sample(sorted(PLACES.items()), 3):
            text, value = make(draw)
            yield Planted(kind, setting, place(draw, text), (value,), published=False)
        if kind not in ("card", "basic", "cookie"):
            text, value = make(draw)
            wrapped, coded = _wrapped_base64(draw, text)
            yield Planted(kind, "wrapped base64", wrapped, (value, coded[24:60]), published=False)
    secret = {"apiVersion": "v1", "data": {}, "kind": "Secret", "metadata": {"name": "shop"}}
    value = base64.b64encode(some(draw, LETTERS, 12).encode()).decode()
    secret["data"] = {"mongo": value}
    yield Planted("kubernetes", "json", json.dumps(secret), (value,), published=False)
    manifest = f"apiVersion: v1\ndata:\n  mongo: {value}\nkind: Secret\nmetadata:\n  name: shop\n"
    yield Planted("kubernetes", "yaml", manifest, (value,), published=False)


def _keys(draw: Draw) -> Iterator[Planted]:
    for setting in ("lines", "yaml", "escaped", "log", "json log", "base64", "no end", "no begin"):
        key = pem(draw)
        lines = key.split("\n")
        hidden = tuple(lines[1:-1])
        if setting == "yaml":
            text = "tls.key: |\n" + textwrap.indent(key, "  ") + "\ntls.crt: none"
        elif setting == "escaped":
            text = json.dumps({"type": "service_account", "private_key": key + "\n", "id": 3})
        elif setting == "log":
            text = "\n".join(
                f"{STAMP.format(1, number)} cart {line}" for number, line in enumerate(lines)
            )
        elif setting == "json log":
            text = "\n".join(json.dumps({"pid": 1, "log": line}) for line in lines)
        elif setting == "base64":
            coded = base64.b64encode(key.encode()).decode()
            text, hidden = f"tls.key: {coded}", (coded[40:-40],)
        else:
            text = "\n".join(lines[:-1] if setting == "no end" else lines[1:])
        yield Planted("pem", setting, f"{text}\nnext: line", hidden, published=True)
