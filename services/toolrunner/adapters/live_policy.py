"""The policy in force: read again when its folder changes, without a restart.

A set of files that is wrong is not taken. The policy before it stays in force, the log says what is
wrong, and readiness fails until it is mended; at the start there is none before it, so that a wrong
set ends the process.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from bus.errors import NotConfigured, Unavailable
from services.toolrunner.adapters.cedar import CedarPolicy, parsed
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
    """A `Gate` over a folder."""

    folder: str
    scope: Scope
    foreign: bool = False
    """The servers come from an `mcpServers` file."""
    _files: PolicyFiles = field(init=False)
    """What is in force, or will be with the first tools."""
    _tools: tuple[Tool, ...] = ()
    _now: _InForce | None = None
    _refused: str = ""
    """Hash of a set of files that was not taken."""
    _wrong_files: str = ""
    _wrong_tools: str = ""

    def __post_init__(self) -> None:
        """Raises NotConfigured for files that are wrong whatever the tools."""
        self._files = self._read()
        try:
            parsed(self._files.text)
        except NotConfigured as error:
            raise self._not_configured(error) from None

    @property
    def sha256(self) -> str:
        """The hash of the policy in force."""
        return self._files.sha256

    @property
    def mode(self) -> Mode:
        """The mode of the policy in force."""
        return self._files.mode

    @property
    def cedar(self) -> CedarPolicy:
        """The policy in force. Raises Unavailable before the first `learn`."""
        if self._now is None:
            raise Unavailable("the policy is not in force yet", retry_in_seconds=0.5)
        return self._now.cedar

    def learn(self, tools: Iterable[Tool]) -> None:
        """These definitions count from now on, if the policy fits them.

        Raises NotConfigured when it does not, and no earlier ones did.
        """
        known = tuple(tools)
        try:
            self._now, self._wrong_tools = self._checked(self._files, known), ""
            self._tools = known
        except NotConfigured as error:
            if self._now is None:
                raise self._not_configured(error) from None
            log.error("the policy does not fit the tools, the former ones stay: %s", error)
            self._wrong_tools = str(error)

    def may_offer(self, tool: str) -> bool:
        """Whether a rule could permit the tool, for some arguments."""
        return self._now is not None and self._now.cedar.may_offer(tool)

    def decide(self, tool: str, arguments: Mapping[str, JsonValue], *, facts: Facts) -> Decision:
        """The decision about one call. Raises Unavailable before the first `learn`."""
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
            if files.sha256 == self._files.sha256:
                self._refused, self._wrong_files = "", ""
            elif self._now is not None and files.sha256 != self._refused:
                await self._take(files)
        except NotConfigured as error:
            self._complain(str(error))
        except Exception as error:
            # Whatever a file holds, the policy in force stays, and so does this loop.
            self._complain(f"it cannot be taken ({type(error).__name__})")

    async def problem(self) -> str:
        """For readiness: why the policy in force is not the one in the folder."""
        return self._wrong_files or self._wrong_tools

    def _read(self) -> PolicyFiles:
        return read_policy(self.folder, foreign=self.foreign)

    async def _take(self, files: PolicyFiles) -> None:
        self._refused = files.sha256
        tools = self._tools
        now = await asyncio.to_thread(self._checked, files, tools)
        if tools is not self._tools:
            now = self._checked(files, self._tools)
        self._now, self._files = now, files
        self._refused, self._wrong_files, self._wrong_tools = "", "", ""
        log.info("policy %s is in force, mode %s", files.sha256[:12], files.mode)

    def _checked(self, files: PolicyFiles, tools: tuple[Tool, ...]) -> _InForce:
        cedar = CedarPolicy(files.text, tools, reading=files.reading, scope=self.scope)
        for rule in cedar.asleep:
            log.info("%s is about no tool that is known yet", rule.words)
        return _InForce(cedar, files)

    def _complain(self, problem: str) -> None:
        if problem != self._wrong_files:
            log.error("policy %s: not taken, the former one stays: %s", self.folder, problem)
        self._wrong_files = problem

    def _not_configured(self, error: NotConfigured) -> NotConfigured:
        return NotConfigured(f"NIGHTSHIFT_POLICY_DIR {self.folder}: {error}")
