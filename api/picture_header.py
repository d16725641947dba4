"""What the first bytes of a picture say: its type and its size. Nothing is decoded, so nothing can explode."""

from struct import unpack_from

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"

_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})
"""JPEG markers among the frame headers (SOF, C0 to CF) that are none: tables and extensions."""
_START_OF_SCAN = 0xDA
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
"""JPEG markers without a length."""
_MAX_MARKERS = 10_000
"""Read in a few ms. A picture of 10 MB with the largest profiles in full segments has some hundred."""


def type_of(data: bytes) -> str | None:
    """The media type by magic number; None if it is none of the three."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WEBP
    return None


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None when the header is damaged or cut off."""
    readers = {PNG: _png, JPEG: _jpeg, WEBP: _webp}
    found = type_of(data)
    try:
        return readers[found](data) if found else None
    except (LookupError, ValueError):
        return None


def _png(data: bytes) -> tuple[int, int] | None:
    """https://www.w3.org/TR/png-3/#11IHDR: always the first chunk."""
    return unpack_from(">II", data[:24], 16) if data[12:16] == b"IHDR" and len(data) >= _PNG_HEAD else None


_PNG_HEAD = 24


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """ITU-T T.81, B.2: segments up to the frame header, each with its length."""
    at = 2
    for _ in range(_MAX_MARKERS):
        if data[at] != 0xFF:  # noqa: PLR2004  # begins every marker
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004  # may be repeated to fill
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker == _START_OF_SCAN:
            return None
        elif marker & 0xF0 == 0xC0 and marker not in _NO_FRAME:  # noqa: PLR2004  # SOF0 to SOF15
            height, width = int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
            return (width, height) if data[at + 8 : at + 9] else None
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    """RFC 9649: lossy, lossless, or extended, whose canvas is named first."""
    if len(data) < _WEBP_HEAD:
        return None
    chunk = data[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L" and data[20] == 0x2F:  # noqa: PLR2004  # its signature
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


_WEBP_HEAD = 30
