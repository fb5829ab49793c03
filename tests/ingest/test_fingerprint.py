"""What makes two alarms the same problem: parts by name, none of them empty."""

import pytest

from bus.errors import NotConfigured, Rejected
from bus.events import Alarm
from bus.settings import load
from services.ingest.fingerprint import Identity, fingerprint
from services.ingest.settings import Settings

ALARM = Alarm(name="5xx", account="1", region="eu", labels={"cluster": "blue"})


def test_the_default_is_account_region_alarm_and_service() -> None:
    same = Identity.of("account, region, alarm, service")

    assert Identity.of("") == same
    assert same.fingerprint(ALARM, "cart") == fingerprint(ALARM, "cart")
    assert fingerprint(ALARM, "cart") != fingerprint(ALARM, "frontend")


def test_fields_of_the_settings_decide_what_is_the_same() -> None:
    by_cluster = Identity.of("account,labels.cluster")
    other = ALARM.model_copy(update={"name": "latency"})
    green = ALARM.model_copy(update={"labels": {"cluster": "green"}})

    assert by_cluster.fingerprint(ALARM, "cart") == by_cluster.fingerprint(other, "frontend")
    assert by_cluster.fingerprint(ALARM, "cart") != by_cluster.fingerprint(green, "cart")


def test_a_template_names_parts_and_two_parts_never_run_together() -> None:
    template = Identity.of("{account}/{alarm}")
    one = Alarm(name="b/c", account="a")
    two = Alarm(name="c", account="a/b")

    assert template.fields == ("account", "alarm")
    assert template.fingerprint(one, "s") != template.fingerprint(two, "s")
    assert template.fingerprint(one, "s") != Identity.of("account,alarm").fingerprint(one, "s")


@pytest.mark.parametrize("empty", [{"account": ""}, {"region": " "}])
def test_an_empty_part_is_refused_by_its_name(empty: dict[str, str]) -> None:
    with pytest.raises(Rejected, match=f"has no {next(iter(empty))}"):
        fingerprint(ALARM.model_copy(update=empty), "cart")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("account,colour", "colour"),
        ("{account}/{colour}", "colour"),
        ("{account", "brace"),
        ("{account}}", "brace"),
        ("account,,alarm", "names ''"),
        ("{}", "names ''"),
        ("labels.", "labels."),
    ],
)
def test_a_wrong_setting_is_a_sentence_at_the_start(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_QUEUE_URL", "https://sqs.eu-west-2.amazonaws.com/1/alarms")
    monkeypatch.setenv("NIGHTSHIFT_FINGERPRINT", text)

    with pytest.raises(NotConfigured, match="NIGHTSHIFT_FINGERPRINT") as refused:
        load(Settings)
    assert said in str(refused.value)


def test_a_part_that_may_be_empty_tells_apart_where_it_is_there_and_refuses_nothing() -> None:
    """With `labels.namespace` every alarm of CloudWatch, and every log batch, was refused."""
    identity = Identity.of("alarm, service, labels.namespace?")
    bare = Alarm(name="a")
    one, two = (Alarm(name="a", labels={"namespace": name}) for name in ("x", "y"))

    assert len({identity.fingerprint(each, "cart") for each in (bare, one, two)}) == 3
    with pytest.raises(ValueError, match="may be empty"):
        Identity.of("{labels.namespace?}")
