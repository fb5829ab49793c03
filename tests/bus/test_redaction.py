"""T9: planted secrets become tags, evidence stays, and clean lines are left as they are."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.cleaning import clean, clean_counted, holds_secret
from bus.redaction.tags import TAG, use_key
from tests.bus.foreign_shapes import drawn
from tests.bus.planted_secrets import CARRIED, PUBLISHED, Planted, windows
from tests.bus.secret_settings import planted
from tests.lane import Figures, Lane

ROOT = Path(__file__).parents[2]
CASES = ROOT.parent / "shared" / "cases"
no_cases = pytest.mark.skipif(not CASES.is_dir(), reason="the cases do not lie beside the project")


@pytest.fixture
def own_key() -> Iterator[None]:
    """Tags are made with a key of the installation's own."""
    use_key("a key of the test's own")
    yield
    use_key("")


@pytest.mark.timeout(120)
def test_planted_secrets_are_found(lane: Lane, figures: Figures) -> None:
    texts = planted(random.Random("planted"), lane.pick(300, 6_000))
    cleaned = [clean(one.text) for one in texts]
    missed = [one for one, text in zip(texts, cleaned, strict=True) if one.left(text)]
    kinds = {one.kind for one in texts}
    figures.add("T9", "planted secrets found", f"{len(texts) - len(missed)} of {len(texts)}")
    assert len(kinds) >= 20
    assert len(missed) <= len(texts) / 100, [(one.kind, one.setting) for one in missed]
    assert [one for one in missed if one.published and "broken" not in one.setting] == []
    again = [text for text in cleaned if clean(text) != text]
    assert again == []


@pytest.mark.parametrize("kind", PUBLISHED)
def test_every_published_format_is_found_alone_and_named(kind: str) -> None:
    secret = PUBLISHED[kind](random.Random(kind))
    for text in (secret, f"({secret})", f"key={secret};", f'"{secret}"', f"a\\n{secret}\\nb"):
        found = Planted(kind, "alone", text, (secret.rpartition("/")[2][-20:],), published=True)
        assert found.left(clean(text)) == []
        assert holds_secret(text)
    assert len(PUBLISHED) + len(CARRIED) >= 35


@no_cases
def test_every_open_secret_is_found() -> None:
    lines = (CASES / "secrets/sec-open-detect-secrets/strings.jsonl").read_text(encoding="utf-8")
    cases = [json.loads(line) for line in lines.splitlines()]
    for case in cases:
        text, secret = "".join(case["text_parts"]), "".join(case["secret_parts"])
        for shown in (text, f'{{"message": "got {text} from there"}}', f"value: {text}\nnext: 1"):
            plain = TAG.sub("[]", clean(shown))
            assert not [part for part in windows(secret) if part in plain], case["id"]
    assert len(cases) >= 20


def test_shapes_that_others_look_for_are_found() -> None:
    shapes = drawn(random.Random("foreign"))
    cleaned = [(clean(text), secret) for text, secret in shapes]
    left = [text for text, secret in cleaned if any(part in text for part in windows(secret))]
    assert len(shapes) >= 60
    assert len(left) <= len(shapes) * 0.05, left


def clean_texts() -> Iterator[tuple[str, str]]:
    """Logs and manifests in which nothing is secret but a few known lines."""
    folders = [ROOT / "simulator" / "scenarios", ROOT / "docs", ROOT / "tests" / "fixtures"]
    folders += [CASES / name for name in ("incidents", "reference", "kubernetes", "triggers")]
    for path in sorted(path for folder in folders for path in folder.rglob("*.*")):
        if path.suffix in (".txt", ".json", ".jsonl", ".yaml", ".md") and path.is_file():
            yield str(path), path.read_text(encoding="utf-8")


@pytest.mark.timeout(120)
def test_clean_lines_are_left_as_they_are(lane: Lane, figures: Figures) -> None:
    texts = list(clean_texts())
    total = touched = 0
    for number, (_, text) in enumerate(texts):
        if lane.full or number % 4 == 0:
            lines = clean_counted(text).text.split("\n")
            given = re.sub(r"\r\n?|[\u2028\u2029]", "\n", text).split("\n")
            total += len(given)
            touched += sum("[secret:" in line for line in lines)
            touched -= sum("[secret:" in line for line in given)
            assert len(lines) == len(given)
    figures.add("T9", "clean lines touched", f"{touched} of {total}", "at most 0.5 %")
    assert touched <= total * 0.005


