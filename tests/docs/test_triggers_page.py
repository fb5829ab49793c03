"""docs/triggers.md: what is set up by its lines stands in (a stand-in of) AWS, and is minimal."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml
from botocore import xform_name
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from cli.publishing.parcels import PATHS
from tests.docs.aws_account import aws_account
from tests.docs.aws_lines import Line, client_of
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "triggers.md")
ACCOUNT = "123456789012"
FILES = ("queue-policy.json", "firehose.json")
"""The JSON files that lines name, in the order of their blocks."""
PERMITTED = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "cloudwatch:DescribeAlarms",
}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)


def lines() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines() if line.strip()]


def files() -> dict[str, str]:
    found = {}
    for name in FILES:
        at = PAGE.text.index(f"`{name}`")
        found[name] = PAGE.text[at:].partition("```json\n")[2].partition("```")[0]
    return found


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """An empty account, but for a log group."""
    with aws_account(tmp_path / "moto.log") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        boto3.client("logs").create_log_group(logGroupName="/boutique/cartservice")
        yield variables["AWS_ENDPOINT_URL"]


@pytest.mark.timeout(90)
def test_the_lines_set_up_queue_topic_rule_alarm_and_logs_of_which_each_delivers(aws: str) -> None:
    texts = files()
    for text in lines():
        line = Line.of(text)
        arguments = line.arguments(texts)
        # An address outside would be asked for its confirmation; and the queue's is this server's.
        if arguments.get("Protocol") == "https":
            continue
        if "QueueUrl" in arguments:
            arguments["QueueUrl"] = f"{aws}/{ACCOUNT}/nightshift-alarms"
        client = client_of(line.service)
        getattr(client, xform_name(line.model().name))(**arguments)

    sqs = boto3.client("sqs")
    queue = sqs.get_queue_url(QueueName="nightshift-alarms")["QueueUrl"]
    boto3.client("sns").publish(
        TopicArn=f"arn:aws:sns:eu-west-2:{ACCOUNT}:nightshift-alarms", Message="by the topic"
    )
    event = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": '{"by": "the rule"}',
    }
    boto3.client("events").put_events(Entries=[event])
    got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    bodies = " ".join(message["Body"] for message in got)
    assert "by the topic" in bodies
    assert "the rule" in bodies
    (alarm,) = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarm["OKActions"] == alarm["AlarmActions"]
    group = "/boutique/cartservice"
    (kept,) = boto3.client("logs").describe_subscription_filters(logGroupName=group)[
        "subscriptionFilters"
    ]
    assert kept["destinationArn"].endswith("deliverystream/nightshift-logs")


def test_every_line_names_an_operation_and_options_that_aws_has() -> None:
    texts = files()
    assert [Line.of(text).arguments(texts) for text in lines()]


def test_ingest_is_permitted_what_it_calls_and_nothing_else() -> None:
    (policy,) = (json.loads(text) for text in blocks("json") if "TakeAlarmsFromTheQueue" in text)
    actions: set[str] = set()
    for statement in policy["Statement"]:
        given = statement["Action"]
        actions |= set([given] if isinstance(given, str) else given)
    assert actions == PERMITTED
    for action in actions:
        service, _, operation = action.partition(":")
        client = client_of(service, region_name="eu-west-2")
        assert operation in client.meta.service_model.operation_names


def test_terraform_is_balanced_and_refers_only_to_what_stands_on_the_page() -> None:
    text = "\n".join(blocks("terraform"))
    bare = re.sub(r'"(?:[^"\\$]|\\.|\$\{[^}]*\}|\$)*"', '""', text)
    for opening, closing in ("{}", "[]", "()"):
        assert bare.count(opening) == bare.count(closing)
    made = set(re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE))
    used = set(re.findall(r"\b(aws_\w+)\.(\w+)\.\w+", text))
    data = set(re.findall(r"\bdata\.(\w+)\.(\w+)\.", text))
    assert used - data <= made
    assert data <= set(re.findall(r'^data "(\w+)" "(\w+)"', text, re.MULTILINE))
    assert set(re.findall(r"\bvar\.(\w+)", text)) <= set(
        re.findall(r'^variable "(\w+)"', text, re.M)
    )


def test_the_receiver_of_alertmanager_posts_to_the_door_with_a_bearer_token() -> None:
    (text,) = blocks("yaml")
    (receiver,) = yaml.safe_load(text)["receivers"]
    (webhook,) = receiver["webhook_configs"]
    assert webhook["url"].endswith(PATHS["alertmanager"])
    assert webhook["send_resolved"]
    assert webhook["http_config"]["authorization"]["type"] == "Bearer"


def test_every_address_on_the_page_is_a_door() -> None:
    found = set(re.findall(r"https://nightshift\.example\.com(/[\w/]+)", PAGE.text))
    assert found == set(PATHS.values())


def published() -> list[str]:
    return [line for line in PAGE.commands if line.startswith("nightshift ")]


@pytest.mark.parametrize("line", sorted(set(published())))
def test_every_command_on_the_page_is_one_with_its_options(line: str) -> None:
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    name, *arguments = shlex.split(line)[1:]
    found = command.commands[name]
    while isinstance(found, TyperGroup) and arguments:
        found = found.commands[arguments.pop(0)]
    with found.make_context(name, arguments) as context:
        assert context.command is found
