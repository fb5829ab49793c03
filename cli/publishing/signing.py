"""What SNS sends, signed with the test key of a rehearsal."""

from bus.errors import NotConfigured
from cli.publishing.target import NOTHING_RUNS, Target


def signed(envelope: dict[str, str], target: Target) -> dict[str, str]:
    """The envelope with signature and certificate; raises NotConfigured where there is no key."""
    from simulator.aws.sns_signing import NoKey, SnsKey

    if target.signing is None:
        raise NotConfigured(
            f"{NOTHING_RUNS}; for another ingest name a folder with a test key: --keys FOLDER"
        )
    try:
        return SnsKey.read(target.signing).signed(envelope)
    except NoKey as error:
        raise NotConfigured(str(error)) from None
