"""Credentials that a vendor's library reads: Kubernetes and AWS. Harmless calls only."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.doctor.environment import Known
from cli.doctor.finding import Finding, fail, ok, warn
from services.toolrunner.servers.settings import ServersSettings

SECONDS = 8
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


def check_kubernetes(settings: ServersSettings) -> Iterator[Finding]:
    """The version, and in each namespace whether pods are read, logs may be and secrets may not."""
    check = "kubernetes"
    if not settings.kubeconfig and not SERVICE_ACCOUNT.exists():
        advice = "set KUBECONFIG, or run in a pod with a service account"
        yield warn(check, "no credentials here", advice=advice)
        return
    try:
        from kubernetes import client, config
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError
    except ImportError:
        yield _not_installed(check, "kubernetes")
        return
    made = client.Configuration()
    try:
        _load(settings.kubeconfig, config, into=made)
        made.retries = False
        with client.ApiClient(made) as api:
            version = client.VersionApi(api).get_code(_request_timeout=SECONDS)
            yield ok(check, f"{version.git_version} at {made.host}")
            if not settings.namespace_names:
                advice = "set NIGHTSHIFT_NAMESPACES to what may be read"
                yield warn(check, "no namespace may be read", advice=advice)
            for namespace in settings.namespace_names:
                yield _rights(client, api, namespace=namespace)
    except config.ConfigException as error:
        yield fail(check, str(error), advice="check KUBECONFIG")
    except ApiException as error:
        what = f"{made.host} answered {error.status} {error.reason}"
        yield fail(check, what, advice="renew the credentials, or grant what is missing")
    except (HTTPError, OSError) as error:
        what = f"{made.host} cannot be reached: {type(error).__name__}"
        yield fail(check, what, advice="check the address and the network")


def _load(kubeconfig: str, config: Any, *, into: object) -> None:
    if kubeconfig:
        config.load_kube_config(kubeconfig, client_configuration=into, persist_config=False)
    else:
        config.load_incluster_config(client_configuration=into)


def _rights(client: Any, api: Any, *, namespace: str) -> Finding:
    """By reviews of what may be done, and by one reading of pods: a webhook may say otherwise."""
    check = f"kubernetes {namespace}"

    def may(verb: str, resource: str, *, subresource: str = "") -> bool:
        asked = {"namespace": namespace, "verb": verb, "resource": resource}
        asked |= {"subresource": subresource} if subresource else {}
        review = {"spec": {"resourceAttributes": asked}}
        found = client.AuthorizationV1Api(api).create_self_subject_access_review(
            review, _request_timeout=SECONDS
        )
        return bool(found.status.allowed)

    needed = (("list", "pods", ""), ("get", "pods", "log"), ("list", "events", ""))
    lacks = [
        f"{verb} {resource}{'/' if part else ''}{part}"
        for verb, resource, part in needed
        if not may(verb, resource, subresource=part)
    ]
    if lacks:
        advice = f"grant it in {namespace}: diagnoses will name it as a gap"
        return fail(check, f"may not {', '.join(lacks)}", advice=advice)
    try:
        client.CoreV1Api(api).list_namespaced_pod(namespace, limit=1, _request_timeout=SECONDS)
    except client.ApiException as error:
        what = f"pods may be read, and were not: {error.status} {error.reason}"
        return fail(check, what, advice="look for an admission or authorization webhook")
    if may("get", "secrets"):
        advice = "take that right away: nothing here needs it"
        return warn(check, "may read secrets", advice=advice)
    return ok(check, "pods are read, logs and events may be, secrets may not")


def check_aws(known: Known, *, queue_url: str = "") -> Finding:
    """Who the credentials are, and for ingest whether they see its queue."""
    check = f"aws {known.service}"
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError:
        return _not_installed(check, "boto3")
    limits = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"max_attempts": 1})
    with known.applied():
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        try:
            session = boto3.Session(region_name=region)
            who = session.client("sts", config=limits).get_caller_identity()["Arn"]
            if not queue_url:
                return ok(check, str(who))
            queue = session.client("sqs", config=limits)
            found = queue.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])
            waiting = found.get("Attributes", {}).get("ApproximateNumberOfMessages", "?")
            return ok(check, f"{who}; {waiting} messages wait in the queue")
        except NoCredentialsError:
            advice = "give it a role, or set AWS_ACCESS_KEY_ID and the rest"
            finding = fail if known.is_wanted or queue_url else warn
            return finding(check, "no credentials here", advice=advice)
        except (BotoCoreError, ClientError) as error:
            advice = "check credentials, region and the queue's address"
            return fail(check, str(error), advice=advice)


def _not_installed(check: str, package: str) -> Finding:
    advice = "run the doctor where that service runs"
    return warn(check, f"{package} is not installed here", advice=advice)
