"""The thread of a message, on standard output: details are printed below each other.

What was printed cannot be looked up: a detail whose writer died may be printed a second time.
"""

import uuid
from dataclasses import dataclass, field

from bus.errors import Unavailable
from services.notifier.adapters.stdout import StandardOutput
from services.notifier.blocks import Card
from services.notifier.pace import Urgency
from services.notifier.plain_text import lines_of
from services.notifier.stop import Place
from services.notifier.thread_ports import Reply


@dataclass
class PrintedThread:
    """Prints details, as `thread_ports.ThreadSlack` says."""

    output: StandardOutput
    _files: dict[str, str] = field(default_factory=dict)

    @property
    def timeout_seconds(self) -> float:
        """How long one call takes at most."""
        return self.output.timeout_seconds

    async def reply(
        self, place: Place, card: Card, *, key: str, incident_id: str, urgency: Urgency
    ) -> str:
        """The detail is printed."""
        await self.output.say([f"--- {key} of {incident_id} ---", *lines_of(card), ""])
        return uuid.uuid4().hex

    async def send_file(self, name: str, text: str, *, urgency: Urgency) -> str:
        """The text is held until it is shared."""
        file_id = f"{name}-{uuid.uuid4().hex}"
        self._files[file_id] = text
        return file_id

    async def share(self, place: Place, file_id: str, *, title: str, urgency: Urgency) -> None:
        """The text is printed. Raises Unavailable where another process held it."""
        text = self._files.pop(file_id, None)
        if text is None:
            raise Unavailable("the text of the file is not held here")
        await self.output.say([f"--- {title} ---", text, ""])

    async def replies(self, place: Place) -> list[Reply]:
        """Nothing: nobody reads back what was printed."""
        return []

    async def remove(self, place: Place) -> bool:
        """What was printed stays; nothing of it can be answered."""
        return True
