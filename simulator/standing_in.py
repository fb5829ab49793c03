"""A Slack or a model in a cluster, for who has no account: `python -m simulator.standing_in slack`.

For trials (deploy/k8s/overlays/trial). Both know their one token from the variables of the services
that call them. The model is a script, and says so: it looks at what runs, and recognises a handful
of faults, after the time that a model takes. `read` prints what stands in the Slack beside it.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.request import urlopen

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route

from simulator.request_log import RequestLog
from simulator.serving import Served

PORT = 8080
KINDS = ("slack", "model")
SECONDS_PER_REPLY = 10.0
"""About what a model takes: with an answer at once no queue would ever be seen, and none scaled."""
_NOWHERE = Path("/dev/null")


def main(words: list[str]) -> int:
    """Serves until it is told to stop, or prints once; 2 for anything else that was asked."""
    port = int(os.environ.get("NIGHTSHIFT_HTTP_PORT") or PORT)
    if words == ["read"]:
        print(read(f"http://127.0.0.1:{port}"))
        return 0
    if len(words) != 1 or words[0] not in KINDS:
        print(f"say one of {', '.join(KINDS)} or read", file=sys.stderr)
        return 2
    try:
        app = standing_in(words[0], os.environ)
    except KeyError as error:
        print(f"{error.args[0]} is not set", file=sys.stderr)
        return 1
    return asyncio.run(_serve(app, port))


def standing_in(
    kind: str, variables: Mapping[str, str], *, seconds_per_reply: float = SECONDS_PER_REPLY
) -> Starlette:
    """The app of that kind, with `/healthz`; raises KeyError with the variable that is missing."""
    inner = _slack(variables) if kind == "slack" else _model(variables, seconds_per_reply)
    return Starlette(routes=[Route("/healthz", _healthy), *inner])


def read(address: str) -> str:
    """Every message in the Slack at that address, its thread below it, as a person sees them."""
    from simulator.slack import render_message

    with urlopen(f"{address}/_simulator/messages", timeout=10) as answer:
        messages = json.loads(answer.read())["messages"]
    shown = [f"── {message['channel']}\n{render_message(message)}" for message in messages]
    return "\n\n".join(shown) or "no message yet"


async def _serve(app: Starlette, port: int) -> int:
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    # Every address: the services are in other pods.
    listener = Served(app, port=port, host="")
    await listener.start()
    await stopped.wait()
    await listener.stop()
    return 0


def _slack(variables: Mapping[str, str]) -> list[BaseRoute]:
    from simulator.slack import SlackStandIn, build_slack

    world = SlackStandIn({variables["NIGHTSHIFT_SLACK_CHANNEL"]: "incidents"})
    app = build_slack(RequestLog(_NOWHERE), variables["SLACK_BOT_TOKEN"], stand_in=world)
    return [Mount("/", app)]


def _model(variables: Mapping[str, str], seconds: float) -> list[BaseRoute]:
    from simulator.model import build_model
    from simulator.model.first_look import first_look

    look = first_look(variables["NIGHTSHIFT_NAMESPACES"].partition(",")[0].strip())
    key = variables["ANTHROPIC_API_KEY"]
    log = RequestLog(_NOWHERE)
    return [Mount("/", build_model(look, log, api_key=key, seconds_per_reply=seconds))]


async def _healthy(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
