"""Parses a JPEG before it is decoded. Only its tables, frame and scans are passed on, and the scans are counted.

The format is ITU-T T.81, annex B. libjpeg accepts any number of scans and processes the whole image for each of them,
even for a scan of a few bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import simplejpeg

from konkyo.service.errors import UnsuitableImageError
from konkyo.service.imaging.damage import refuse

SIGNATURE = b"\xff\xd8\xff"
# A progressive image has 6 to 12 scans, with four colour components 18.
MAX_SCANS = 100
# Maximum of scans × pixels. It allows 20 scans for the largest accepted image.
MAX_WORK = 80_000_000
# An image has about twelve segments, and some more for metadata of 256 KiB.
MAX_SEGMENTS = 1000

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_METADATA = frozenset((*range(0xE0, 0xF0), *range(0xF0, 0xFF)))  # APPn, reserved ones, comments
# Segments that define the colour space, with the number of bytes that a decoder uses.
_COLOURS = {_APP0: 14, _APP14: 12}
# The metadata that are passed on, of each kind the first: the colour space; the orientation; whether it is one of
# several images.
_PASSED = {_APP0: b"JFIF\0", _APP14: b"Adobe", _APP1: b"Exif\0\0", _APP2: b"MPF\0"}
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Arithmetic coding omits zeros at the end, so a truncated file cannot be recognised.
_ARITHMETIC = frozenset(range(0xC9, 0xD0)) - {0xCC}
_PROGRESSIVE = 0xC2
# The start of a segment: a marker that is not a fill byte and has content (not TEM or RST).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
# The end of a scan: a marker that is neither an escaped FF byte nor RST.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_COEFFICIENTS = 64
# Warnings with which libjpeg continues and makes up pixels. Extraneous bytes are harmless; cameras write them.
_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG file", "Inconsistent progression")
_HARMLESS = "extraneous bytes"


@dataclass(frozen=True)
class Jpeg:
    """The parts of a JPEG that determine its pixels.

    Attributes
    ----------
    data
        The file with only its tables, frame, scans, colour space, and first EXIF block and index of images.
    frame
        The marker of the frame.
    size
        Width and height.
    components
        The identifiers of the components, one byte each.
    scans
        The header of each scan: its components, and the range of coefficients and bits.
    """

    data: bytes
    frame: int
    size: tuple[int, int]
    components: bytes
    scans: tuple[bytes, ...]

    def check(self) -> None:
        """Count the scans, and decode them once to get libjpeg's warnings, which Pillow drops.

        Raises
        ------
        UnsuitableImageError
            There are too many scans for this size, or they are coded arithmetically.
        UnreadableImageError
            A scan or a part of the pixels is missing.
        """
        if self.frame in _ARITHMETIC:
            raise UnsuitableImageError(
                "the image is coded arithmetically, which few programs read; save it as a baseline JPEG"
            )
        width, height = self.size
        most = max(1, min(MAX_SCANS, MAX_WORK // max(1, width * height)))
        if len(self.scans) > most:
            raise UnsuitableImageError(
                f"the image has more scans than the {most} that are read of its size; "
                "save it as a baseline JPEG, which has one"
            )
        if not self._complete():
            refuse("not all of its scans are there")
        try:
            # Decoded in an eighth of the size and, except for four components, in grey, since that is fast.
            colours = "CMYK" if len(self.components) == 4 else "GRAY"
            simplejpeg.decode_jpeg(self.data, colours, fastdct=True, min_height=1, min_width=1, strict=True)
        except ValueError as error:
            warning = str(error)
            if warning.startswith(_DAMAGE) and _HARMLESS not in warning:
                refuse("a part of its pixels is missing", error)

    def _complete(self) -> bool:
        """Whether the scans contain every component, and in a progressive image every coefficient to its last bit."""
        if self.frame != _PROGRESSIVE:
            return set(self.components) <= {name for scan in self.scans for name in _components(scan)}
        left = {name: set(range(_COEFFICIENTS)) for name in self.components}
        for scan in self.scans:
            first, last, bits = scan[-3:]
            if bits & 15 == 0:
                for name in _components(scan):
                    left.get(name, set()).difference_update(range(first, last + 1))
        return not any(left.values())


def read(data: bytes) -> Jpeg:
    """Parse a JPEG up to its end marker.

    Raises
    ------
    UnreadableImageError
        A segment is truncated, missing, duplicated or misplaced.
    UnsuitableImageError
        There are too many segments.
    """
    kept, passed, scans = [data[:2]], set[int](), list[bytes]()
    frame: tuple[int, bytes] | None = None
    segments = 0
    for marker, content, pixels in _segments(data):
        segments += 1
        if segments > MAX_SEGMENTS:
            raise UnsuitableImageError(
                f"the image has more than {MAX_SEGMENTS:,} segments; save it anew, without its metadata"
            )
        content = content[: _COLOURS.get(marker, len(content))]
        if marker in _FRAMES:
            if frame is not None:
                refuse("its segments are not in their order")
            frame = marker, content
        elif marker == _SOS:
            if frame is None or not content or len(content) != 4 + 2 * content[0]:
                refuse("its header cannot be read")
            scans.append(content)
        elif marker in _METADATA:
            known = marker in _PASSED and content.startswith(_PASSED[marker])
            if not known or (marker in passed and marker not in _COLOURS):
                continue
            passed.add(marker)
        kept.append(_segment(marker, content) + pixels)
        # ``check`` refuses the file, so the rest need not be parsed.
        if len(scans) > MAX_SCANS:
            break
    if frame is None or not scans:
        refuse("its header cannot be read")
    marker, content = frame
    if len(content) < 6 or len(content) != 6 + 3 * content[5]:
        refuse("its header cannot be read")
    return Jpeg(
        data=b"".join(kept),
        frame=marker,
        size=(int.from_bytes(content[3:5]), int.from_bytes(content[1:3])),
        components=content[6::3],
        scans=tuple(scans),
    )


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The marker and content of each segment up to the end marker, and the entropy-coded bytes after a scan header."""
    place = 2
    # Bytes between two segments are skipped, as libjpeg does.
    while (found := _MARKER.search(data, place)) is not None:
        marker, start = data[found.end() - 1], found.end()
        if marker == _EOI:
            yield marker, b"", b""
            return
        end = start + max(2, int.from_bytes(data[start : start + 2]))
        if end > len(data) or marker == _SOI:
            refuse("a part of it is missing")
        place = end
        if marker == _SOS:
            following = _END_OF_SCAN.search(data, end)
            place = len(data) if following is None else following.start()
        yield marker, data[start + 2 : end], data[end:place]


def _segment(marker: int, content: bytes) -> bytes:
    head = bytes((0xFF, marker))
    return head if marker == _EOI else head + (len(content) + 2).to_bytes(2) + content


def _components(scan: bytes) -> bytes:
    """The identifiers of a scan's components."""
    return scan[1:-3:2]
