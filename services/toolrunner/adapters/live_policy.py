"""The policy in force: read again when its folder changes, without a restart.

A set of files that is wrong is not taken. The policy before it stays in force, the log says what is
wrong, and readiness fails until it is mended; at the start there is none before it, so that a wrong
set ends the process.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from bus.errors import NotConfigured
from services.toolrunner.adapters.cedar import CedarPolicy
from services.toolrunner.adapters.policy_files import PolicyFiles, read_policy, why_stopped
from services.toolrunner.policy import Decision, Facts, Mode, Scope
from services.toolrunner.ports import Tool

log = logging.getLogger(__name__)
LOOKED_AT_EVERY_SECONDS = 1.0


@dataclass(frozen=True)
class _InForce:
    cedar: CedarPolicy
    files: PolicyFiles


@dataclass
class LivePolicy:
    """A `Gate` over a folder, for the tools that were reviewed; other tools are denied."""

    folder: str
    scope: Scope
    tools: Sequence[Tool] = field(kw_only=True)
    foreign: bool = field(default=False, kw_only=True)
    """The servers come from an `mcpServers` file."""
    _now: _InForce = field(init=False)
    _refused: str = ""
    """Hash of a set of files that was not taken."""
    _wrong: str = ""

    def __post_init__(self) -> None:
        """Raises NotConfigured for files that are wrong, or do not fit the tools."""
        try:
            self._now = self._checked(self._read())
        except NotConfigured as error:
            raise NotConfigured(f"NIGHTSHIFT_POLICY_DIR {self.folder}: {error}") from None

    @property
    def sha256(self) -> str:
        """The hash of the policy in force."""
        return self._now.files.sha256

    @property
    def mode(self) -> Mode:
        """The mode of the policy in force."""
        return self._now.files.mode

    @property
    def cedar(self) -> CedarPolicy:
        """The policy in force."""
        return self._now.cedar

    def may_offer(self, tool: str) -> bool:
        """Whether a rule could permit the tool, for some arguments."""
        return self.cedar.may_offer(tool)

    def decide(self, tool: str, arguments: Mapping[str, JsonValue], *, facts: Facts) -> Decision:
        """The decision about one call."""
        if why := self.stopped():
            return Decision("deny", why, ("STOP",), self.mode)
        return self.cedar.decide(tool, arguments, facts=facts, mode=self.mode)

    def stopped(self) -> str:
        """Why nothing may be called at this moment: the folder is asked each time."""
        return why_stopped(self.folder)

    async def keep(self) -> None:
        """Take what the folder holds whenever that changes, until cancelled."""
        while True:
            await asyncio.sleep(LOOKED_AT_EVERY_SECONDS)
            await self.look()

    async def look(self) -> None:
        """What the folder holds is in force, or why not stands in the log and in `problem`."""
        try:
            files = await asyncio.to_thread(self._read)
            if files.sha256 == self.sha256:
                self._refused, self._wrong = "", ""
            elif files.sha256 != self._refused:
                await self._take(files)
        except NotConfigured as error:
            self._complain(str(error))
        except Exception as error:
            # Whatever a file holds, the policy in force stays, and so does this loop.
            self._complain(f"it cannot be taken ({type(error).__name__})")

    async def problem(self) -> str:
        """For readiness: why the policy in force is not the one in the folder."""
        return self._wrong

    def _read(self) -> PolicyFiles:
        return read_policy(self.folder, foreign=self.foreign)

    async def _take(self, files: PolicyFiles) -> None:
        self._refused = files.sha256
        self._now = await asyncio.to_thread(self._checked, files)
        self._refused, self._wrong = "", ""
        log.info("policy %s is in force, mode %s", files.sha256[:12], files.mode)

    def _checked(self, files: PolicyFiles) -> _InForce:
        cedar = CedarPolicy(files.text, self.tools, reading=files.reading, scope=self.scope)
        for rule in cedar.asleep:
            log.info("%s is about no tool that was reviewed", rule.words)
        for sentence in cedar.unknown:
            log.warning("policy %s: %s", self.folder, sentence)
        return _InForce(cedar, files)

    def _complain(self, problem: str) -> None:
        if problem != self._wrong:
            log.error("policy %s: not taken, the former one stays: %s", self.folder, problem)
        self._wrong = problem
