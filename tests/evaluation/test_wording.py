"""Words are found as words, and a denial is no claim."""

import pytest

from cli.evaluation.wording import claimed, mentions


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("The container was OOMKilled.", "OOM"),
        ("killed (oom)", "OOM"),
        ("three OOMs since noon", "OOM"),
        ("OOMkilled twice", "OOM"),
        ("it was restarted once", "restart"),
        ("ImagePullBackOff", "image"),
        ("RedisCartStore throws", "CartStore"),
        ("the liveness health-check failed", "health check"),
        ("persistent  volume\nclaim", "volume claim"),
        ("exit code 137", "137"),
        ("it answers after 3s", "3"),
        ("3 seconds on average", "3"),
        ("image v2.1.0-bad is not there", "v2.1.0-bad"),
        ("CPUs are busy", "CPU"),
    ],
)
def test_word_is_found(text: str, word: str) -> None:
    assert mentions(text, word)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("there is room for more", "OOM"),
        ("the bloom filter", "OOM"),
        ("a wall of text", "WAL"),
        ("WALLET", "WAL"),
        ("operate", "rate"),
        ("the subimage", "image"),
        ("port 30", "3"),
        ("port 13", "3"),
        ("took 0.3 s", "3"),
        ("took 3.85 s", "3"),
        ("1370 bytes", "137"),
        ("", "OOM"),
        ("some text", "  "),
    ],
)
def test_part_of_another_word_is_not_found(text: str, word: str) -> None:
    assert not mentions(text, word)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("Redis is down.", "Redis is down"),
        ("The pod is healthy, but Redis is down.", "Redis is down"),
        ("It is not DNS, Redis is down.", "Redis is down"),
        ("There is no OOM and Redis is down.", "Redis is down"),
        ("Orders do not go through because Redis is down.", "Redis is down"),
        ("Not only out of memory, it also leaks.", "out of memory"),
        ("No doubt out of memory.", "out of memory"),
        ("The container ran out of memory; the network was ruled out.", "out of memory"),
        ("Out of memory is the cause, not the network.", "out of memory"),
        ("The network is fine. It was an image pull.", "image pull"),
    ],
)
def test_claim_is_found(text: str, claim: str) -> None:
    assert claimed(text, claim)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("There is no evidence that Redis is down.", "Redis is down"),
        ("It isn't true that Redis is down.", "Redis is down"),
        ("It isn\u2019t the case that Redis is down.", "Redis is down"),
        ("No sign of OOM, image pull or network trouble.", "image pull"),
        ("No sign of OOM, image pull or network trouble.", "network"),
        ("An image pull was ruled out.", "image pull"),
        ("Out of memory is not the cause.", "out of memory"),
        ("The cause lies in code rather than out of memory.", "out of memory"),
        ("Instead of an image pull it is the command.", "image pull"),
        ("Pods are no longer in a crash loop in progress.", "crash loop in progress"),
        ("There is room.", "OOM"),
    ],
)
def test_denial_or_absence_is_no_claim(text: str, claim: str) -> None:
    assert claimed(text, claim) == ""


def test_claim_comes_with_the_clause_it_stands_in() -> None:
    text = "All pods run. The cart fails since\nRedis is down; nothing else is wrong."
    assert claimed(text, "redis is down") == "Redis is down"
