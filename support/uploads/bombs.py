"""Small uploads that would be large inside: pictures, and forms."""

import struct
import zlib

import numpy as np
from PIL import ExifTags, Image

from konkyo.service.imaging import png
from support.pictures import encode
from support.uploads.chunks import CHANNELS, SIGNATURE, chunk, header
from support.uploads.pngs import PASSES

LIMIT = 256 * 1024
BOUNDARY = "x"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def blank(width: int, height: int, depth: int, colour: int, *before: bytes) -> bytes:
    """A PNG of zeros that decodes, however large it says it is."""
    row = 1 + -(-width * CHANNELS[colour] * depth // 8)
    packer = zlib.compressobj(9)
    stream = b"".join(packer.compress(bytes(row)) for _ in range(height)) + packer.flush()
    return (
        SIGNATURE + header(width, height, depth, colour, 0) + b"".join(before) + chunk(b"IDAT", stream) + chunk(b"IEND")
    )


def claims(width: int, height: int) -> bytes:
    """A PNG whose header claims a size and whose pixels are not there."""
    return SIGNATURE + header(width, height, 8, 6, 0) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND")


# Refused for their size, before a pixel is decoded.
TOO_LARGE = {
    f"{width}×{height}": claims(width, height)
    for width, height in (
        (50_000, 50_000),
        (10_000, 10_000),
        (4097, 1),
        (1, 65_535),
        (2500, 1601),
        (2**31 - 1, 2**31 - 1),
    )
}


def shaded(mode: str, kind: str = "PNG", **options: object) -> bytes:
    """A large stroke on paper in a shadow, with which the fitting has most to do."""
    light = np.tile(np.linspace(250, 190, 2000), (2000, 1))
    light[100:1900, 100:1900:4] = 20
    if mode == "I;16":
        return encode((light * 257).astype(np.uint16))
    drawn = Image.fromarray(light.astype(np.uint8))
    if mode == "RGBA":
        ink = Image.new("L", drawn.size)
        drawn = Image.merge("RGBA", (ink, ink, ink, Image.eval(drawn, lambda value: 255 - value)))
    return encode(drawn.convert(mode), kind, **options)


def interlaced(width: int, height: int, depth: int, colour: int) -> bytes:
    """The same in seven passes."""
    lines = 0
    for left, top, across, down in PASSES:
        columns, rows = len(range(left, width, across)), len(range(top, height, down))
        lines += rows * (1 + (columns * CHANNELS[colour] * depth + 7) // 8)
    parts = header(width, height, depth, colour, 1), chunk(b"IDAT", zlib.compress(bytes(lines), 9)), chunk(b"IEND")
    return SIGNATURE + b"".join(parts)


def twice(image: bytes) -> bytes:
    """A PNG with its stream again after the stream's end, where no decoder looks."""
    stream = chunk(b"IDAT", png.read(image).stream)
    return image[: image.index(b"IDAT") - 4] + stream * 2 + chunk(b"IEND")


_TURNED = Image.Exif()
_TURNED[ExifTags.Base.Orientation] = 6

# As large as is read, in the kinds that take most.
LARGEST = {
    "1-bit grey": blank(2000, 2000, 1, 0),
    "8-bit grey": blank(2000, 2000, 8, 0),
    "8-bit RGBA": blank(2000, 2000, 8, 6),
    "16-bit RGBA": blank(2000, 2000, 16, 6),
    "16-bit grey": blank(4000, 1000, 16, 0),
    "palette": blank(2000, 2000, 8, 3, chunk(b"PLTE", bytes(768)), chunk(b"tRNS", bytes(256))),
    "shaded, RGBA": shaded("RGBA"),
    "shaded, 16-bit grey": shaded("I;16"),
    "shaded, progressive and turned JPEG": shaded("RGB", "JPEG", quality=1, progressive=True, exif=_TURNED),
    # What `python -m tools.soak.fuzz` added to these.
    "16-bit RGBA, interlaced": interlaced(2000, 2000, 16, 6),
    "8-bit grey, turned": blank(2000, 2000, 8, 0, chunk(b"eXIf", _TURNED.tobytes()[6:])),
    "16-bit RGB with a transparent colour": blank(2000, 2000, 16, 2, chunk(b"tRNS", bytes(6))),
    "shaded, progressive CMYK JPEG": shaded("CMYK", "JPEG", quality=1, progressive=True),
    "shaded, RGBA, and its pixels again": twice(shaded("RGBA")),
    "shaded, 16-bit grey, and its pixels again": twice(shaded("I;16")),
}


def text_bombs() -> dict[str, bytes]:
    """28×28 images whose metadata unpacks to tens or hundreds of MiB."""
    packed = zlib.compress(bytes(200_000_000), 9)[: LIMIT - 1000]
    kinds = {b"zTXt": b"k\0\0", b"iCCP": b"p\0\0", b"iTXt": b"k\0\1\0\0\0"}
    bombs = {kind.decode(): blank(28, 28, 8, 0, chunk(kind, head + packed)) for kind, head in kinds.items()}
    # One character beyond the basic plane makes a Python string four bytes a character.
    wide = zlib.compress("\U0001f600".encode() + b"a" * (2**20 - 4), 9)
    texts = [chunk(b"iTXt", b"%d\0\1\0\0\0" % number + wide) for number in range(63)]
    return {**bombs, "63 × 1 MiB of iTXt": blank(28, 28, 8, 0, *texts)}


def metadata(entries: int) -> bytes:
    """An EXIF block of so many entries, each of which says that it is as long as all of them; upright."""
    rows = b"".join(struct.pack("<HHII", tag, 7, 12 * entries, 8) for tag in range(0x1000, 0x1000 + entries))
    return b"II*\0" + struct.pack("<IH", 8, entries) + rows + bytes(4)


_FILE = 'Content-Disposition: form-data; name="file"; filename="7.png"'


def form(*parts: tuple[str, bytes], end: str = f"--{BOUNDARY}--\r\n") -> bytes:
    """A form of parts, each with its header lines and its content."""
    start = f"--{BOUNDARY}\r\n"
    return b"".join(f"{start}{head}\r\n\r\n".encode("latin-1") + body + b"\r\n" for head, body in parts) + end.encode()


def forms(picture: bytes) -> dict[str, tuple[str, bytes]]:
    """Name → content type and body; every one of them is refused with a 400."""
    field, most = 'Content-Disposition: form-data; name="a"', LIMIT - 2000
    return {
        "two files": (FORM, form((_FILE, picture), (_FILE, picture))),
        "another file first": (FORM, form((_FILE.replace("file", "other", 1), picture), (_FILE, picture))),
        "a huge field": (FORM, form((field, b"x" * most))),
        "thousands of fields": (FORM, form(*[(field, b"")] * 3000)),
        "no boundary": ("multipart/form-data", form((_FILE, picture))),
        "an empty boundary": ('multipart/form-data; boundary=""', form((_FILE, picture))),
        "a boundary of 15,000": (f"multipart/form-data; boundary={'y' * 15_000}", form((_FILE, picture))),
        "a boundary beyond ASCII": ("multipart/form-data; boundary=\xff\xfe", form((_FILE, picture))),
        "a boundary of backslashes": ('multipart/form-data; boundary="' + "\\" * 15_000, form((_FILE, picture))),
        "a storm of headers": (FORM, form((_FILE + "".join(f"\r\nX-{n}: y" for n in range(20_000)), picture))),
        "a header without end": (FORM, form((f"{_FILE}\r\nX: {'y' * most}", picture))),
        "a header name without end": (FORM, form((f"{_FILE}\r\n{'Y' * most}: y", picture))),
        "a name of backslashes": (FORM, form((f'{_FILE[:-1]}{chr(92) * most}"', picture))),
        "a disposition of parameters": (FORM, form((_FILE + '; a="b"' * 30_000, picture))),
        "no name": (FORM, form(('Content-Disposition: form-data; filename="7.png"', picture))),
        "no disposition": (FORM, form(("Content-Type: image/png", picture))),
        "no header": (FORM, form(("", picture))),
        "no end": (FORM, form((_FILE, picture), end="")),
        "only an end": (FORM, form()),
        "nothing": (FORM, b""),
        "a letter before the start": (FORM, b"y" + form((_FILE, picture))),
        "nothing but dashes": (FORM, b"-" * most),
        "nothing but carriage returns": (FORM, b"\r" * most),
        "nothing but starts": (FORM, b"--x\r\n" * (most // 5)),
        "NUL in the name": (FORM, form((_FILE.replace('"file"', '"file\0"'), picture))),
        "a form in the form": (FORM, form((f"{field}\r\nContent-Type: {FORM}", form((_FILE, picture))))),
        "bare line feeds": (FORM, form((_FILE, picture)).replace(b"\r\n", b"\n")),
    }


def long_forms(picture: bytes) -> dict[str, tuple[str, bytes]]:
    """Forms that are read, with as much as fits of what a careless parser is slow on."""
    most = LIMIT - 2000
    return {
        "line ends before": (FORM, b"\r\n" * (most // 2) + form((_FILE, picture))),
        "line ends after": (FORM, form((_FILE, picture)) + b"\r\n" * (most // 2)),
        "text after": (FORM, form((_FILE, picture)) + b"y" * most),
        "almost boundaries": (FORM, form((_FILE, picture + b"\r\n--" * (most // 4)))),
        "carriage returns in the file": (FORM, form((_FILE, picture + b"\r" * most))),
        "thousands of parameters": ("multipart/form-data" + "; a=b" * 3_000 + "; boundary=x", form((_FILE, picture))),
    }
