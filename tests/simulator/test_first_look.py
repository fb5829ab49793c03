"""The script for any cluster says of each drill what it expects, and of a well shop nothing."""

import json

import pytest

from bus.events import Diagnosis
from cli.evaluation.scoring import Answer, score
from deploy.drills.grade import expectation
from simulator.model.conversation import read_conversation
from simulator.model.first_look import first_look
from simulator.model.script import Reply
from simulator.model.shapes import Prompt, parse
from tests.simulator.model_talk import MODEL, SUBMIT, shown, tools

WELL = {
    "kubernetes__list_pods": [
        "pod frontend-6f7c8d9b54-r4n7s phase=Running ready=1/1 restarts=0",
        "pod checkoutservice-5b6f9d7c48-m8z5t phase=Running ready=1/1 restarts=0",
        "pod adservice-6d8b5c7f94-q7w2m phase=Running ready=1/1 restarts=0",
    ],
    "kubernetes__list_workloads": [
        "Deployment redis-cart ready=1/1 age=9d image=redis:alpine",
        "Deployment cartservice ready=1/1 age=9d image=cartservice:v0.10.5",
    ],
    "kubernetes__list_network_policies": [
        "pods that no network policy is about, so nothing is blocked: frontend-6f7c8d9b54-r4n7s"
    ],
    "kubernetes__get_logs": ['{"message":"request complete","severity":"debug"}'],
    "kubernetes__rollout_history": ["revision 1 current created=2026-11-30T08:00:00Z"],
}
STRUCK = {
    "cart-redis-gone": (
        "cartservice",
        {
            "kubernetes__list_workloads": [
                "Deployment redis-cart ready=0/0 age=9d image=redis:alpine"
            ]
        },
    ),
    "memory-limit": (
        "adservice",
        {
            "kubernetes__list_pods": [
                "container server of pod adservice-5c9b7f8d46-p3k8x ready=false restarts=4"
                " state=waiting reason=CrashLoopBackOff last_reason=OOMKilled last_exit_code=137"
            ]
        },
    ),
    "bad-image-tag": (
        "recommendationservice",
        {
            "kubernetes__list_pods": [
                "container server of pod recommendationservice-7d6c9f8b54-z4q6j ready=false"
                " restarts=0 state=waiting reason=ImagePullBackOff message=Back-off pulling image"
            ]
        },
    ),
    "wrong-variable": (
        "checkoutservice",
        {
            "kubernetes__get_logs": [
                '{"error":"shipping quote failure: name resolver error: produced zero addresses"}'
            ],
            "kubernetes__rollout_history": [
                "revision 1 has containers.server.env.SHIPPING_SERVICE_ADDR=shippingservice:50051",
                "revision 2 has containers.server.env.SHIPPING_SERVICE_ADDR=shippingsvc:50051",
            ],
        },
    ),
    "network-policy": (
        "frontend",
        {
            "kubernetes__list_network_policies": [
                "network policy productcatalogservice-callers: they may be reached by pods"
                " app=checkoutservice, on ports: TCP/3550"
            ]
        },
    ),
}
"""Rows as the kubernetes server writes them, of the shop after each drill."""


def looked(service: str, rows: dict[str, list[str]]) -> Reply:
    """What the script submits, once it has looked at everything that it wanted to see."""
    messages: list[dict[str, object]] = [
        {
            "role": "user",
            "content": f"An incident was opened.\n\nservice: {service}\nsummary: it fails",
        }
    ]
    for turn in range(1, 6):
        asked = {"model": MODEL, "messages": messages, "tools": tools()}
        reply = first_look("online-boutique")(
            read_conversation(parse(json.dumps(asked).encode(), Prompt))
        )
        if [call.tool for call in reply.calls] == [SUBMIT]:
            return reply
        assert all(call.arguments["namespace"] == "online-boutique" for call in reply.calls)
        uses, results = [], []
        for k, call in enumerate(reply.calls, 1):
            text = shown(f"{turn}-{k}", rows[call.tool])
            uses.append({"type": "tool_use", "id": f"t{turn}{k}", "name": call.tool, "input": {}})
            results.append({"type": "tool_result", "tool_use_id": f"t{turn}{k}", "content": text})
        messages += [{"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    raise AssertionError("it never concludes")


@pytest.mark.parametrize("drill", STRUCK)
def test_a_drill_ends_with_the_answer_that_it_expects_and_a_quote_that_shows_it(drill: str) -> None:
    service, rows = STRUCK[drill]
    (call,) = looked(service, WELL | rows).calls
    found = Diagnosis.model_validate(
        {**call.arguments, "evidence": (), "ruled_out": (), "gaps": (), "fix": None}
    )
    assert score(expectation(drill), Answer(outcome="diagnosed", diagnosis=found)).reasons == ()
    evidence = call.arguments["evidence"]
    assert isinstance(evidence, list)
    (quote,) = evidence
    assert any(quote["quote"] in lines for lines in rows.values())


def test_of_a_well_shop_it_says_that_it_does_not_know() -> None:
    (call,) = looked("cartservice", WELL).calls
    assert call.arguments["verdict"] == "unknown"
    assert call.arguments["evidence"] == []
