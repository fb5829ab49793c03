"""SDKs go out by HTTPS_PROXY, as components/egress-proxy wants it; to the cluster's API not."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from aiohttp import ClientError
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from github import Github
from kubernetes import client as kubernetes_client
from kubernetes.client.rest import RESTClientObject
from requests import RequestException
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from services.reasoner.adapters.connections import http_client
from tests.deploy.manifests import K8S

README = K8S / "components/egress-proxy/README.md"
GIVEN = "of a test"


class Proxy(ThreadingTCPServer):
    """Hears where it should connect to, and connects to nothing."""

    daemon_threads = True
    asked: list[str]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Refuses(BaseRequestHandler):
    """Notes the host and refuses."""

    def handle(self) -> None:
        line = self.request.recv(4096).decode("latin-1").splitlines()[0]
        assert isinstance(self.server, Proxy)
        self.server.asked.append(line)
        self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", 0), Refuses) as found:
        found.asked = []
        Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        for name in ("HTTP_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTPS_PROXY", found.url)
        yield found
        found.shutdown()


async def test_the_model_is_asked_through_it(proxy: Proxy) -> None:
    async with http_client() as client:
        with pytest.raises(Exception, match="403"):
            await client.get("https://api.anthropic.com/v1/models")
    assert proxy.asked == ["CONNECT api.anthropic.com:443 HTTP/1.1"]


async def test_slack_is_asked_through_it_and_so_is_its_socket(proxy: Proxy) -> None:
    web = AsyncWebClient(token=GIVEN, retry_handlers=[])
    with suppress(ClientError):
        await web.auth_test()
    assert proxy.asked == ["CONNECT slack.com:443 HTTP/1.1"]
    socket = SocketModeClient(app_token=GIVEN, web_client=web)
    assert socket.proxy == proxy.url
    close: Callable[[], Awaitable[None]] = socket.close
    await close()


async def test_aws_and_github_are_asked_through_it(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "given")
    config = Config(retries={"total_max_attempts": 1})
    queue: Any = boto3.client("sqs", "eu-west-2", config=config)
    with pytest.raises(BotoCoreError):
        await asyncio.to_thread(queue.list_queues)
    queue.close()
    with Github(retry=None) as github, pytest.raises(RequestException):
        await asyncio.to_thread(github.get_rate_limit)
    assert proxy.asked == [
        "CONNECT sqs.eu-west-2.amazonaws.com:443 HTTP/1.0",
        "CONNECT api.github.com:443 HTTP/1.0",
    ]


def test_the_cluster_s_api_is_asked_past_it_by_the_no_proxy_of_the_readme(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ranges,) = re.findall(r"NO_PROXY=([0-9./,]+)", README.read_text(encoding="utf-8"))
    assert through("https://10.96.0.1:443") == proxy.url
    monkeypatch.setenv("NO_PROXY", ranges)
    for host in ("10.96.0.1", "172.20.0.1", "192.168.49.2"):
        assert through(f"https://{host}:443") is None


def through(host: str) -> str | None:
    """The proxy by which Kubernetes' client asks."""
    settings = kubernetes_client.Configuration()
    settings.host = host
    manager = RESTClientObject(settings).pool_manager
    return None if manager.proxy is None else str(manager.proxy)
