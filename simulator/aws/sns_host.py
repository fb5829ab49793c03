"""SNS's own host in a rehearsal: its certificate, and where subscriptions are confirmed.

`python -m simulator.aws.sns_host FOLDER [ADDRESS]` makes a test key in that folder where there is
none and serves its certificate until it is stopped.
"""

import argparse
import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from simulator.aws.sns_signing import CERTIFICATE_PATH, NoKey, SnsKey
from simulator.serving import Served

DEFAULT_ADDRESS = "https://127.0.0.1:8443"
_CONFIRMED = (
    '<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">'
    "<ConfirmSubscriptionResult><SubscriptionArn>{arn}:rehearsal</SubscriptionArn>"
    "</ConfirmSubscriptionResult></ConfirmSubscriptionResponse>"
)


def build_sns_host(folder: Path) -> Starlette:
    """An app with the certificate of the key in `folder`; every confirmation is accepted."""

    async def certificate(_request: Request) -> Response:
        text = await asyncio.to_thread((folder / "signing.pem").read_text, encoding="utf-8")
        return PlainTextResponse(text)

    async def act(request: Request) -> Response:
        if request.query_params.get("Action") != "ConfirmSubscription":
            return PlainTextResponse("only ConfirmSubscription is known here", status_code=400)
        arn = request.query_params.get("TopicArn", "")
        return Response(_CONFIRMED.format(arn=arn), media_type="text/xml")

    return Starlette(routes=[Route(CERTIFICATE_PATH, certificate), Route("/", act)])


def listener(folder: Path, port: int = 0) -> Served:
    """That app over TLS with the certificate in `folder`, which must be there when it starts."""
    return Served(
        build_sns_host(folder),
        certificate=folder / "server.pem",
        key=folder / "server.key",
        port=port,
    )


async def _serve(folder: Path, address: str) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    try:
        address = SnsKey.read(folder).address
    except NoKey:
        SnsKey.make(folder, address)
    served = listener(folder, urlsplit(address).port or 443)
    await served.start()
    print(f"start ingest with AWS_ENDPOINT_URL_SNS={address}")
    print(f"and AWS_CA_BUNDLE={folder / 'ca.pem'}; Ctrl-C ends it", flush=True)
    await stopped.wait()
    await served.stop()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m simulator.aws.sns_host", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("address", nargs="?", default=DEFAULT_ADDRESS, metavar="ADDRESS")
    given = parser.parse_args()
    asyncio.run(_serve(given.folder.resolve(), given.address))


if __name__ == "__main__":
    main()
