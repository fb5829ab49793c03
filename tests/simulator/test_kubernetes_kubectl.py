"""The Kubernetes stand-in through the real kubectl, where the machine has one."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from simulator.kubernetes import build_kubernetes, make_certificate, write_kubeconfig
from simulator.request_log import RequestLog
from simulator.serving import Served
from tests.simulator.small_scenario import CART_POD, small_scenario

KUBECTL = shutil.which("kubectl")
TOKEN = "-".join(("token", "for", "tests"))
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="this machine has no kubectl")


class Kubectl(NamedTuple):
    """kubectl with a kubeconfig and a cache of its own."""

    folder: Path

    async def __call__(self, *words: str) -> tuple[int, str]:
        """Exit code and output, errors included."""
        assert KUBECTL is not None
        options = ["--kubeconfig", f"{self.folder}/kubeconfig", "--cache-dir", f"{self.folder}/c"]
        process = await asyncio.create_subprocess_exec(
            KUBECTL,
            *options,
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return int(process.returncode or 0), output.decode()


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    files = make_certificate(tmp_path / "tls")
    app = build_kubernetes(
        small_scenario(), RequestLog(tmp_path / "r.jsonl"), tokens={TOKEN: "reader"}
    )
    listener = Served(app, certificate=files.certificate, key=files.key)
    url = await listener.start()
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, url, ca_file=files.ca, token=TOKEN, namespace="boutique")
    yield Kubectl(tmp_path)
    await listener.stop()


async def test_get_shows_tables(kubectl: Kubectl) -> None:
    code, output = await kubectl(
        "get", "pods,deployments,replicasets,events,services,endpointslices"
    )
    assert code == 0, output
    rows = [line.split() for line in output.splitlines()]
    assert [f"pod/{CART_POD}", "0/1", "CrashLoopBackOff", "4", "(3m", "ago)", "2d"] in rows
    assert ["deployment.apps/cartservice", "0/1", "1", "0", "90d"] in rows
    assert any(row[:2] == ["5m", "Warning"] for row in rows)


async def test_get_shows_what_has_no_columns_of_its_own(kubectl: Kubectl) -> None:
    kinds = "daemonsets,jobs,cronjobs,controllerrevisions,networkpolicies,hpa,resourcequotas"
    code, output = await kubectl("get", kinds)
    assert code == 0, output
    assert "controllerrevision.apps/redis-cart-" in output


async def test_describe_shows_the_last_end_and_the_events(kubectl: Kubectl) -> None:
    code, output = await kubectl("describe", "pod", CART_POD)
    assert code == 0, output
    assert "OOMKilled" in output
    assert "Back-off restarting failed container server" in output


async def test_logs_of_a_deployment_are_found(kubectl: Kubectl) -> None:
    code, output = await kubectl("logs", "deploy/cartservice", "--tail=51")
    assert code == 0, output
    assert "System.ApplicationException: no loafers" in output


async def test_roll_out_history_lists_the_revisions(kubectl: Kubectl) -> None:
    code, output = await kubectl("rollout", "history", "deploy/cartservice")
    assert code == 0, output
    assert ["2", "faster", "carts"] in [line.split() for line in output.splitlines()]


async def test_secrets_and_deletes_are_forbidden(kubectl: Kubectl) -> None:
    for words in (("get", "secrets"), ("delete", "pod", CART_POD)):
        code, output = await kubectl(*words)
        assert code == 1
        assert "Error from server (Forbidden)" in output
