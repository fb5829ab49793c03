"""What Terraform makes of deploy/aws in a stand-in of AWS: alarms arrive, and roles are as written.

The full lane runs it (`--full`), where terraform and its provider are there.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from bus.settings import load
from services.ingest.adapters.sqs import SqsQueue
from services.ingest.settings import Settings
from tests.deploy.terraform import ACCOUNT, AWS, QUEUE, REGION, RULE, TOPIC, filled, policy
from tests.deploy.terraform_binary import begin, copied_module, needs_terraform, run
from tests.docs.aws_account import aws_account
from tests.docs.aws_lines import client_of
from tests.lane import Lane

pytestmark = [needs_terraform, pytest.mark.timeout(900)]
CLUSTER = "shop"
GROUP = f"/aws/containerinsights/{CLUSTER}/application"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:nightshift-logs-abc123"
EVERYTHING = f"""
provider "aws" {{
  region = "{REGION}"
}}

resource "aws_kms_key" "alarms" {{}}

resource "aws_sns_topic" "people" {{
  name = "people"
}}

module "nightshift" {{
  source               = "../"
  cluster_name         = "{CLUSTER}"
  oidc_provider_arn    = "arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.example.com/id/1"
  send_by_topic        = false
  send_by_rule         = true
  alarm_prefix         = "shop-"
  kms_key              = {{ arn = aws_kms_key.alarms.arn }}
  operators_topic_arns = [aws_sns_topic.people.arn]
  logs = {{
    url              = "https://nightshift.example.com/triggers/logs"
    token_secret_arn = "{SECRET}"
    log_group        = "{GROUP}"
  }}
}}

output "everything" {{
  value = module.nightshift
}}

