"""The chunks of a PNG, each sound or strange, with a checksum that is always right.

Everything is drawn from a ``random.Random``: hypothesis hands one out that it can shrink, a soak run seeds its own.
"""

import struct
import zlib
from collections.abc import Callable
from random import Random

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Colour type → bit depths, and channels (PNG, third edition, section 11.2.1).
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

# Keywords that a decoder may keep beside its own entries; the last ones are names that Pillow uses for itself.
KEYWORDS = (
    b"Comment",
    b"Title",
    b"XML:com.adobe.xmp",
    b"Raw profile type exif",
    b"xmp",
    b"exif",
    b"transparency",
    b"gamma",
    b"dpi",
    b"icc_profile",
    b"loop",
    b"duration",
    b"bbox",
    b"default_image",
    b"",
)
BOMB = zlib.compress(bytes(3_000_000), 9)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Length, type, data and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(
    width: int, height: int, depth: int, colour: int, interlaced: int, methods: tuple[int, int] = (0, 0)
) -> bytes:
    """IHDR."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, *methods, interlaced))


def exif(random: Random) -> bytes:
    """A TIFF block with an orientation, among entries of any tag, type, count and value."""
    order, mark = random.choice((("<", b"II*\0"), (">", b"MM\0*")))
    entries = [(0x0112, 3, 1, struct.pack(f"{order}HH", random.choice((1, 2, 3, 4, 5, 6, 7, 8, 8, 6, 0, 9, 65535)), 0))]
    for _ in range(random.choice((0, 0, 1, 2, 5))):
        tag = random.choice((0x010E, 0x0112, 0x8769, 0x8825, 0x927C, 0xA005, 0x0201, 0x0202, random.randrange(65536)))
        count = random.choice((0, 1, 1, 2, 4, 5, 1000, 0xFFFFFFFF))
        entries.append((tag, random.choice((*range(14), 255)), count, random.randbytes(4)))
    random.shuffle(entries)
    table = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in entries)
    count = len(entries) + random.choice((0, 0, 0, 0, 1, 200))
    following = struct.pack(f"{order}I", random.choice((0, 0, 0, 8, 26)))
    return mark + struct.pack(f"{order}IH", 8, count) + table + following + random.randbytes(random.choice((0, 12)))


def _transparency(random: Random, colour: int) -> bytes:
    if colour == 3:
        return random.choice(
            (b"\xff\x00\xff", b"\x00", b"\xff" * 9, random.randbytes(random.choice((1, 16, 256, 300))))
        )
    return random.choice((b"\x00\x00", b"\x00\xff", b"\x01\x2c", b"\xff\xff")) * (3 if colour == 2 else 1)


def _text(random: Random) -> bytes:
    kind = random.randrange(4)
    if kind == 0:
        return XMP % random.randrange(10)
    if kind == 1:
        return b"\nexif\n%8d\n%s\n" % (99, exif(random).hex().encode())
    length = random.choice((0, 1, 40, 40, 40, 70_000))
    return (random.choice((b"\0\0\0\x01", b"7", b"\xff\xfe")) * length)[:length]


def _packed(random: Random) -> bytes:
    """Compressed, as zTXt, iTXt and iCCP hold it: now and then a little bomb, or no zlib stream at all."""
    if random.random() < 0.6:
        return zlib.compress(_text(random), 1)
    return random.choice((BOMB, BOMB[:-3], b"", b"no stream"))


def _international(random: Random) -> bytes:
    packed = random.choice((b"\0\0", b"\1\0", b"\1\1", b"\0"))
    body = _packed(random) if packed == b"\1\0" else _text(random)
    return random.choice(KEYWORDS) + b"\0" + packed + b"en\0\xe6\xa0\xb9\0" + body


def _frame(random: Random) -> bytes:
    numbers = (random.choice((0, 0, 1, 2)), 28, 28, random.choice((0, 0, 1, 0xFFFFFFFF)), 0)
    return struct.pack(">IIIIIHHBB", *numbers, 1, random.choice((0, 10)), random.randrange(4), random.randrange(3))


# Ancillary chunks, and what a sound one holds for a colour type.
ANCILLARY: dict[bytes, Callable[[Random, int], bytes]] = {
    b"tRNS": _transparency,
    b"gAMA": lambda random, _: struct.pack(">I", random.choice((0, 45455, 100000, 0xFFFFFFFF))),
    b"cHRM": lambda random, _: random.randbytes(32),
    b"sRGB": lambda random, _: bytes([random.randrange(256)]),
    b"iCCP": lambda random, _: b"profile\0\0" + _packed(random),
    b"pHYs": lambda random, _: struct.pack(">IIB", random.getrandbits(32), 0, random.randrange(3)),
    b"tEXt": lambda random, _: random.choice(KEYWORDS) + b"\0" + _text(random),
    b"zTXt": lambda random, _: random.choice(KEYWORDS) + b"\0\0" + _packed(random),
    b"iTXt": lambda random, _: _international(random),
    b"eXIf": lambda random, _: exif(random),
    b"bKGD": lambda random, colour: random.randbytes(CHANNELS.get(colour, 1) * 2),
    b"hIST": lambda random, _: random.randbytes(8),
    b"sBIT": lambda _, colour: bytes([8]) * CHANNELS.get(colour, 1),
    b"tIME": lambda random, _: random.randbytes(7),
    b"acTL": lambda random, _: struct.pack(">II", random.choice((0, 1, 1, 2, 0xFFFFFFFF)), 0),
    b"fcTL": lambda random, _: _frame(random),
    b"fdAT": lambda random, _: struct.pack(">I", random.randrange(3)) + zlib.compress(bytes(29 * 28)),
    b"prVt": lambda random, _: random.randbytes(5),
    b"CrIt": lambda random, _: random.randbytes(5),
}

COMMON = tuple(kind for kind in ANCILLARY if kind not in (b"acTL", b"fcTL", b"fdAT", b"CrIt"))


def ancillary(random: Random, colour: int) -> bytes:
    """One ancillary chunk: usually sound, sometimes with any bytes or none, rarely of a kind that stops a decoder."""
    kind = random.choice(COMMON) if random.random() < 0.95 else random.choice(tuple(ANCILLARY))
    if random.random() < 0.9:
        return chunk(kind, ANCILLARY[kind](random, colour))
    return chunk(kind, random.randbytes(random.choice((0, 0, 1, 3, 8, 26, 33))))
