"""Real alarm bodies and the evidence of a real incident, through the whole loop.

The cases lie beside the project; where they are absent these tests are skipped, and
`test_one_incident` covers the same path with the project's own bodies.
"""

import json
from pathlib import Path

import pytest
import yaml
from redis import Redis

from cli.stack import Plan, running_stack
from simulator.scenario import Scenario, load_scenario
from tests.loop.desk import Desk, quiet

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not CASES.is_dir(), reason="the cases do not lie beside the project"),
]


def sqs_body(case: str) -> str:
    """What SQS hands over for a case: the body of its first record, or the event itself."""
    payload = json.loads((CASES / "triggers" / case / "payload.json").read_text(encoding="utf-8"))
    body = payload["Records"][0]["body"] if "Records" in payload else json.dumps(payload)
    return str(body)


@pytest.mark.parametrize(
    ("case", "service"),
    [
        ("trg-a-edge-alarm-in-sqs", "Example"),
        ("trg-a-edge-eventbridge-alarm", "cartservice"),
        ("trg-a-fe-singlemetric", ""),
    ],
)
def test_real_alarm_body_becomes_one_card(desk: Desk, case: str, service: str) -> None:
    before = set(desk.incidents())
    desk.alarm_body(sqs_body(case))
    desk.wait("an incident", lambda: set(desk.incidents()) - before)
    (incident,) = set(desk.incidents()) - before
    record = desk.wait_for_end(incident)
    assert record.outcome in ("diagnosed", "inconclusive")
    assert record.incident.trigger == "cloudwatch"
    assert service.lower() in record.incident.service.lower()
    assert len(desk.messages(incident)) == 1


def real_incident(folder: Path) -> Scenario:
    """The shipped cart scenario with a real incident's logs in place of its own."""
    case = CASES / "incidents" / "inc-ob-fl-cart-loafers" / "evidence"
    texts = [case / "background_cartservice.txt", case / "logs_cartservice.txt"]
    lines = "".join(text.read_text(encoding="utf-8") for text in texts).rstrip("\n").split("\n")
    scenario = load_scenario("cart-loafers").model_dump(mode="json")
    log = next(pod["log"] for pod in scenario["cluster"]["pods"] if "cart" in pod["workload"])
    scenario["name"] = "real-cart"
    scenario["cluster"]["logs"][log] = {
        "lines": len(lines),
        "placed": [{"at": number, "text": line} for number, line in enumerate(lines, start=1)],
    }
    for evidence in scenario["script"]["diagnosis"]["evidence"]:
        if evidence["tool"] == "kubernetes__get_logs":
            evidence["pattern"] = "tried to buy loafers"
    path = folder / "real-cart.yaml"
    path.write_text(yaml.safe_dump(scenario), encoding="utf-8")
    return load_scenario(str(path))


def test_real_incident_is_diagnosed_from_its_own_lines(tmp_path: Path) -> None:
    real_incident(tmp_path)
    settings = {"NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1"}
    plan = Plan(
        scenario=str(tmp_path / "real-cart.yaml"),
        model_seconds=0.05,
        settings=settings,
        own_redis=True,
    )
    with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
        desk = Desk(stack, redis)
        trigger = CASES / "incidents" / "inc-ob-fl-cart-loafers" / "trigger.json"
        desk.alarm_body(trigger.read_text(encoding="utf-8"))
        desk.wait("an incident", desk.incidents)
        (incident,) = desk.incidents()
        record = desk.wait_for_end(incident)
        assert record.outcome == "diagnosed"
        assert record.diagnosis is not None
        quotes = [evidence.quote for evidence in record.diagnosis.evidence if evidence.verified]
        assert any("Uh-oh, you tried to buy loafers" in quote for quote in quotes)
        card = desk.card(incident)
        assert "RedisCartStore" in card
        assert "Redis is down" not in card
