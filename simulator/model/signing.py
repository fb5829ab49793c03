"""Signatures of thinking blocks: bound to the text, to the model and to what was said before.

A block that another model wrote is left aside without an error, as the API documents it; it still
stands before the later ones, whose signatures count it.
"""

import hashlib
import hmac

from simulator.model.refusal import Refused
from simulator.model.shapes import Prompt, RedactedThinkingBlock, ThinkingBlock
from simulator.model.speeches import canonical, speeches


class Signer:
    """Signs what the model thought and knows its own signatures again.

    The key is derived from `secret`, so that a signature outlives a restart of the stand-in.
    """

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"thinking of the scripted model\0" + secret.encode()).digest()

    def sign(self, thinking: str, prompt: Prompt) -> str:
        """The signature of thinking that follows `prompt`."""
        before = _before(prompt, len(speeches(prompt.messages)))
        return self._signature(thinking, prompt.model, before=before)

    def check(self, prompt: Prompt) -> None:
        """Every thinking block stands as it was written. Raises Refused naming a wrong one."""
        for position, speech in enumerate(speeches(prompt.messages)):
            for place, block in speech.blocks:
                if isinstance(block, RedactedThinkingBlock):
                    self._check_redacted(block, place, prompt=prompt, position=position)
                if isinstance(block, ThinkingBlock):
                    self._check_one(block, place, prompt=prompt, position=position)

    def redact(self, prompt: Prompt) -> str:
        """The `data` of thinking that nobody may read, written after `prompt`."""
        return f"redacted.{self.sign('redacted', prompt)}"

    def _check_redacted(
        self, block: RedactedThinkingBlock, place: str, *, prompt: Prompt, position: int
    ) -> None:
        redacted, _, given = block.encrypted.partition(".")
        wrong = self._wrong("redacted", given, prompt=prompt, position=position)
        if redacted != "redacted" or wrong:
            raise Refused(f"{place}: Invalid `data` in `redacted_thinking` block")

    def _check_one(
        self, block: ThinkingBlock, place: str, *, prompt: Prompt, position: int
    ) -> None:
        wrong = self._wrong(block.thinking, block.signature, prompt=prompt, position=position)
        if wrong:
            raise Refused(f"{place}: {wrong}")

    def _wrong(self, thinking: str, given: str, *, prompt: Prompt, position: int) -> str:
        """What is wrong with a signature; nothing when it is another model's true one."""
        parts = given.split(".")
        if parts[:2] != ["scripted", self._digest(f"text\0{thinking}")]:
            return "Invalid `signature` in `thinking` block"
        expected = self._signature(thinking, prompt.model, before=_before(prompt, position))
        if parts[2:3] != expected.split(".")[2:3]:
            return ""
        if hmac.compare_digest(given, expected):
            return ""
        return "The block is bound to a different conversation"

    def _signature(self, thinking: str, model: str, *, before: str) -> str:
        written = self._digest(f"text\0{thinking}")
        by = self._digest(f"model\0{written}\0{model}")
        after = self._digest(f"conversation\0{by}\0{before}")
        return f"scripted.{written}.{by}.{after}"

    def _digest(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:32]


def _before(prompt: Prompt, position: int) -> str:
    """What stood before the speech at `position`; cache markers are no part of it."""
    told = [canonical(tool) for tool in prompt.tools]
    told += [canonical(block) for block in prompt.system]
    for speech in speeches(prompt.messages)[:position]:
        told += [f"{speech.role} {canonical(block)}" for _, block in speech.blocks]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
