"""`POST /triggers/sns`: what SNS posts has its effect once; what anybody else posts has none.

Nothing is asked of Redis, and no address is followed, before the topic is one of ours; no alarm is
read before the signature stands. A message that was signed for us and cannot be read becomes a dead
letter and a notice, as in the queue: SNS would not send it again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bus.errors import Rejected
from bus.events import NoticeRequested
from services.ingest import sns_message
from services.ingest.fingerprint import body_hash
from services.ingest.handlers import Triggers
from services.ingest.ports import Seen, Sns
from services.ingest.posting import Answer, Headers, Limits, Posted, one, plain_refusal, taken
from services.ingest.set_aside import tell_lost
from services.ingest.sns_addresses import Place, place_of
from services.ingest.sns_message import Forged, SnsMessage

log = logging.getLogger(__name__)
MOST_BYTES = 512 * 1024
"""SNS takes messages of 256 KiB; as JSON within JSON they grow."""
LATE = "Timestamp is not within 15 minutes of now"
OTHER_TOPIC = "the topic is not one of NIGHTSHIFT_SNS_TOPICS"
LIMITS = Limits(MOST_BYTES, ("text/plain", "application/json"), 32 * MOST_BYTES)


@dataclass(frozen=True)
class SnsDoor:
    """Notifications of the topics that are listed, and of no other."""

    triggers: Triggers
    sns: Sns
    message_ids: Seen
    """Kept for a day: longer than a message that is still recent enough can come again."""
    topics: Sequence[str]
    endpoint: str = ""
    """Where SNS speaks instead of at AWS; empty: at AWS."""
    demanded_version: str = ""
    """The only signature version that is taken; empty: both."""
    path: str = "/triggers/sns"
    limits: Limits = LIMITS

    def turned_away(self, headers: Headers) -> str:
        """Nobody is: SNS shows who it is in the body. But its head names the topic too."""
        named = headers.get("x-amz-sns-topic-arn", ())
        if any(topic not in self.topics for topic in named):
            raise Forged(OTHER_TOPIC)
        return ""

    async def lost(self, reason: str) -> None:
        """Nothing: whoever sent it was not known yet."""

    def refusal(self, status: int, reason: str, *, headers: Headers) -> Answer:
        """A refusal with its reason."""
        return plain_refusal(status, reason)

    async def take(self, posted: Posted) -> Answer:
        """The message has had its effect, once. Raises Forged, Rejected and Unavailable."""
        if one(posted.headers, "x-amz-sns-rawdelivery").lower() == "true":
            raise Forged("raw delivery is not signed: switch it off for this subscription")
        message = await self.triggers.readings.read(lambda _: sns_message.read(posted.body))
        place = await self._judged(message, posted)
        if await self.message_ids.is_kept(message.message_id):
            # The first delivery may be on its way to the disk still.
            return Answer(200, {"outcome": "repeated"}, durable=False)
        answer = await self._effect(message, place)
        # Only now: a message whose effect a crash took away has to get through again.
        await self.message_ids.keep(message.message_id)
        return answer

    async def _judged(self, message: SnsMessage, posted: Posted) -> Place:
        """Where SNS speaks for this message, which is signed. Raises Forged and Unavailable."""
        if one(posted.headers, "x-amz-sns-message-type") != message.kind:
            raise Forged("x-amz-sns-message-type does not name the Type of the message")
        if message.topic_arn not in self.topics:
            raise Forged(OTHER_TOPIC)
        if self.demanded_version and message.version != self.demanded_version:
            raise Forged(f"signature version {self.demanded_version} is demanded")
        place = place_of(message.topic_arn, endpoint=self.endpoint)
        place.certificate(message.certificate_url)
        now = await self.triggers.fingerprints.now()
        await self.sns.check(message, place, now=now, peer=posted.peer)
        if not sns_message.is_recent(message, now):
            await self._tell_late(message)
            raise Forged(LATE)
        return place

    async def _tell_late(self, message: SnsMessage) -> None:
        """A person knows of what SNS signed and nobody took: SNS would not send it again."""
        if not await self.message_ids.is_kept(message.message_id):
            said = f"{LATE}: what SNS tried for that long, or a clock that is wrong"
            what = f"A message of {message.topic_arn} was refused and not read"
            await tell_lost(self.triggers.fingerprints, reason=said, what=what)

    async def _effect(self, message: SnsMessage, place: Place) -> Answer:
        topic = message.topic_arn
        if message.kind == "Notification":
            return taken(await self.triggers.on_body(message.body))
        if message.kind == "UnsubscribeConfirmation":
            said = f"Nightshift's address was unsubscribed from {topic}: its alarms do not come in"
            return Answer(200, {"outcome": "noted"}, durable=await self._tell(message, said))
        url = place.confirmation(message.fields)
        try:
            subscription = await self.sns.confirm(url)
        except Rejected as error:
            said = f"Nightshift's subscription to {topic} was not confirmed: {error}"
            durable = await self._tell(message, said)
            return Answer(200, {"outcome": "refused", "refused": [said]}, durable=durable)
        said = f"Nightshift confirmed its subscription to {topic}: {subscription}"
        return Answer(200, {"outcome": "confirmed"}, durable=await self._tell(message, said))

    async def _tell(self, message: SnsMessage, said: str) -> bool:
        log.warning("%s", said)
        notice = NoticeRequested(text=said[:2000], key=f"sns:{message.message_id}")
        content = body_hash(message.body)
        return (await self.triggers.fingerprints.write_once(content, [notice])).durable
