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

BOMB = zlib.compress(bytes(3_000_000), 9)


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


def _anything(random: Random, _: int) -> bytes:
    return random.choice((b"", b"\0\0\0\x01" * 8, b"transparency\0seven", BOMB, random.randbytes(30)))


# Chunks beside those of the pixels, and what one holds for a colour type: most kinds are not looked into.
ANCILLARY: dict[bytes, Callable[[Random, int], bytes]] = {
    b"tRNS": _transparency,
    b"eXIf": lambda random, _: exif(random),
    **dict.fromkeys((b"gAMA", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"prVt"), _anything),
}
# Those that stop a decoder: of an animation, and a critical one that there is not.
STOPPING = (b"acTL", b"fcTL", b"fdAT", b"CrIt")


def ancillary(random: Random, colour: int) -> bytes:
    """One ancillary chunk: usually sound, sometimes with any bytes or none, rarely of a kind that stops a decoder."""
    if random.random() < 0.01:
        return chunk(random.choice(STOPPING), random.randbytes(random.choice((0, 8, 26))))
    kind = random.choice(tuple(ANCILLARY))
    if random.random() < 0.9:
        return chunk(kind, ANCILLARY[kind](random, colour))
    return chunk(kind, random.randbytes(random.choice((0, 1, 3, 8, 33))))
