"""A batch of CloudWatch Logs out of its base64 and its gzip or zlib, whichever it has. Pure.

Public samples hold zlib where the documentation says gzip, and Data Firehose may have unpacked a
batch already: what stands there decides, and how large it may become is bounded.
"""

import base64
import binascii
import zlib

from bus.errors import Rejected

MAX_BYTES = 16 * 1024 * 1024
"""More than CloudWatch Logs ever packs into a batch."""


def unpacked(batch: bytes | str) -> str:
    """The JSON inside. Raises Rejected with a reason for what cannot be unpacked."""
    # Half a character is none of base64 and none of JSON, so it may be any other sign.
    written = batch.encode("utf-8", "replace") if isinstance(batch, str) else batch
    held = written.strip(b" \t\r\n")
    if not held.startswith((b"{", b"\x1f\x8b")) and not _is_zlib(held):
        held = _decoded(held)
    if not held.startswith(b"{"):
        held = _inflated(held)
    try:
        return held.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Rejected(f"a CloudWatch Logs batch is not text: {error}") from None


def _is_zlib(held: bytes) -> bool:
    # The header's two bytes are a multiple of 31; base64 has no letter below 0x2b and no such pair.
    return len(held) > 1 and held[0] & 0x0F == 8 and int.from_bytes(held[:2], "big") % 31 == 0


def _decoded(held: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(held.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected(f"a CloudWatch Logs batch cannot be unpacked: {error}") from None


def _inflated(held: bytes) -> bytes:
    """Everything packed, also where several parts stand one behind another."""
    whole = b""
    try:
        while held:
            unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
            whole += unpack.decompress(held, MAX_BYTES + 1 - len(whole))
            if len(whole) > MAX_BYTES:
                raise Rejected(f"a CloudWatch Logs batch is larger than {MAX_BYTES} bytes")
            if not unpack.eof:
                raise Rejected("a CloudWatch Logs batch cannot be unpacked: its end is missing")
            held = unpack.unused_data.lstrip(b"\x00")
    except zlib.error as error:
        raise Rejected(f"a CloudWatch Logs batch cannot be unpacked: {error}") from None
    return whole
