"""Queue bodies about a shop as CloudWatch sends them, in the shapes of SNS and EventBridge."""

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
