"""Words that names and values are judged by."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NO_SECRET_LAST = _words(
    """
    name names ref refs reference file files path paths dir directory url uri endpoint host port
    id ids type types ttl expiry expires expiration seconds minutes length len count counts size
    limit usage age policy rotation version status state enabled required optional rule rules
    error errors reset hint field label prefix suffix format algorithm manager provider service
    server class method kind mode source store storage mount volume annotation annotations found
    missing invalid valid changed used total max min bytes index at on by for in time date day
    days hours map set list revision metadata reader request response handler helper util utils
    bucket config failed failure failures hasher hashing encoder checker validator validation
    generator strength grant flow authentication authenticator filter interceptor middleware module
    controller backend plugin
    """
)
"""A name that ends so is about a secret, and its value is none."""
NO_SECRET_FIRST = _words(
    """
    next page max min num total input output prompt completion cached no
    """
)
"""A name that begins so counts or pages."""
KEYS_OF = _words(
    """
    api access secret private account encryption encrypt signing sign master auth license
    licence client shared storage ssh app application service subscription hmac root admin
    deploy webhook functions function crypto cipher aes server session consumer ingest rest data
    datadog dd write read
    """
)
"""A key of these opens something."""
KEYS_TO_NOTHING = _words(
    """
    public pub cache partition sort primary foreign unique routing group dedup idempotency object s3
    row hash range lookup map index order cart item event host trace redis search feature flag
    """
)
"""A key of these names a thing."""
PROSE = _words(
    """
    must is was were are be should shall cannot can could may might will would not invalid
    incorrect wrong missing mismatch failed failure failing error errors authentication
    authorization for the does do did has have had too of and or to in at on by with from as if
    rejected accepted ok changed reset updated unknown denied empty set provided given a an no
    all expired required requires unexpected unable found verification verified check checking
    bad unauthorized outdated corrupted stale revoked malformed rotated please your this that used
    using created deleted
    """
)
"""Words that follow a secret's name in a sentence."""
CODE_ROOTS = _words(
    """
    os process env config cfg conf settings self this cls request req args opts options params
    kwargs user form data body payload input session ctx context app props state event secrets vars
    """
)
"""What source code reads a value from."""
