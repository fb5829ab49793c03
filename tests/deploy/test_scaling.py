"""Scaling: two triggers for each stream that a service consumes, from none to eight and back."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bus.settings import BusSettings
from bus.streams import STREAMS, Keys
from tests.deploy.manifests import COMPOSED, Object, kind_of, named, needs_kubectl

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
KEDA, HPA = COMPOSED
SCALED = ("reasoner", "toolrunner")
SCHEMA = Draft202012Validator(
    json.loads(Path(__file__).with_name("scaled_object.schema.json").read_text(encoding="utf-8"))
)


def test_the_schema_refuses_what_keda_would_not_understand() -> None:
    Draft202012Validator.check_schema(SCHEMA.schema)
    for change in (
        {"lagCount": 5},
        {"lagcount": "5"},
        {"lagCount": "2", "pendingEntriesCount": "5"},
        {"pendingEntriesCount": "5", "activationLagCount": "0"},
    ):
        each = json.loads(json.dumps(named(KEDA, "ScaledObject", "toolrunner")))
        rest = {"address": "redis:6379", "stream": "s", "consumerGroup": "g"}
        each["spec"]["triggers"][0]["metadata"] = rest | change
        assert not SCHEMA.is_valid(each), change


@pytest.mark.parametrize("service", SCALED)
def test_a_scaled_object_is_one_and_goes_to_zero_and_back(service: str) -> None:
    each = named(KEDA, "ScaledObject", service)
    SCHEMA.validate(each)
    spec = each["spec"]
    assert spec["scaleTargetRef"] == {"name": service}
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 8)
    assert spec["fallback"]["replicas"] >= 1
    drain = BusSettings.model_fields["drain_seconds"].default
    down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert all(policy["periodSeconds"] > drain for policy in down["policies"])


@pytest.mark.parametrize("service", SCALED)
def test_every_stream_that_it_consumes_has_a_trigger_for_lag_and_one_for_pending(
    service: str,
) -> None:
    prefix = BusSettings.model_fields["stream_prefix"].default
    consumed = {
        Keys(prefix).stream(stream)
        for stream in STREAMS
        if service in [reader.group for reader in stream.readers]
    }
    every = named(KEDA, "ScaledObject", service)["spec"]["triggers"]
    asked = [trigger["metadata"] for trigger in every]
    own = [each for each in asked if each["consumerGroup"] == service]
    for key in ("lagCount", "pendingEntriesCount"):
        assert {each["stream"] for each in own if key in each} == consumed
        assert all(int(each[key]) > 0 for each in asked if key in each)
    assert len(own) == 2 * len(consumed)
    assert all(each["activationLagCount"] == "0" for each in asked if "lagCount" in each)
    assert len({trigger["name"] for trigger in every}) == len(every)


def test_a_due_turn_wakes_a_toolrunner_before_anybody_can_ask_it_for_a_call() -> None:
    """What would have happened: all at zero for ten minutes, so no catalogue of tools in Redis.

    The first turn waits for one, nothing stands on `tool-calls`, and nothing starts a toolrunner.
    """
    triggers = named(KEDA, "ScaledObject", "toolrunner")["spec"]["triggers"]
    asked = [trigger["metadata"] for trigger in triggers]
    others = [each for each in asked if each["consumerGroup"] != "toolrunner"]
    assert {each["consumerGroup"] for each in others} == {"reasoner"}
    # A turn that waits for the catalogue is handed back: pending, and no lag.
    assert {each["stream"] for each in others if "pendingEntriesCount" in each} == {
        "nightshift:turns"
    }
    for each in others:
        target = int(each.get("lagCount") or each["pendingEntriesCount"])
        assert target >= 1000, "work that is not the toolrunner's adds toolrunners"


def test_keda_is_a_user_of_its_own_by_reference_and_over_tls_where_redis_is() -> None:
    (authentication,) = kind_of(KEDA, "TriggerAuthentication")
    references = authentication["spec"]["secretTargetRef"]
    assert {each["parameter"]: f"{each['name']}/{each['key']}" for each in references} == {
        "password": "redis-users/keda-password",
        "ca": "redis-client-tls/ca.crt",
        "cert": "redis-client-tls/tls.crt",
        "key": "redis-client-tls/tls.key",
    }
    for each in kind_of(KEDA, "ScaledObject"):
        for trigger in each["spec"]["triggers"]:
            assert trigger["authenticationRef"] == {"name": authentication["metadata"]["name"]}
            assert trigger["metadata"]["username"] == "keda"
            assert trigger["metadata"]["address"] == "redis.nightshift.svc:6379"
            assert trigger["metadata"]["enableTLS"] == "true"


def test_the_first_pods_stay_until_the_groups_are_made_and_somebody_has_looked() -> None:
    """KEDA asks `cooldownPeriod` only once a trigger has been active; before that, the other."""
    for service in SCALED:
        spec = named(KEDA, "ScaledObject", service)["spec"]
        assert spec["initialCooldownPeriod"] == spec["cooldownPeriod"] == 300


@pytest.mark.parametrize("name", COMPOSED)
def test_applying_again_does_not_undo_what_the_scaler_set(name: str) -> None:
    for each in kind_of(name, "Deployment"):
        scaled = each["metadata"]["name"] in SCALED
        assert ("replicas" in each["spec"]) is not scaled, each["metadata"]["name"]


def test_without_keda_an_autoscaler_looks_at_the_service_s_own_container() -> None:
    scalers = {each["metadata"]["name"]: each["spec"] for each in kind_of(HPA, SCALER)}
    assert scalers.keys() == set(SCALED)
    for service, spec in scalers.items():
        assert spec["scaleTargetRef"] == target_of(service)
        assert 1 <= spec["minReplicas"] < spec["maxReplicas"] == 8
        (metric,) = spec["metrics"]
        assert metric["containerResource"]["container"] == service
    assert kind_of(HPA, "ScaledObject") == []
    assert kind_of(KEDA, SCALER) == []


SCALER = "HorizontalPodAutoscaler"


def target_of(service: str) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": service}
