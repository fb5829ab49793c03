"""What an account that uses Nightshift holds: topic, queue, rule and the alarm."""

import json
from datetime import datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from simulator.aws.alarm_bodies import State
from simulator.scenario import Scenario

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

QUEUE = "nightshift-alarms"
TOPIC = "nightshift-alarms"
RULE = "nightshift-alarm-state-changes"
DETAIL_TYPE = "CloudWatch Alarm State Change"
_PATHS = ("id", "detail-type", "source", "account", "time", "region", "resources", "detail")
# moto delivers one field too many; this is the event as EventBridge delivers it.
_EVENT = (
    '{"version": "0", "id": "<id>", "detail-type": "<detail-type>", "source": "<source>", '
    '"account": "<account>", "time": <time>, "region": "<region>", "resources": <resources>, '
    '"detail": <detail>}'
)


class Resources:
    """Clients of one endpoint, and what is made with them. `create` comes first."""

    def __init__(self, scenario: Scenario, environment: dict[str, str]) -> None:
        self._scenario = scenario
        session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
        )
        url = environment["AWS_ENDPOINT_URL"]
        settings = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
        self._sqs: SQSClient = session.client("sqs", endpoint_url=url, config=settings)
        self._sns: SNSClient = session.client("sns", endpoint_url=url, config=settings)
        self._events = session.client("events", endpoint_url=url, config=settings)
        self.cloudwatch: CloudWatchClient = session.client(
            "cloudwatch", endpoint_url=url, config=settings
        )
        self.logs: CloudWatchLogsClient = session.client("logs", endpoint_url=url, config=settings)
        self.queue_url = ""
        self.topic_arn = ""

    @property
    def dimensions(self) -> dict[str, str]:
        """The dimensions of the alarm's metric, none when the scenario has no such metric."""
        alarm = self._scenario.alarm
        for metric in self._scenario.cloudwatch.metrics:
            if (metric.namespace, metric.metric) == (alarm.namespace, alarm.metric):
                return metric.dimensions
        return {}

    def create(self) -> None:
        """Topic and rule deliver to the queue, and the alarm names the topic."""
        self.queue_url = self._sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        asked = self._sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["QueueArn"])
        queue_arn = asked["Attributes"]["QueueArn"]
        self.topic_arn = self._sns.create_topic(Name=TOPIC)["TopicArn"]
        self._sqs.set_queue_attributes(
            QueueUrl=self.queue_url, Attributes={"Policy": json.dumps(_queue_policy(queue_arn))}
        )
        self._sns.subscribe(TopicArn=self.topic_arn, Protocol="sqs", Endpoint=queue_arn)
        pattern = {"source": ["aws.cloudwatch"], "detail-type": [DETAIL_TYPE]}
        self._events.put_rule(Name=RULE, EventPattern=json.dumps(pattern), State="ENABLED")
        shape = {"InputPathsMap": {path: f"$.{path}" for path in _PATHS}, "InputTemplate": _EVENT}
        target = {"Id": "queue", "Arn": queue_arn, "InputTransformer": shape}
        self._events.put_targets(Rule=RULE, Targets=[target])
        self._create_alarm()

    def show(self, scenario: Scenario) -> None:
        """The alarm is that scenario's, wired to the same topic."""
        self._scenario = scenario
        self._create_alarm()

    def _create_alarm(self) -> None:
        alarm = self._scenario.alarm
        self.cloudwatch.put_metric_alarm(
            AlarmName=alarm.name,
            AlarmDescription=alarm.description,
            AlarmActions=[self.topic_arn],
            OKActions=[self.topic_arn],
            Namespace=alarm.namespace,
            MetricName=alarm.metric,
            Dimensions=[{"Name": key, "Value": value} for key, value in self.dimensions.items()],
            Statistic="Sum",
            Period=alarm.period_seconds,
            EvaluationPeriods=1,
            DatapointsToAlarm=1,
            Threshold=alarm.threshold,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )

    def set_state(self, state: State, reason: str) -> None:
        """CloudWatch shows the alarm in that state."""
        name = self._scenario.alarm.name
        self.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)

    def publish(self, message: str, subject: str) -> str:
        """The message went through the topic; returned is its SNS id."""
        if not subject:
            return self._sns.publish(TopicArn=self.topic_arn, Message=message)["MessageId"]
        sent = self._sns.publish(TopicArn=self.topic_arn, Message=message, Subject=subject)
        return sent["MessageId"]

    def send(self, body: str) -> str:
        """The body is in the queue as it is; returned is its SQS id."""
        return self._sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)["MessageId"]

    def put_event(self, detail: str, resource: str, *, at: datetime) -> str:
        """The alarm's event went through the rule; returned is the event's id."""
        # Only AWS itself may really say aws.cloudwatch; moto lets its own owner say it.
        event = {"Source": "aws.cloudwatch", "DetailType": DETAIL_TYPE, "Detail": detail}
        sent = self._events.put_events(Entries=[event | {"Resources": [resource], "Time": at}])
        return str(sent["Entries"][0]["EventId"])

    def close(self) -> None:
        """The clients' connections are closed."""
        for client in (self._sqs, self._sns, self._events, self.cloudwatch, self.logs):
            client.close()


def _queue_policy(queue_arn: str) -> dict[str, object]:
    senders = ["sns.amazonaws.com", "events.amazonaws.com"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": senders},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
