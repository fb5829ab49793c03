"""Bedrock and Vertex by the SDK's own clients: where requests go, and how they are signed."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bus.errors import NotConfigured
from cli.doctor.web_checks import check_model
from services.reasoner.adapters.clients import client_of, require
from services.reasoner.ports import SaidNo
from services.reasoner.settings import Settings
from simulator.serving import served
from tests.conftest import MakeBus
from tests.reasoner.asking import Replica, replicas
from tests.reasoner.cloud_desk import ACCESS_KEY, REGION, SECRET, CloudDesk

MODEL = "anthropic.claude-sonnet-5-5"
AWS = ("AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_REGION", "AWS_DEFAULT_REGION")
ADDRESSES = {
    "bedrock": ("ANTHROPIC_BEDROCK_MANTLE_BASE_URL", "/anthropic"),
    "bedrock-runtime": ("ANTHROPIC_BEDROCK_BASE_URL", ""),
    "vertex": ("ANTHROPIC_VERTEX_BASE_URL", "/v1"),
}


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CloudDesk]:
    """A cloud of one's own, which the SDK's variables name."""
    made = CloudDesk()
    async with served(made.app()) as address:
        for name in AWS:
            monkeypatch.delenv(name, raising=False)
        for name, path in ADDRESSES.values():
            monkeypatch.setenv(name, address + path)
        monkeypatch.setenv("AWS_REGION", REGION)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("CLOUD_ML_REGION", "global")
        monkeypatch.setenv("ANTHROPIC_VERTEX_PROJECT_ID", "nightshift-tests")
        monkeypatch.setenv("TOKEN_ADDRESS", f"{address}/token")
        yield made


async def asked(desk: CloudDesk, make_bus: MakeBus, provider: str) -> tuple[Replica, str]:
    async with replicas(desk.app(), make_bus, provider=provider, model=MODEL) as (one,):
        return one, (await one.ask()).text


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("bedrock", "/anthropic/v1/messages"),
        ("bedrock-runtime", f"/model/{MODEL}/invoke"),
    ],
)
async def test_bedrock_is_asked_with_a_signature_that_the_cloud_takes(
    desk: CloudDesk, make_bus: MakeBus, provider: str, path: str
) -> None:
    _, text = await asked(desk, make_bus, provider)
    assert (text, desk.refused) == ("It is the cart.", [])
    ((came_to, body),) = desk.asked
    assert came_to == path
    assert body["thinking"] == {"type": "adaptive"}
    assert body.get("model", MODEL) == MODEL


async def test_a_wrong_secret_is_said_for_good(desk: CloudDesk, make_bus: MakeBus) -> None:
    desk.secret = f"{SECRET}-of-tomorrow"
    with pytest.raises(SaidNo, match="403"):
        await asked(desk, make_bus, "bedrock")
    assert desk.refused == ["the signature is wrong"]


async def test_vertex_is_asked_with_a_token_of_the_service_account(
    desk: CloudDesk, make_bus: MakeBus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("google.auth", reason="comes with nightshift[vertex]")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = {
        "type": "service_account",
        "project_id": "nightshift-tests",
        "client_email": "nightshift@tests.example",
        "token_uri": os.environ["TOKEN_ADDRESS"],
        "private_key": key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
    }
    file = tmp_path / "account.json"
    file.write_text(json.dumps(account), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    _, text = await asked(desk, make_bus, "vertex")
    assert (text, desk.refused) == ("It is the cart.", [])
    ((came_to, _),) = desk.asked
    assert came_to.endswith(
        f"/projects/nightshift-tests/locations/global/publishers/anthropic/models/{MODEL}:rawPredict"
    )


def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it() -> None:
    for module in ("no_such_package", "no_such_package.auth"):
        with pytest.raises(NotConfigured, match=r"install nightshift\[vertex\]"):
            require(module, "vertex", provider="vertex")


def test_a_region_that_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*AWS, "ANTHROPIC_BEDROCK_MANTLE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NotConfigured, match="NIGHTSHIFT_PROVIDER=bedrock: No AWS region"):
        client_of(Settings(provider="bedrock"))


def test_the_doctor_says_that_it_asks_no_model_of_another_provider() -> None:
    found = check_model(Settings(provider="vertex"), is_wanted=True)
    assert (found.check, found.status) == ("model", "warn")
    assert found.what == "claude-sonnet-5-5 at vertex is not asked from here"
