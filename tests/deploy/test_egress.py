"""With the components for it the way out is by name, or by a proxy (T19)."""

from fnmatch import fnmatch
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from services.ingest.settings import Settings as IngestSettings
from services.notifier.settings import Settings as NotifierSettings
from services.toolrunner.servers.settings import ServersSettings
from tests.deploy.manifests import (
    COMPOSED,
    SERVICES,
    kind_of,
    named,
    needs_kubectl,
    workloads,
)
from tests.deploy.test_least_privilege import INTERNET, PRIVATE, ways

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
BY_NAME, BY_PROXY = COMPOSED
PROXY = "to egress/egress-proxy: 3128"


def test_no_service_reaches_port_443_of_every_address() -> None:
    for name in COMPOSED:
        for service in SERVICES:
            labels = workloads(name)[service]["metadata"]["labels"]
            open_ones = [way for way in ways(name, labels, "egress") if INTERNET in way]
            assert open_ones in ([], [f"to {INTERNET}: 6379, 6380, 26379"]), service


def test_through_a_proxy_only_the_toolrunner_reaches_something_else() -> None:
    for service in SERVICES:
        labels = workloads(BY_PROXY)[service]["metadata"]["labels"]
        found = ways(BY_PROXY, labels, "egress")
        assert PROXY in found
        api = {f"to {PRIVATE}: 443, 6443, 8443, 16443"}
        assert {way for way in found if PRIVATE in way} == (
            api if service == "toolrunner" else set()
        )


def names_for(service: str) -> list[str]:
    """The hosts that Cilium lets a service reach."""
    found: list[str] = []
    for policy in kind_of(BY_NAME, "CiliumNetworkPolicy"):
        labels = policy["spec"]["endpointSelector"].get("matchLabels", {})
        if list(labels.values()) == [service]:
            for rule in policy["spec"]["egress"]:
                found += [value for each in rule.get("toFQDNs", []) for value in each.values()]
    return found


def may_reach(service: str, url: str) -> bool:
    """As Cilium matches: `*` stands for any part of one label."""
    host = str(urlsplit(url).hostname)
    return any(
        pattern.count(".") == host.count(".")
        and all(map(fnmatch, host.split("."), pattern.split(".")))
        for pattern in names_for(service)
    )


def endpoint(service: str) -> str:
    """Where boto3 asks."""
    client: Any = boto3.client
    return str(client(service, "eu-west-2").meta.endpoint_url)


def test_by_name_each_service_reaches_the_hosts_that_its_code_asks_and_no_other_s() -> None:
    slack = NotifierSettings.model_fields["slack_api_url"].default
    github = ServersSettings.model_fields["github_api_url"].default
    model = named("overlays/online-boutique", "ConfigMap", "reasoner-settings")["data"]
    asked = {
        "ingest": [
            IngestSettings.model_fields["slack_api_url"].default,
            "wss://wss-primary.slack.com/link",
            *map(endpoint, ("sqs", "cloudwatch", "sts", "sns")),
            "http://crt.r2m01.amazontrust.com/r2m01.cer",
        ],
        "reasoner": [model["ANTHROPIC_BASE_URL"]],
        "toolrunner": [github, *map(endpoint, ("cloudwatch", "logs", "sts"))],
        "notifier": [slack, "https://files.slack.com/upload/v1/x"],
    }
    for service, urls in asked.items():
        assert all(may_reach(service, url) for url in urls), service
        for url in ("https://example.com", "https://evil.slack.com.example.com", endpoint("s3")):
            assert not may_reach(service, url), service
    assert not may_reach("reasoner", slack)
    assert not may_reach("notifier", "https://api.anthropic.com")


def test_by_name_the_resolver_is_asked_through_cilium_alone() -> None:
    """Beside a rule for the same port without names, one with names has no effect."""
    assert not [e for e in kind_of(BY_NAME, "NetworkPolicy") if e["metadata"]["name"] == "dns"]
    (rule,) = named(BY_NAME, "CiliumNetworkPolicy", "dns")["spec"]["egress"]
    (port,) = rule["toPorts"]
    assert port["rules"] == {"dns": [{"matchPattern": "*"}]}
    api = named(BY_NAME, "CiliumNetworkPolicy", "cluster-api")["spec"]
    assert api["endpointSelector"]["matchLabels"] == {"app.kubernetes.io/name": "toolrunner"}
    assert [each["toEntities"] for each in api["egress"]] == [["kube-apiserver"]]
