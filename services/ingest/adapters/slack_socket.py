"""Slack over Socket Mode: an outgoing connection on which Slack's requests come in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import time

from aiohttp import ClientError
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from services.ingest.adapters.slack_app import SlackApp
from services.ingest.adapters.slack_logging import quiet_logger

log = logging.getLogger(__name__)
REFUSED = {
    "account_inactive",
    "invalid_auth",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "token_expired",
    "token_revoked",
}
LOOK_SECONDS = 1.0
LOST_SECONDS = 30.0
CLOSE_SECONDS = 1.0
"""Slack is not waited for longer: the service has three seconds to stop."""
LONGEST_BACK_OFF_SECONDS = 30.0


class SlackSocket:
    """One connection, made anew whenever it is lost; its ends are the SDK's business.

    Slack being away is logged and no matter of readiness: the other doors are open. A token that
    Slack refuses is one, because waiting does not help.
    """

    def __init__(self, app: SlackApp, token: str, *, api_url: str) -> None:
        self._app = app
        self._token = token
        self._api_url = api_url
        self.refused = ""
        self.connected = asyncio.Event()

    async def keep(self) -> None:
        """Requests come in, until cancelled; then the connection is closed."""
        while True:
            client = self._client()
            connect: Callable[[], Awaitable[None]] = client.connect
            close: Callable[[], Awaitable[None]] = client.close
            try:
                client.wss_uri = await self._address(client)
                async with asyncio.timeout(LOST_SECONDS):
                    await connect()
                self.connected.set()
                log.info("Slack sends what people ask through a socket")
                await self._until_lost(client)
            except TimeoutError:
                pass
            finally:
                self.connected.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await close()
            # The SDK tries the same address for ever; a used one never opens again.
            log.warning("Slack's socket is lost; it is opened anew")

    async def check(self) -> str:
        """For readiness: that Slack refuses the token, or nothing."""
        return self.refused

    def _client(self) -> SocketModeClient:
        client = SocketModeClient(
            app_token=self._token,
            logger=quiet_logger(),
            web_client=AsyncWebClient(base_url=self._api_url, logger=quiet_logger()),
        )
        client.socket_mode_request_listeners.append(self._on_envelope)
        return client

    async def _address(self, client: SocketModeClient) -> str:
        """The address of a socket, as soon as Slack gives one."""
        wait = 1.0
        while True:
            try:
                answer = await client.web_client.apps_connections_open(app_token=self._token)
                self.refused = ""
                return str(answer["url"])
            except SlackApiError as error:
                self._note(str(error.response.get("error", "")))
            except (SlackClientError, ClientError, OSError, TimeoutError) as error:
                self._note(type(error).__name__)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_BACK_OFF_SECONDS)

    def _note(self, word: str) -> None:
        refused = f"Slack refuses SLACK_APP_TOKEN: {word}" if word in REFUSED else ""
        if refused != self.refused or not refused:
            log.warning("Slack opens no socket: %s", word)
        self.refused = refused

    async def _until_lost(self, client: SocketModeClient) -> None:
        """Returns when the SDK has not got the connection back for a while."""
        lost = 0.0
        while lost < LOST_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            lost = 0.0 if await client.is_connected() else lost + LOOK_SECONDS

    async def _on_envelope(
        self, client: AsyncBaseSocketModeClient, request: SocketModeRequest
    ) -> None:
        began = time()
        headers = {name: str(value) for name, value in (build_headers(request) or {}).items()}
        response = await self._app.dispatch(request.payload, headers)
        if response.status == 400:
            response.status = 200  # it would come again, and cannot be read then either
        await send_async_response(client, request, response, began)
