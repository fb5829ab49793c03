"""A log that is too long to be given whole is condensed as it comes from the cluster."""

import codecs
import time
from collections.abc import Iterator

from services.toolrunner.condense_stream import Streamed
from services.toolrunner.servers.not_read import NotRead

MOST_READ = 128 * 1024 * 1024
_KEPT_SHARE = 0.35


def in_time(parts: Iterator[bytes], seconds: int) -> Iterator[bytes]:
    """The same parts. Raises NotRead where they do not end within that time."""
    until = time.monotonic() + seconds
    size = 0
    for part in parts:
        yield part
        size += len(part)
        if time.monotonic() > until:
            raise NotRead(
                f"the answer is cut: {size} bytes came in {seconds} s and it was not "
                "at its end; nothing of it is shown; ask for less"
            )


def text_of(parts: Iterator[bytes], *, whole: int, seconds: int, mark: str) -> str:
    """All of the log if it has at most `whole` bytes, else what is kept of it, with marks.

    Of one that is longer than `MOST_READ`, or still comes after that time, the rest is not read.
    Raises NotRead where not even `whole` bytes came within it.
    """
    until = time.monotonic() + seconds
    start: list[bytes] = []
    size = 0
    for part in in_time(parts, seconds):
        start.append(part)
        size += len(part)
        if size > whole:
            break
    else:
        return b"".join(start).decode("utf-8", "replace")
    letters = codecs.getincrementaldecoder("utf-8")("replace")
    kept = Streamed(int(_KEPT_SHARE * whole))
    for part in start:
        kept.add(letters.decode(part))
    start.clear()
    for part in parts:
        if size > MOST_READ:
            return kept.text(why=f"after {size:,} bytes the rest was not read", mark=mark)
        if time.monotonic() > until:
            return kept.text(why=f"what came later than {size:,} bytes was not read", mark=mark)
        size += len(part)
        kept.add(letters.decode(part))
    return kept.text(mark=mark)
