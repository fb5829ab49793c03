"""Who may do what in AWS: the policies of deploy/aws, which docs/triggers.md tells too."""

import json
import re

import pytest

from tests.deploy.iam import actions, allows, listed
from tests.deploy.terraform import (
    ACCOUNT,
    ISSUER,
    QUEUE,
    REGION,
    RULE,
    TOPIC,
    blocks_of,
    module,
    places,
    policies,
    policy,
)
from tests.docs.aws_lines import Line
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "triggers.md")
SNS = ("Service", "sns.amazonaws.com")
EVENTS = ("Service", "events.amazonaws.com")
CLOUDWATCH = ("Service", "cloudwatch.amazonaws.com")
OPEN_TO_ALL = {"ingest", "cloudwatch", "key"}
"""Of these some action knows no resource, or the resource is the key that holds the policy."""
ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:frontend-errors"


@pytest.mark.parametrize("name", policies())
def test_a_policy_is_json_and_names_actions_and_resources_exactly(name: str) -> None:
    document = policy(name)
    for statement in document if name == "key" else document["Statement"]:
        assert not statement.keys() & {"NotAction", "NotResource", "NotPrincipal"}
        for action in listed(statement["Action"]):
            assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z]+|kms:GenerateDataKey\*", action)
        if "*" in listed(statement.get("Resource", [])):
            assert name in OPEN_TO_ALL
        assert "*" not in listed(statement.get("Principal", {}).values())


def test_only_the_topic_and_the_rule_reach_the_queue() -> None:
    document = policy("queue")
    send = "sqs:SendMessage"
    assert allows(document, send, on=QUEUE, by=SNS, facts={"aws:SourceArn": TOPIC})
    assert allows(document, send, on=QUEUE, by=EVENTS, facts={"aws:SourceArn": RULE})
    for by, source in (
        (SNS, f"{TOPIC}-of-others"),
        (SNS, TOPIC.replace(ACCOUNT, "210987654321")),
        (EVENTS, RULE.replace("nightshift", "other")),
        (CLOUDWATCH, TOPIC),
    ):
        assert not allows(document, send, on=QUEUE, by=by, facts={"aws:SourceArn": source})
    assert not allows(document, send, on=QUEUE, by=SNS)
    for action in ("sqs:ReceiveMessage", "sqs:PurgeQueue", "sqs:SetQueueAttributes"):
        assert not allows(document, action, on=QUEUE, by=SNS, facts={"aws:SourceArn": TOPIC})


def test_only_alarms_of_the_account_and_of_the_prefix_reach_the_topic() -> None:
    facts = {"aws:SourceArn": ALARM, "aws:SourceAccount": ACCOUNT}

    def reaches(prefix: str = "", **changes: str) -> bool:
        changed = facts | {f"aws:{name}": value for name, value in changes.items()}
        document = policy("topic", alarm_prefix=prefix)
        return allows(document, "sns:Publish", on=TOPIC, by=CLOUDWATCH, facts=changed)

    assert reaches()
    assert reaches("frontend-")
    assert not reaches("cart")
    assert not reaches(SourceAccount="210987654321")
    assert not reaches(SourceArn=ALARM.replace(ACCOUNT, "210987654321"))
    assert not reaches(SourceArn=f"arn:aws:s3:::{ACCOUNT}")
    assert not allows(policy("topic"), "sns:Subscribe", on=TOPIC, by=CLOUDWATCH, facts=facts)


def test_a_role_is_for_one_service_account_of_one_cluster() -> None:
    provider = ("Federated", f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}")
    asked = "sts:AssumeRoleWithWebIdentity"
    for account in ("ingest", "toolrunner"):
        document = policy("trust-irsa", service_account=account)
        for name in ("ingest", "toolrunner", "reasoner", "default"):
            facts = {
                f"{ISSUER}:aud": "sts.amazonaws.com",
                f"{ISSUER}:sub": f"system:serviceaccount:nightshift:{name}",
            }
            assert allows(document, asked, by=provider, facts=facts) is (name == account)
            other = facts | {f"{ISSUER}:aud": "somebody-else"}
            assert not allows(document, asked, by=provider, facts=other)
        elsewhere = f"system:serviceaccount:default:{account}"
        facts = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": elsewhere}
        assert not allows(document, asked, by=provider, facts=facts)


def test_with_pod_identity_it_is_too() -> None:
    document = policy("trust-pod-identity")
    agent = ("Service", "pods.eks.amazonaws.com")
    facts = {
        "aws:RequestTag/eks-cluster-name": "shop",
        "aws:RequestTag/kubernetes-namespace": "nightshift",
        "aws:RequestTag/kubernetes-service-account": "ingest",
    }
    for action in ("sts:AssumeRole", "sts:TagSession"):
        assert allows(document, action, by=agent, facts=facts)
        for key in facts:
            assert not allows(document, action, by=agent, facts=facts | {key: "other"})
        assert not allows(document, action, by=agent)


def test_the_page_of_triggers_has_the_same_policies() -> None:
    told = [json.loads(block) for block in blocks("json")]
    (queue,) = (json.loads(each["Policy"]) for each in told if "Policy" in each)
    assert queue == policy("queue")
    assert policy("ingest") in told
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]
    options = [Line.of(line).options for line in lines]
    given = [
        json.loads(text)
        for each in options
        for name, text in each.items()
        if name in ("assume-role-policy-document", "policy-document")
    ]
    for name in ("trust-firehose", "firehose", "trust-logs", "logs"):
        assert policy(name) in given, name


def test_the_page_of_triggers_has_the_same_terraform() -> None:
    told, ours = blocks_of("\n".join(blocks("terraform"))), blocks_of(module())
    both = told.keys() & ours.keys()
    assert len(both) >= 13
    for key in both:
        ours_of, told_of = ours[key].literals, told[key].literals
        assert {name: told_of[name] for name in told_of.keys() & ours_of.keys()} == {
            name: ours_of[name] for name in told_of.keys() & ours_of.keys()
        }, key


def test_the_page_of_security_names_every_right_to_read() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    told = text[text.index("on AWS, `") :].partition("A right that is missing")[0]
    named = {each.rpartition(":")[2] for each in re.findall(r"`([A-Za-z:]+)`", told)}
    given = actions(policy("cloudwatch")) | actions(policy("cloudwatch-logs"))
    assert named == {each.rpartition(":")[2] for each in given}


def test_every_template_is_given_what_it_wants() -> None:
    calls = re.findall(
        r'templatefile\("\$\{path\.module\}/([^"]+)", \{(.*?)\}\)', module(), re.DOTALL
    )
    used = set()
    for path, given in calls:
        names = set(re.findall(r"^ +(\w+) += ", given, re.MULTILINE))
        both = [path.replace("${var.identity}", each) for each in ("irsa", "pod-identity")]
        wanted = set().union(*(places(each) for each in both))
        assert names == wanted, path
        used |= set(both)
    assert used == {f"policies/{name}.json.tftpl" for name in policies()} | {
        "overlay.yaml.tftpl",
        "overlay-roles.yaml.tftpl",
    }


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)
