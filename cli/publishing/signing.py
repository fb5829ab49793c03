"""What SNS sends, signed with the test key of a rehearsal."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bus.errors import NotConfigured
from cli.publishing.target import NOTHING_RUNS, Target

if TYPE_CHECKING:
    from simulator.aws.sns_signing import SnsKey


def signed(envelope: dict[str, str], target: Target) -> dict[str, str]:
    """The envelope with signature and certificate; raises NotConfigured where there is no key."""
    return _key(target).signed(envelope)


def confirmation_url(topic: str, token: str, *, target: Target) -> str:
    """Where this subscription is confirmed, at the host of the test key; raises NotConfigured."""
    asked = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token})
    return f"{_key(target).address}/?{asked}"


def _key(target: Target) -> "SnsKey":
    from simulator.aws.sns_signing import NoKey, SnsKey

    if target.signing is None:
        raise NotConfigured(
            f"{NOTHING_RUNS}; for another ingest name a folder with a test key: --keys FOLDER"
        )
    try:
        return SnsKey.read(target.signing)
    except NoKey as error:
        raise NotConfigured(str(error)) from None