@pytest.mark.parametrize(
    "line",
    [
        "10.0.4.17:6379 refused, fd00::17:6379 too",
        "TraceID: f0f21b3342f101d546c957d98fa122f6 SpanID: a2156fd44d5b411a",
        "user 72330e75-125e-4f5e-a858-eb9ba89727f8 added AAAAAAAAA4",
        "commit 34ffea9175946982c3088ed84994fe6019ad6e92",
        "image: registry:5000/shop/cart@sha256:" + "9f86d081884c7d65" * 4,
        'ETag: W/"5e15153d-120f", X-Request-Id: 7b1e4a52c0d94f6d',
        '{"session":"72330e75-125e-4f5e-a858-eb9ba89727f8","http.req.id":"2751adb8"}',
        "pod cartservice-7c9f6d5b84-x2k4q on node ip-10-0-1-5.eu-west-2.compute.internal",
        "at 2026-11-29T03:00:01.123456789Z, epoch 1795921201123456789",
        'MountVolume.SetUp failed for volume "tls" : secret "payment-tls" not found',
        "FATAL: password authentication failed for user shop",
        "Error: invalid password: must be at least 8 characters",
        "max_tokens: 4096, input_tokens=1234, nextToken: null, tokenExpirationSeconds: 3607",
        "secretName: payment-tls",
        "      DB_PASSWORD:  <set to the key 'password' in secret 'db'>  Optional: false",
        "env: {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}",
        "password = os.environ['DB_PASSWORD']",
        "token := config.Token(ctx)",
        "String password = request.getPassword();",
        "SyntaxError: Unexpected token < in JSON at position 0",
        "cache key=user:1234:cart partition_key=7 public_key=none",
        "order 4111111111111112 total 4532.10, ts 1795921201123",
        "data aGVsbG8gd29ybGQsIHRoaXMgaXMgb25seSBhIGxvZyBsaW5l stays",
        "go.sum h1:s8pnnxNVzjWyrvYdFUQq5llS1PX2zhPXmccZv99h7uQ=",
        "https://shop.example/cart?item=OLJCESPC7Z&currency=EUR",
        "password: ${DB_PASSWORD}",
        'password: "********"',
    ],
)
def test_what_is_evidence_stays(line: str) -> None:
    assert clean(line) == line
    assert not holds_secret(line)


@pytest.mark.parametrize(
    "line",
    ["cvv_number=672", "cvvNumber: 672", "card_cvv_code=672", "cvn=672", "csc: 672", "pswd=%s"],
)
def test_other_names_of_the_same_are_known(line: str) -> None:
    secret = "Tr0ub" + "4dor-3"
    given = line.replace("%s", secret)
    told = clean(f"charge failed {given} at 10:00")
    assert "[secret:" in told
    assert given.split("=")[-1].split(" ")[-1] not in told


def test_the_payment_services_charge_loses_card_and_cvv_and_stays_json() -> None:
    card = {"credit_card_number": "4432-8015-6152-0454", "credit_card_cvv": 672, "year": 2039}
    line = json.dumps({"message": "Charge invoked with " + json.dumps({"card": card}), "v": 1})
    cleaned = clean(line)
    assert "4432" not in cleaned
    assert "672" not in cleaned
    assert json.loads(cleaned)["v"] == 1
    assert "[secret:card]" in cleaned
    assert "[secret:cvv]" in cleaned
    assert "2039" in cleaned


def test_the_same_value_has_the_same_tag_wherever_it_stands(own_key: None) -> None:
    value = "Correct" + "Horse7battery"
    tags = [TAG.findall(clean(text.format(value))) for text in ("password={}", '{{"pwd": "{}"}}')]
    assert tags[0] == tags[1]
    assert re.fullmatch(r"\[secret:password:[0-9a-f]{8}\]", tags[0][0])
    assert clean(f"password={value}x") != clean(f"password={value}")


def test_without_a_key_what_could_be_guessed_has_no_hash() -> None:
    assert clean("password=" + "hunter2hunter2") == "password=[secret:password]"
    assert clean("pin=" + "4711 card 4111111111111111") == "pin=[secret:pin] card [secret:card]"
    assert re.search(r":github:[0-9a-f]{8}\]", clean("gh" + "p_" + "a1B2" * 9))


def test_another_key_makes_another_hash_and_no_cvv_has_one(own_key: None) -> None:
    given = "password=" + "hunter2hunter2 cvv=123"
    first = clean(given)
    use_key("another")
    assert first != clean(given)
    assert first.endswith("cvv=[secret:cvv]")


def test_an_echo_of_a_named_value_is_found() -> None:
    value = "tr0ub4dor" + "andthree"
    assert value not in clean(f"password={value}\nlogin as shop with {value} refused")


def test_kinds_are_counted() -> None:
    cleaned = clean_counted("pin=" + "4711, key " + "AK" + "IA" + "QRSTUVWXYZ234567")
    assert cleaned.kinds == {"aws": 1, "pin": 1}
    assert cleaned.redactions == 2
