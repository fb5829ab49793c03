"""`rediss+sentinel://`: one authority for Redis and its Sentinel, a password for each."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from redis.exceptions import RedisError

from bus.address import address_of
from bus.broker import Bus, Consumer
from bus.sentinels import NoMaster, Sentinels
from bus.testing import eventually
from cli.reaching import async_client, client
from simulator.aws.certificates import Authority, Wanted
from simulator.redis_server import free_port
from tests.bus.test_sentinels import settings

pytestmark = pytest.mark.timeout(60)
PASSWORD, SENTINELS_OWN = "of-redis-alone", "of-sentinels-alone"
WRONG = (
    (SENTINELS_OWN, "wrong"),
    ("username=nightshift&", "username=other&"),
    ("ca.crt", "other.crt"),
    ("/mymaster/", "/another/"),
)
SENTINEL = """\
bind 127.0.0.1
port 0
tls-port {port}
tls-cert-file {folder}/tls.crt
tls-key-file {folder}/tls.key
tls-ca-cert-file {folder}/ca.crt
tls-auth-clients no
tls-replication yes
dir {folder}
user default off
user nightshift on >{own} -@all +@connection -@admin -@dangerous +sentinel|master
sentinel monitor mymaster 127.0.0.1 {master} 1
sentinel auth-pass mymaster {password}
"""
"""The user is the one that docs/redis.md tells to make."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """What REDIS_URL would be, over one master and one Sentinel."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not on PATH")
    authority = Authority("an authority of the tests")
    key = ec.generate_private_key(ec.SECP256R1())
    issued = authority.issue(Wanted(["localhost", "127.0.0.1"]), key=key)
    (tmp_path / "other.crt").write_bytes(Authority("another").issued.pem)
    (tmp_path / "ca.crt").write_bytes(authority.issued.pem)
    (tmp_path / "tls.crt").write_bytes(issued.pem)
    (tmp_path / "tls.key").write_bytes(issued.key_pem)
    master, port = free_port(), free_port()
    text = SENTINEL.format(
        port=port, folder=tmp_path, own=SENTINELS_OWN, master=master, password=PASSWORD
    )
    (tmp_path / "sentinel.conf").write_text(text)
    tls = ["--port", "0", "--tls-port", str(master), "--tls-auth-clients", "no", "--save", ""]
    for option, file in (("cert", "tls.crt"), ("key", "tls.key"), ("ca-cert", "ca.crt")):
        tls += [f"--tls-{option}-file", str(tmp_path / file)]
    commands = [
        [binary, *tls, "--requirepass", PASSWORD, "--dir", str(tmp_path)],
        [binary, str(tmp_path / "sentinel.conf"), "--sentinel"],
    ]
    with (tmp_path / "log").open("ab") as log:
        started = [subprocess.Popen(each, stdout=log, stderr=log) for each in commands]
    options = f"ssl_ca_certs={tmp_path}/ca.crt&sentinel_username=nightshift"
    yield f"rediss+sentinel://:{PASSWORD}@127.0.0.1:{port}/mymaster/0?{options}&sentinel_password={SENTINELS_OWN}"
    for process in started:
        process.kill()
        process.wait()


async def test_every_connection_is_made_over_tls_with_its_own_password(address: str) -> None:
    await eventually(lambda: names_a_master(address), seconds=20)
    bus = Bus.of(settings(address), "reasoner")

    await bus.store.begin()
    broker = await Consumer(bus, ()).broker.connect()
    many = async_client(address, seconds=5)
    with client(address) as command:
        assert command.ping()
    for redis in (broker, many):
        assert await redis.ping()

    await many.aclose()
    await broker.aclose()
    await bus.close()


async def test_a_wrong_password_name_or_authority_reaches_no_master(address: str) -> None:
    await eventually(lambda: names_a_master(address), seconds=20)

    for text, other in WRONG:
        with pytest.raises(NoMaster, match="no Sentinel names a master called") as refused:
            Sentinels(address_of(address.replace(text, other))).ask()
        assert PASSWORD not in str(refused.value)
        assert SENTINELS_OWN not in str(refused.value)


async def names_a_master(address: str) -> bool:
    try:
        with client(address) as command:
            return bool(command.ping())
    except RedisError:
        return False
