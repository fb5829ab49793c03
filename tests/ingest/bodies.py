"""Queue bodies about a shop as CloudWatch sends them, in the shapes of SNS and EventBridge."""

import base64
import gzip
import json

ACCOUNT = "210987654321"
REGION = "eu-central-1"
CHANGED_AT = "2026-03-09T02:14:07.518+0000"
REASON = "Threshold Crossed: 3 datapoints were greater than the threshold (0.0)."


def arn(name: str) -> str:
    """The ARN of an alarm of that name."""
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def flat_alarm(name: str = "cartservice-error", state: str = "ALARM", **changes: object) -> str:
    """A state change as it stands in an SNS message; a change to None removes the field."""
    document: dict[str, object] = {
        "AlarmName": name,
        "AlarmDescription": "Errors in the cart",
        "AWSAccountId": ACCOUNT,
        "NewStateValue": state,
        "OldStateValue": "OK",
        "NewStateReason": REASON,
        "StateChangeTime": CHANGED_AT,
        "Region": "EU (Frankfurt)",
        "AlarmArn": arn(name),
        "Trigger": {
            "MetricName": "cartserviceErrorCount",
            "Namespace": "Shop/Errors",
            "Statistic": "SUM",
            "Dimensions": [{"name": "Cluster", "value": "shop"}],
            "Threshold": 0.0,
            "ComparisonOperator": "GreaterThanThreshold",
        },
    } | changes
    return json.dumps({key: value for key, value in document.items() if value is not None})


def notification(message: str) -> str:
    """That message as SNS puts it into a queue."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "0d0f2c1e-7b1a-5a52-9c61-70f3ac0ab111",
            "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
            "Message": message,
            "Timestamp": "2026-03-09T02:14:07.611Z",
        }
    )


def event(
    name: str = "cartservice-error",
    state: str = "ALARM",
    *,
    kind: str = "CloudWatch Alarm State Change",
    configuration: dict[str, object] | None = None,
    **state_changes: object,
) -> str:
    """A state change as EventBridge puts it into a queue."""
    metric = {
        "namespace": "Shop/Errors",
        "name": "cartserviceErrorCount",
        "dimensions": {"Cluster": "shop"},
    }
    return json.dumps(
        {
            "version": "0",
            "id": "3f1c8f0c-0000-4000-8000-1c6f1b2a3d4e",
            "detail-type": kind,
            "source": "aws.cloudwatch",
            "account": ACCOUNT,
            "time": "2026-03-09T02:14:07Z",
            "region": REGION,
            "resources": [arn(name)],
            "detail": {
                "alarmName": name,
                "state": {"value": state, "reason": REASON, "timestamp": CHANGED_AT}
                | state_changes,
                "previousState": {"value": "OK"},
                "configuration": configuration
                or {
                    "description": "Errors in the cart",
                    "metrics": [{"id": "m1", "metricStat": {"metric": metric, "stat": "Sum"}}],
                },
            },
        }
    )


def alert(name: str = "CartErrors", status: str = "firing", **labels: str) -> dict[str, object]:
    """One alert as Alertmanager sends it in a group."""
    is_firing = status == "firing"
    return {
        "status": status,
        "labels": {"alertname": name, "namespace": "shop", "deployment": "cartservice"}
        | {"severity": "critical"}
        | labels,
        "annotations": {"summary": "Every tenth order fails", "description": "10% for 5 min"},
        "startsAt": "2026-03-09T02:14:07.518Z",
        "endsAt": "0001-01-01T00:00:00Z" if is_firing else "2026-03-09T02:31:00Z",
        "generatorURL": "http://prometheus.shop.example:9090/graph?g0.expr=errors",
        "fingerprint": "5c8d0f2b7a91e346",
    }


def alerts(*held: dict[str, object], **changes: object) -> str:
    """A group of alerts as version 4 of Alertmanager's webhook sends it."""
    group: dict[str, object] = {
        "version": "4",
        "groupKey": '{}:{alertname="CartErrors"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "nightshift",
        "groupLabels": {"alertname": "CartErrors"},
        "commonLabels": {"alertname": "CartErrors"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.shop.example:9093",
        "alerts": list(held) or [alert()],
    }
    return json.dumps(group | changes)


def log_lines(*lines: str, **changes: object) -> str:
    """A batch of those lines, a second apart, as CloudWatch Logs has it before it is packed."""
    batch: dict[str, object] = {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": "/shop/checkoutservice",
        "logStream": "checkoutservice-578fcf4766-9csqn",
        "subscriptionFilters": ["errors"],
        "logEvents": [
            {"id": str(number), "timestamp": 1_773_022_447_000 + 1000 * number, "message": line}
            for number, line in enumerate(lines)
        ],
    }
    return json.dumps(batch | changes)


def packed(batch: str) -> str:
    """The batch as a subscription packs it."""
    return base64.b64encode(gzip.compress(batch.encode(), mtime=0)).decode()
