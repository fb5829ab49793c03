"""What `nightshift publish` sends is taken by the real ingest: each door opens an incident."""

import asyncio
import json
from importlib.util import find_spec
from typing import Any

import pytest
from redis import Redis

from bus.events import Severity
from bus.streams import INCIDENTS, Keys
from cli.publishing.asked import Asked
from cli.publishing.doors import doors_of
from cli.publishing.outgoing import send_all
from cli.publishing.parcels import Door, Post, Queued, notice, parcels, signed_notice
from cli.publishing.sending import post, put
from cli.publishing.target import Target
from cli.stack import Plan, Stack, running_stack

SENDERS: dict[tuple[Door, bool], str] = {
    ("sns", False): "checkoutservice",
    ("sns", True): "frontend",
    ("eventbridge", True): "currencyservice",
    ("logs", False): "paymentservice",
    ("alertmanager", False): "shippingservice",
    ("slack", False): "adservice",
}
"""Who tells of which service, by HTTP or through the queue."""
STANDS = {
    "slack": find_spec("services.ingest.adapters.slack_doors") is not None,
    "eventbridge": True,
} | dict.fromkeys(
    ("sns", "logs", "alertmanager"), find_spec("services.ingest.adapters.http_doors") is not None
)
SEVERITY: Severity = "critical"


def opened(redis: "Redis", number: int) -> dict[str, dict[str, Any]]:
    """So many incidents by service, as soon as they stand on the stream."""
    found: dict[str, dict[str, Any]] = {}
    key, last = Keys("nightshift:").stream(INCIDENTS), "0"
    while len(found) < number:
        rows: Any = redis.xread({key: last}, block=20_000)
        assert rows, f"only {sorted(found)} were opened"
        for entry_id, fields in rows[0][1]:
            last = entry_id
            incident = json.loads(fields["data"])
            found[incident["service"]] = incident
    return found


def send(sender: Door, service: str, *, queue: bool, target: Target) -> str:
    asked = Asked(service=service, summary="it is slow", severity=SEVERITY)
    (parcel,) = parcels(sender, asked, target=target, queue=queue)
    answer = post(parcel, target) if isinstance(parcel, Post) else put(parcel, target)
    assert not answer.failed, answer.said
    return answer.said


def target_of(stack: Stack) -> Target:
    (ingest,) = (part for part in stack.parts if part.name == "ingest-1")
    url = ingest.ready_url.removesuffix("/readyz")
    return Target(doors_of(stack), url, control=stack.control, signing=stack.folder / "sns")


def unreadable_is_refused(target: Target) -> None:
    """By SNS, through the queue, and through it once more: set aside, told why, and a failure."""
    alarm = json.dumps({"AlarmName": "cart", "NewStateValue": "BROKEN"})
    by_sns = signed_notice(notice(alarm, target.needs("NIGHTSHIFT_SNS_TOPICS")), target)
    for parcel in (by_sns, Queued(alarm), Queued(alarm)):
        lines: list[str] = []
        assert send_all([parcel], target, number=1, say=lines.append)
        assert "refused: the alarm 'cart' has an unknown state: 'BROKEN'" in lines[-1]


@pytest.mark.timeout(90)
async def test_every_sender_is_taken_by_its_door_and_opens_an_incident_of_its_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    senders = {each: service for each, service in SENDERS.items() if each[1] or STANDS[each[0]]}
    plan = Plan(scenario="cart-loafers", own_redis=True, services=("ingest",), real_model=False)
    with running_stack(plan, lambda _line: None) as stack:
        target = target_of(stack)
        said = await asyncio.gather(
            *(
                asyncio.to_thread(send, sender, service, queue=queue, target=target)
                for (sender, queue), service in senders.items()
            )
        )
        assert len(said) == len(senders)
        options = {"decode_responses": True, "protocol": 2, "socket_timeout": 30}
        with Redis.from_url(stack.redis_url, **options) as redis:
            found = await asyncio.to_thread(opened, redis, len(senders))
        monkeypatch.setenv("REDIS_URL", stack.redis_url)
        await asyncio.to_thread(unreadable_is_refused, target)
    assert set(found) == set(senders.values())
    triggers = {service: incident["trigger"] for service, incident in found.items()}
    assert triggers["currencyservice"] == triggers["frontend"] == "cloudwatch"
    assert found["frontend"]["severity"] == SEVERITY
