"""deploy/aws as text: its blocks, and its templates filled in as `templatefile` would."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.house.sources import ROOT

AWS = ROOT / "deploy" / "aws"
ACCOUNT = "123456789012"
REGION = "eu-west-2"
ISSUER = f"oidc.eks.{REGION}.amazonaws.com/id/0123456789ABCDEF"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:nightshift-alarms"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:nightshift-alarms"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/nightshift-alarms"
BUCKET = f"arn:aws:s3:::nightshift-undelivered-{ACCOUNT}"
SAMPLE = {
    "account": ACCOUNT,
    "alarm_prefix": "",
    "bucket_arn": BUCKET,
    "cluster_name": "shop",
    "issuer": ISSUER,
    "key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/one",
    "log_group_arns": json.dumps([f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/boutique/*:*"]),
    "namespace": "nightshift",
    "oidc_provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}",
    "partition": "aws",
    "queue_arn": QUEUE,
    "region": REGION,
    "secret_arn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:token-abc123",
    "senders": json.dumps([TOPIC, RULE]),
    "service_account": "ingest",
    "services": json.dumps(["sns.amazonaws.com", "events.amazonaws.com"]),
    "stream_arn": f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/nightshift-logs",
    "topic_arn": TOPIC,
}
"""What the templates of policies are filled in with."""
_PLACE = re.compile(r"\$\{([^}]*)\}")
_BLOCK = re.compile(r'^(resource|data) "(\w+)" "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_ARGUMENT = re.compile(r"^ +(\w+) += (.+)$", re.MULTILINE)
_LITERAL = re.compile(r'(?:"[^"$]*"|[0-9.]+|true|false)')


@dataclass(frozen=True)
class Block:
    """One resource or data source of a text in Terraform's language."""

    kind: str
    name: str
    body: str

    @property
    def literals(self) -> dict[str, str]:
        """Its arguments, those of inner blocks too, that are plain values."""
        text = self.body.replace("${var.name}", "nightshift")
        return {name: value for name, value in _ARGUMENT.findall(text) if _LITERAL.fullmatch(value)}


def blocks_of(text: str) -> dict[tuple[str, str], Block]:
    """The blocks of a text, by type and name."""
    found = (Block(kind, name, body) for _, kind, name, body in _BLOCK.findall(text))
    return {(block.kind, block.name): block for block in found}


@cache
def module() -> str:
    """The module's files, one after another."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(AWS.glob("*.tf")))


def places(template: str) -> set[str]:
    """The names that a template, by its path below deploy/aws, wants to be given."""
    text = (AWS / template).read_text(encoding="utf-8")
    assert "%{" not in text, f"{template} has a directive, which only Terraform can fill in"
    found = set(_PLACE.findall(text))
    assert all(re.fullmatch(r"\w+", name) for name in found), template
    return found


def filled(template: str, **values: str) -> str:
    """The template with those values, else the sample's."""
    assert values.keys() <= places(template), template
    given = SAMPLE | values
    text = (AWS / template).read_text(encoding="utf-8")
    return _PLACE.sub(lambda place: given[place[1]], text)


def policy(name: str, **values: str) -> Any:
    """A policy of deploy/aws/policies."""
    return json.loads(filled(f"policies/{name}.json.tftpl", **values))


def policies() -> list[str]:
    """The names of all of them."""
    return sorted(path.name.split(".")[0] for path in (AWS / "policies").iterdir())
