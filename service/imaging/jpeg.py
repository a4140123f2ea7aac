"""A JPEG taken apart before it is decoded: only what makes its pixels is handed on, and its scans are counted.

ITU-T T.81, annex B. libjpeg takes any number of scans, and goes over the whole image for each of them, however few
bytes it has.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import simplejpeg

from service.errors import UnreadablePictureError, UnsuitablePictureError, UnsupportedPictureError
from service.imaging.orientation import entry, orientation

SIGNATURE = b"\xff\xd8\xff"
# A progressive image has 6 to 12 scans, one of four inks 18.
MAX_SCANS = 100
# Scans × pixels: of the largest image that is read, 20 scans.
MAX_WORK = 80_000_000
# An image has a dozen, and metadata of 256 KiB some more.
MAX_SEGMENTS = 1000

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_METADATA = frozenset((*range(0xE0, 0xF0), *range(0xF0, 0xFF)))  # APPn, reserved ones, comments
# Segments that tell a decoder what the components are, and how much of them it looks at.
_COLOURS = {_APP0: 14, _APP14: 12}
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Their encoders leave zeros out at the end, so that nobody can tell whether such a file was cut.
_ARITHMETIC = frozenset(range(0xC9, 0xD0)) - {0xCC}
_PROGRESSIVE = 0xC2
# What begins a segment: neither fill nor the byte FF, nor what has no content (TEM, RST).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
# What ends a scan: a marker that neither stands for the byte FF nor restarts the decoder.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_IMAGES = 0xB001  # how many a multi-picture file has
_COEFFICIENTS = 64
# What libjpeg says where it makes up pixels, and goes on. That bytes are left over is no harm: cameras do it.
_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG file", "Inconsistent progression")
_HARMLESS = "extraneous bytes"


@dataclass(frozen=True)
class Jpeg:
    """What makes the pixels of a JPEG.

    Attributes
    ----------
    data
        The file again, with nothing but its tables, frame and scans, and what tells its colours.
    frame
        The marker of its frame.
    size
        Width and height.
    components
        Their names, a byte each.
    scans
        The head of each: which components it has, and which of their coefficients and bits.
    orientation
        Of its EXIF block, 1…8.
    """

    data: bytes
    frame: int
    size: tuple[int, int]
    components: bytes
    scans: tuple[bytes, ...]
    orientation: int

    def check(self) -> None:
        """Count the scans, and decode them once with an ear for libjpeg's warnings, which Pillow drops.

        Raises
        ------
        UnsuitablePictureError
            They are more than an image of this size may have, or of a kind that nobody can check.
        UnreadablePictureError
            Not all that make the image are there.
        """
        if self.frame in _ARITHMETIC:
            raise UnsuitablePictureError(
                "the image is coded arithmetically, which few programs read; save it as a baseline JPEG"
            )
        width, height = self.size
        most = max(1, min(MAX_SCANS, MAX_WORK // max(1, width * height)))
        if len(self.scans) > most:
            raise UnsuitablePictureError(
                f"the image has more scans than the {most} that are read of its size; "
                "save it as a baseline JPEG, which has one"
            )
        if not self._complete():
            _refuse("not all of its scans are there")
        try:
            # An eighth of the size is enough and quick, and so is the luminance; but libjpeg makes none of four inks.
            colours = "CMYK" if len(self.components) == 4 else "GRAY"
            simplejpeg.decode_jpeg(self.data, colours, fastdct=True, min_height=1, min_width=1, strict=True)
        except ValueError as error:
            warning = str(error)
            if warning.startswith(_DAMAGE) and _HARMLESS not in warning:
                _refuse("a part of its pixels is missing", error)

    def _complete(self) -> bool:
        """Whether the scans bring every component; of a progressive image, every coefficient to its last bit."""
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
    """Take a JPEG apart, as far as its end; what follows is not looked at.

    Raises
    ------
    UnreadablePictureError
        A segment is cut short, missing, twice there or out of its place.
    UnsuitablePictureError
        There are far too many segments.
    UnsupportedPictureError
        It holds several images.
    """
    kept, exif, scans = [data[:2]], b"", list[bytes]()
    frame: tuple[int, bytes] | None = None
    segments = 0
    for marker, content, pixels in _segments(data):
        segments += 1
        if segments > MAX_SEGMENTS:
            raise UnsuitablePictureError(
                f"the image has more than {MAX_SEGMENTS:,} segments; save it anew, without its metadata"
            )
        if marker == _APP2 and content.startswith(b"MPF\0") and (entry(content[4:], _IMAGES) or 1) > 1:
            raise UnsupportedPictureError("the file is neither a plain PNG nor a plain JPEG picture")
        if marker == _APP1 and content.startswith(b"Exif\0\0"):
            exif = exif or content
        content = content[: _COLOURS.get(marker, len(content))]
        if marker in _FRAMES:
            if frame is not None:
                _refuse("its segments are not in their order")
            frame = marker, content
        elif marker == _SOS:
            if frame is None or not content or len(content) != 4 + 2 * content[0]:
                _refuse("its header cannot be read")
            scans.append(content)
        elif marker in _METADATA and not (marker in _COLOURS and content.startswith((b"JFIF\0", b"Adobe"))):
            continue
        kept.append(_segment(marker, content) + pixels)
        # More are refused, and need not be looked at.
        if len(scans) > MAX_SCANS:
            break
    if frame is None or not scans:
        _refuse("its header cannot be read")
    marker, content = frame
    if len(content) < 6 or len(content) != 6 + 3 * content[5]:
        _refuse("its header cannot be read")
    return Jpeg(
        data=b"".join(kept),
        frame=marker,
        size=(int.from_bytes(content[3:5]), int.from_bytes(content[1:3])),
        components=content[6::3],
        scans=tuple(scans),
        orientation=orientation(exif),
    )


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each segment's marker and content, and of a scan the bytes of its pixels. The last is the image's end."""
    place = 2
    # What libjpeg skips between two segments is skipped.
    while (found := _MARKER.search(data, place)) is not None:
        marker, start = data[found.end() - 1], found.end()
        if marker == _EOI:
            yield marker, b"", b""
            return
        end = start + max(2, int.from_bytes(data[start : start + 2]))
        if end > len(data) or marker == _SOI:
            _refuse("a part of it is missing")
        place = end
        if marker == _SOS:
            following = _END_OF_SCAN.search(data, end)
            place = len(data) if following is None else following.start()
        yield marker, data[start + 2 : end], data[end:place]


def _segment(marker: int, content: bytes) -> bytes:
    head = bytes((0xFF, marker))
    return head if marker == _EOI else head + (len(content) + 2).to_bytes(2) + content


def _components(scan: bytes) -> bytes:
    """The names of a scan's components."""
    return scan[1:-3:2]


def _refuse(why: str, cause: Exception | None = None) -> NoReturn:
    raise UnreadablePictureError(f"the image is damaged: {why}") from cause
