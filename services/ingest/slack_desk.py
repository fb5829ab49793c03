"""What happens to a request from Slack: who may, how often, which service, what it led to."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bus import metrics
from bus.events import Alarm, InvestigationId, NoticeRequested
from services.ingest import slack_answers
from services.ingest.ports import Core, Fingerprints, Pace
from services.ingest.service_choice import Choice, choose, named_first, named_within
from services.ingest.slack_answers import Answer
from services.ingest.slack_people import Allowed
from services.ingest.slack_reading import Asked, Person, Pressed
from services.ingest.trigger import Decision, Raised

log = logging.getLogger(__name__)
ALARM_NAME = "asked in Slack"
REGION = "slack"


@dataclass
class SlackDesk:
    """Gives each request to the core, or says why not. Every method raises Unavailable."""

    core: Core
    fingerprints: Fingerprints
    pace: Pace
    allowed: Allowed
    services: Sequence[str] = ()
    is_each_new: bool = False
    """Whether the same command opens one more investigation each time, as without a window."""

    async def on_asked(self, asked: Asked) -> Answer:
        """An investigation was asked for, or the person is told why not; the answer to give.

        Somebody who mentioned us has no way back (that would need the bot token), so a refusal
        goes out as a notice; to those who may not ask at all, nothing does.
        """
        is_within = partial(self.pace.allows, asked.by, self._counted_as(asked))
        stranger = await self._refused(asked.by, is_within)
        if stranger is not None:
            return stranger
        word, seen = named_first(asked.text)
        choice = choose(word, self.services)
        if choice.refusal and (within := named_within(asked.text, self.services)):
            choice, seen = Choice(within), asked.text
        if choice.refusal:
            return await self._turned_away(asked, choice.refusal)
        decision = await self.core.take(raised(asked, choice.service, note=seen))
        return slack_answers.asked(decision, choice.service)

    async def on_pressed(self, pressed: Pressed) -> Answer:
        """The investigation was stopped or judged, or the person is told why not."""
        is_within = partial(self.pace.allows, pressed.by, is_press=True)
        stranger = await self._refused(pressed.by, is_within)
        if stranger is not None:
            return stranger
        decision = await self._decide(pressed)
        return slack_answers.pressed(pressed, decision)

    async def _decide(self, pressed: Pressed) -> Decision:
        named = InvestigationId(pressed.investigation_id)
        if pressed.press == "stop":
            return await self.core.stop(named, person=pressed.by.user)
        return await self.core.judge(
            named,
            useful=pressed.press == "useful",
            person=pressed.by.user,
            reason=pressed.reason,
        )

    def _counted_as(self, asked: Asked) -> str:
        """What is the same when it is asked again: that opens nothing, so it counts once.

        A mention that is refused is told in a notice, so each of them counts.
        """
        is_same = asked.answer_url and not self.is_each_new
        return f"asked {asked.text}" if is_same else f"request {asked.request}"

    async def _refused(self, by: Person, is_within: Callable[[], Awaitable[bool]]) -> Answer | None:
        why = self.allowed.refusal(by)
        if not why and not await is_within():
            why = slack_answers.TOO_MANY
        if not why:
            return None
        _count_refusal(by, why)
        return slack_answers.refused(why)

    async def _turned_away(self, asked: Asked, why: str) -> Answer:
        _count_refusal(asked.by, why)
        answer = slack_answers.refused(why)
        if asked.answer_url:
            return answer
        notice = NoticeRequested(
            text=f"Somebody mentioned Nightshift in Slack, and nothing was started: {why}",
            key=f"slack:{asked.request}",
        )
        written = await self.fingerprints.write_once(notice.key, [notice])
        return replace(answer, durable=written.durable)


def raised(asked: Asked, service: str, *, note: str) -> Raised:
    """The trigger; the alarm differs from that of another request, and from nothing else."""
    by = asked.by
    alarm = Alarm(
        name=ALARM_NAME,
        reason=f"somebody asked for a diagnosis of {service}",
        account=by.team,
        region=REGION,
        labels={"channel": by.channel, "person": by.user, "request": asked.request},
    )
    return Raised(
        alarm=alarm, kind="slack", source=f"slack {by.team} {by.user}", service=service, note=note
    )


def _count_refusal(by: Person, why: str) -> None:
    log.warning("refused a request from Slack by %s of %s in %s: %s", *_where(by), why)
    metrics.INCIDENTS.add(1, {"outcome": "refused"})


def _where(by: Person) -> tuple[str, str, str]:
    return by.user, by.team, by.channel or "no channel"
