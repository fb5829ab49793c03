"""Whether the model API can be reached, for readiness: by the last calls, else by a connection."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies

from bus.cleaning import clean

REMEMBERED_SECONDS = 60.0


@dataclass
class Reach:
    """What the last call found is believed for a minute; after that a connection is tried."""

    address: str
    _problem: str = ""
    _believed_until: float = 0.0

    @property
    def shown(self) -> str:
        """The address without the name and the password that may stand in it."""
        scheme, between, rest = self.address.rpartition("://")
        host, slash, path = rest.partition("/")
        return clean(f"{scheme}{between}{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}")

    def worked(self) -> None:
        """A call was answered."""
        self.failed("")

    def failed(self, problem: str) -> None:
        """A call was not answered; the problem is a sentence."""
        self._problem = problem
        self._believed_until = time.monotonic() + REMEMBERED_SECONDS

    async def check(self) -> str:
        """Why the API cannot be used, else empty. Through a proxy nothing is tried."""
        if time.monotonic() < self._believed_until or getproxies():
            return self._problem
        try:
            parts = urlsplit(self.address)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            _, writer = await asyncio.open_connection(parts.hostname or "", port)
        except (OSError, ValueError) as error:
            return f"the model API at {self.shown} cannot be reached: {error}"
        writer.close()
        return ""