output "key" {{
  value = aws_kms_key.alarms.arn
}}
"""


@pytest.fixture
def account(
    lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mapping[str, str]]:
    """An account with a cluster, whose issuer IAM knows, and the log group of its containers."""
    if not lane.full:
        pytest.skip("the full lane runs it: --full")
    with aws_account(tmp_path / "moto.log") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        role = f"arn:aws:iam::{ACCOUNT}:role/cluster"
        eks = client_of("eks")
        made = eks.create_cluster(name=CLUSTER, roleArn=role, resourcesVpcConfig={})["cluster"]
        iam = client_of("iam")
        issuer = made["identity"]["oidc"]["issuer"]
        iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
        boto3.client("logs").create_log_group(logGroupName=GROUP)
        yield variables


async def test_the_example_delivers_an_alarm_to_ingest_and_prints_its_settings(
    account: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [f"-var=region={REGION}", f"-var=cluster_name={CLUSTER}"]
    folder = copied_module(tmp_path) / "example"
    begin(folder)
    planned = done(folder, "apply", "-auto-approve", "-input=false", *given, account=account)
    page = (AWS.parents[1] / "docs" / "eks.md").read_text(encoding="utf-8")
    assert re.findall(r"Plan: \d+ to add", planned) == re.findall(r"Plan: \d+ to add", page)
    told = outputs(folder, account)
    settings = told["settings"]["ingest-settings"]
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NIGHTSHIFT_QUEUE_WAIT_SECONDS", "1")
    boto3.client("sns").publish(TopicArn=told["topic_arn"], Message="an alarm")
    (message,) = await SqsQueue(load(Settings)).receive()
    assert "an alarm" in message.body

    issuer = client_of("eks").describe_cluster(name=CLUSTER)["cluster"]["identity"]["oidc"][
        "issuer"
    ]
    for role, name in (("ingest", "ingest"), ("cloudwatch", "toolrunner")):
        trusted = client_of("iam").get_role(RoleName=f"nightshift-{role}")["Role"]
        host = issuer.removeprefix("https://")
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
        wanted = {"issuer": host, "oidc_provider_arn": provider, "service_account": name}
        assert trusted["AssumeRolePolicyDocument"] == policy("trust-irsa", **wanted)
    assert told["topic_arn"] == TOPIC
    assert inline("ingest", "queue") == policy("ingest", queue_arn=QUEUE)
    assert inline("cloudwatch", "read") == policy("cloudwatch")
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*"
    assert inline("cloudwatch", "logs") == policy("cloudwatch-logs", log_group_arns=f'["{group}"]')
    assert told["overlay"] == printed(settings["NIGHTSHIFT_QUEUE_URL"])
    done(folder, "destroy", "-auto-approve", "-input=false", *given, account=account)
    assert not boto3.client("sqs").list_queues().get("QueueUrls")


def test_with_every_choice_the_other_way_a_rule_sends_and_lines_are_subscribed_to(
    account: Mapping[str, str], tmp_path: Path
) -> None:
    folder = copied_module(tmp_path) / "everything"
    folder.mkdir()
    (folder / "main.tf").write_text(EVERYTHING, encoding="utf-8")
    begin(folder)
    done(folder, "apply", "-auto-approve", "-input=false", account=account)
    told = outputs(folder, account)
    event = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": '{"alarmName": "shop-cart"}',
    }
    other = event | {"Detail": '{"alarmName": "bank-ledger"}'}
    client_of("events").put_events(Entries=[event, other])
    queue = told["everything"]["queue_url"]
    got = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    assert [json.loads(each["Body"])["detail"] for each in got["Messages"]] == [
        {"alarmName": "shop-cart"}
    ]
    asked = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
    assert asked["Attributes"]["KmsMasterKeyId"] == told["key"]
    assert json.loads(asked["Attributes"]["Policy"]) == policy(
        "queue", senders=f'["{RULE}"]', services='["events.amazonaws.com"]'
    )
    assert inline("ingest", "key") == policy("ingest-key", key_arn=told["key"])
    assert inline("firehose", "token") == policy("firehose-token", secret_arn=SECRET)
    kept = boto3.client("logs").describe_subscription_filters(logGroupName=GROUP)
    assert len(kept["subscriptionFilters"]) == 1


def test_with_pod_identity_an_association_ties_role_and_account(
    account: Mapping[str, str], tmp_path: Path
) -> None:
    """Only planned: the stand-in of AWS knows no associations."""
    given = [f"-var=region={REGION}", f"-var=cluster_name={CLUSTER}", "-var=identity=pod-identity"]
    folder = copied_module(tmp_path) / "example"
    begin(folder)
    done(folder, "plan", "-out=plan", "-input=false", *given, account=account)
    shown = json.loads(done(folder, "show", "-json", "plan", account=account))
    (module,) = shown["planned_values"]["root_module"]["child_modules"]
    made = {
        each["address"].partition(".")[2].partition(".")[2]: each for each in module["resources"]
    }
    for role, name in (("ingest", "ingest"), ("cloudwatch", "toolrunner")):
        tied = made[f'aws_eks_pod_identity_association.pod["{role}"]']["values"]
        assert (tied["namespace"], tied["service_account"]) == ("nightshift", name)
        trusted = json.loads(made[f'aws_iam_role.pod["{role}"]']["values"]["assume_role_policy"])
        assert trusted == policy("trust-pod-identity", service_account=name)


def done(folder: Path, *words: str, account: Mapping[str, str]) -> str:
    """What the command printed; it fails with what Terraform says."""
    ended = run(folder, *words[:1], "-no-color", *words[1:], variables=account)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def outputs(folder: Path, account: Mapping[str, str]) -> dict[str, Any]:
    """Every output."""
    told = json.loads(done(folder, "output", "-json", account=account))
    return {name: each["value"] for name, each in told.items()}


def inline(role: str, name: str) -> Any:
    """A policy of one of our roles, as IAM has it."""
    found = client_of("iam").get_role_policy(RoleName=f"nightshift-{role}", PolicyName=name)
    return found["PolicyDocument"]


def printed(queue_url: str) -> str:
    """The overlay, filled in by the tests' own means."""
    roles = f"arn:aws:iam::{ACCOUNT}:role/nightshift-"
    overlay = filled(
        "overlay.yaml.tftpl",
        overlay="online-boutique",
        identity="irsa",
        queue_url=queue_url,
        alarm_prefix="",
        catch_up_topics=TOPIC,
        log_groups=GROUP,
        region=REGION,
    )
    return overlay + filled(
        "overlay-roles.yaml.tftpl",
        ingest_role_arn=f"{roles}ingest",
        cloudwatch_role_arn=f"{roles}cloudwatch",
    )
