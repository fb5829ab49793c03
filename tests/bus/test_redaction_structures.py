"""Secrets in lists, nested, before their name, wrapped, cut in two; what only looks so stays."""

import base64

import pytest

from bus.cleaning import clean
from bus.redaction.tags import TAG

FIRST, OTHER = "S3cret" + "Horse", "0ther" + "Horse9"
STRUCTURES = """
{"passwords":["@","#"]}
passwords: [@, #]
tokens: ["ab1@", 'cd2#']
{\\"passwords\\":[\\"@\\",\\"#\\"]}
password:|- @|- "#"|user: shop
{"password":{"value":"@"}, "password2": {"value": "#"}}
password:|  value: @
{"value":"@","name":"DB_PASSWORD"}
{\\"value\\":\\"@\\",\\"name\\":\\"DB_PASSWORD\\"}
value: @|name: DB_PASSWORD
{"ParameterKey":"DbPassword","ParameterValue":"@"}
password = \"\"\"@\"\"\"
password = '''@|#'''
password: Some("@"), user: Some("shop")
{'password': SecretStr('@')}
["password"]=> string(11) "@"
["--password","@"]
args: [--requirepass, @, --save, '']
"args":["redis-server","--requirepass","@"]
- --requirepass|- @|- --save
CREATE LOGIN x WITH PASSWORD = N'@'
SET PASSWORD FOR x = PASSWORD('@')
2026-01-01T00:00:00Z password:|2026-01-01T00:00:01Z @
2026-01-01T00:00:00Z {"password":|2026-01-01T00:00:01Z "@"}
postgres://u:@|#@db/x
2026-01-01T00:00:00Z postgres://u:@|2026-01-01T00:00:01Z #@db/x
postgres://u:@
dsn=postgres%3A%2F%2Fu%3A@%40db
"Authorization": ["Bearer", "@#"]
AUTH PLAIN @AAA=
HELLO 3 AUTH default @
sessionid=@
p\u0430ss\u0432ord: no, p\u0430ssw\u043erd=@
kind: SecretList|items:|- data:|    foo: @
kind: Secret|stringData:|  foo: \\|    @|    #|  bar: @|
"""
STAY = """
secrets: [db-creds, tls-2026]
secrets:|- name: redis-token-7f3a
tokens: default-token-x7k2q
env:|- name: A|  value: ab12cd34|- name: DB_PASSWORD|  valueFrom: x
{"value":"ab12cd34"},{"name":"DB_PASSWORD"}
password = os.getenv("DB_PASSWORD1")
password = config.get('db.password1')
token: {"image": "idp:1.2a", "value_of": "ab12cd34ef"}
[--password, --user, shop]
250-AUTH PLAIN LOGIN OAUTHBEARER
AUTH LOGIN succeeded
http://host:8080|user@host
http://cart-7c9f6d:8080
http%3A%2F%2Fhost%3A8080%2Fpath%3Femail%3Duser%40x
session_id=9f86d081884c7d659a2feaa0c55ad015
kind: ConfigMap|data:|  foo: \\|    ab12cd34|
\u041f\u0430\u0440\u043e\u043b\u044c \u043d\u0435 \u0432\u0435\u0440\u0435\u043d
2026-01-01 ERROR no password:|2026-01-01 ERROR connection refused to redis-cart:6379
invalid token:|  at Foo.bar(Foo.java:12)
%B is no track, neither is %B4432
"""


def _text(line: str) -> str:
    """A vertical bar is a line feed, but for one behind a backslash."""
    return line.replace("|", "\n").replace("\\\n", "|\n")


@pytest.mark.parametrize("line", STRUCTURES.strip("\n").splitlines())
def test_secrets_in_such_a_structure_go(line: str) -> None:
    shown = line.replace("@db", "\0db").replace("@", FIRST).replace("#", OTHER).replace("\0", "@")
    cleaned = clean(_text(shown))
    assert FIRST not in cleaned
    assert OTHER not in cleaned
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize("line", STAY.strip("\n").splitlines())
def test_what_only_looks_like_such_a_structure_stays(line: str) -> None:
    assert clean(_text(line)) == _text(line)


def test_a_token_that_nodes_join_a_cluster_with_goes() -> None:
    line = "kubeadm join 10.0.0.1:6443 --token {} --discovery-token-ca-cert-hash sha256:aa"
    assert clean(line.format("abcdef." + "0123456789abcdef")) == line.format("[secret:token]")


def test_both_tracks_of_a_card_go_whole() -> None:
    card = "4432" + "801561520454"
    tracks = f"%B{card}^DOE/JOHN^3010101?;{card}=3010101?"
    assert clean(f"read {tracks} twice") == "read %B[secret:card] twice"


def test_a_block_of_a_kubernetes_secret_goes_line_by_line() -> None:
    value = base64.b64encode(b"no secret by its form").decode()
    text = f"kind: Secret\ndata:\n  a: |\n    {value}\n\n    {value}\n  b: x\nmetadata: {{}}\n"
    shown = "kind: Secret\ndata:\n  a: |\n    @\n\n    @\n  b: x\nmetadata: {}\n"
    assert TAG.sub("@", clean(text)) == shown
