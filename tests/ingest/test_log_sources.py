"""What services of AWS write into logs: whose error it is, and which one."""

import json

import pytest

from services.ingest.naming import service_of
from tests.ingest.test_log_batch import raised

LAMBDA = {"logGroup": "/aws/lambda/orders", "logStream": "2026/11/30/[$LATEST]ab12"}
NODE = (
    "2026-11-30T11:00:00.000Z\t6f747a63-1\tERROR\tInvoke Error \t"
    '{{"errorType":"{}","errorMessage":"{}","stack":["x"]}}'
)


def names(*lines: str) -> list[str]:
    return [found.alarm.name for found in raised(*lines, **LAMBDA)]


def test_errors_of_a_function_in_node_are_told_apart_and_say_what_they_are() -> None:
    """All of them were one kind, `Invoke Error {<*>]}`."""
    both = [NODE.format("TypeError", "x is undefined"), NODE.format("MongoNetworkError", "refused")]

    assert names(*both) == [
        "Invoke Error TypeError: x is undefined",
        "Invoke Error MongoNetworkError: refused",
    ]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"message": {"errorType": "TypeError", "errorMessage": "x is undefined"}}, "TypeError: x"),
        ({"message": "'sku'", "errorType": "KeyError", "errorMessage": "'sku'"}, "KeyError: <*>"),
    ],
)
def test_a_function_that_logs_json_names_its_error(fields: dict[str, object], name: str) -> None:
    (found,) = names(json.dumps({"level": "ERROR", "requestId": "6f74-1"} | fields))

    assert found.startswith(name)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-30T11:00:00.000Z 6f747a63-1 Task timed out after 3.00 seconds",
        "REPORT RequestId: 1-2\tDuration: 3000.00 ms\tMemory Size: 128 MB\tStatus: timeout",
        "INIT_REPORT Init Duration: 9999.00 ms\tPhase: init\tStatus: timeout",
        '{"type":"platform.report","record":{"requestId":"1","status":"timeout"}}',
    ],
)
def test_a_function_that_ran_out_of_time_is_one_kind_however_lambda_says_it(line: str) -> None:
    assert names(line) == ["Task timed out"]


def test_the_report_of_a_call_belongs_to_its_error() -> None:
    report = (
        "REPORT RequestId: 1-2\tDuration: 3000.00 ms\tStatus: error\tError Type: Runtime.ExitError"
    )
    error = "RequestId: 1-2 Error: Runtime exited with error: exit status 1"

    assert len(names(error, "END RequestId: 1-2", report)) == 1
    assert names(report) == ["Runtime.ExitError"]
    assert names("START RequestId: 1-2", "REPORT RequestId: 1-2\tDuration: 3.1 ms") == []


@pytest.mark.parametrize(
    ("group", "stream", "service"),
    [
        ("/aws/rds/instance/orders-db/postgresql", "orders-db.0", "orders-db"),
        ("/aws/rds/instance/users-db/error", "users-db", "users-db"),
        ("/aws/rds/cluster/users/postgresql", "users-1.0", "users"),
        ("/aws/docdb/catalogue/profiler", "catalogue-1", "catalogue"),
        ("/aws/eks/prod/cluster", f"kube-apiserver-{'0a' * 16}", "kube-apiserver"),
        ("/aws/eks/prod/cluster", f"authenticator-{'0a' * 16}", "authenticator"),
        (
            "/aws/containerinsights/prod/dataplane",
            "ip-10-0-0-1-dataplane.systemd.kubelet.service",
            "kubelet",
        ),
    ],
)
def test_the_service_of_a_log_of_aws_is_the_database_or_the_part_of_the_cluster(
    group: str, stream: str, service: str
) -> None:
    (found,) = raised("ERROR x", logGroup=group, logStream=stream)

    assert service_of(found.alarm) == service
