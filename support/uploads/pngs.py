"""PNG files that are built like PNG files, and say anything: the signature, lengths and checksums are always right."""

import zlib
from random import Random

from hypothesis import strategies as st

from support.uploads.chunks import BOMB, CHANNELS, DEPTHS, SIGNATURE, ancillary, chunk, header

SIDE = 28
# Adam7: (first column, first row, columns apart, rows apart) of each pass.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
SIZES = (
    *[(SIDE, SIDE)] * 15,
    *((1, 1), (2, 31), (31, 2), (60, 90), (29, 28), (1, 400), (400, 3), (4096, 1), (4097, 1), (1, 65_535)),
    *((0, 28), (28, 0), (2**31 - 1, 2**31 - 1), (2**32 - 1, 1), (50_000, 50_000)),
)
_DRAWN = 200_000  # pixels: of larger pictures only the header is true


def png(random: Random) -> bytes:
    """One file: a header, ancillary chunks, palette, pixels and an end, sound or with one thing or another amiss."""
    colour = random.choice(tuple(DEPTHS))
    depth = random.choice(DEPTHS[colour])
    width, height = random.choice(SIZES)
    interlaced = random.choice((0, 0, 0, 1))
    raw = _scanlines(random, width, height, CHANNELS[colour] * depth, interlaced)
    if random.random() < 0.05:  # a header that lies
        depth, colour = random.choice((1, 2, 4, 8, 16, 3, 0, 255)), random.choice((0, 2, 3, 4, 6, 1, 7, 255))
    methods = random.choice((*[(0, 0)] * 30, (1, 0), (0, 1), (255, 255)))
    parts = [header(width, height, depth, colour, random.choice((*[interlaced] * 30, 2, 255)), methods)]
    parts += [ancillary(random, colour) for _ in range(random.choice((0, 0, 1, 2, 6)))]
    if colour == 3 or random.random() < 0.1:
        parts.append(chunk(b"PLTE", random.randbytes(3) * random.choice((1, 2, 16, 256, 256, 257, 0)) or b"\0" * 7))
    parts += [ancillary(random, colour) for _ in range(random.choice((0, 0, 1, 2)))]
    parts += [chunk(b"IDAT", piece) for piece in _pieces(random, _stream(random, raw))]
    parts += [ancillary(random, colour) for _ in range(random.choice((0, 0, 0, 1, 3)))]
    parts.append(chunk(b"IEND"))
    return SIGNATURE + b"".join(_order(random, parts)) + random.choice((b"", b"", b"", b"\0", b"tail" * 9))


def _scanlines(random: Random, width: int, height: int, bits: int, interlaced: int) -> bytes:
    """Filter bytes and rows: a short pattern over and over, which is enough to reach every filter."""
    if not 0 < width * height <= _DRAWN:
        return random.randbytes(40)
    pattern = random.choice((b"\0", b"\xff", b"\0\0\0\xff\x80", random.randbytes(13)))
    rows = []
    for left, top, across, down in PASSES if interlaced else ((0, 0, 1, 1),):
        columns = -(-(width - left) // across)
        if columns > 0:
            length = -(-columns * bits // 8)
            rows += [(pattern * (length // len(pattern) + 1))[:length]] * -(-(height - top) // down)
    filters = random.choice((b"\0", b"\1\2\3\4", random.randbytes(5)))
    return b"".join(filters[number % len(filters)].to_bytes() + row for number, row in enumerate(rows))


def _stream(random: Random, raw: bytes) -> bytes:
    """A zlib stream of the scanlines: right four times out of five."""
    right = zlib.compress(raw, random.choice((0, 1, 6, 9)))
    if random.random() < 0.8:
        return right
    return random.choice(
        (
            right[: len(right) // 2],
            right[:-4],  # no Adler-32
            right[:-4] + b"\0\0\0\0",
            right[2:],  # no zlib header
            zlib.compress(raw[: len(raw) // 2]),
            zlib.compress(raw + bytes(2000)),
            BOMB,
            right + b"more",
            random.randbytes(30),
            b"",
        )
    )


def _pieces(random: Random, stream: bytes) -> list[bytes]:
    """The stream as one IDAT, several, or some of no length."""
    count = random.choice((1, 1, 1, 2, 7))
    size = len(stream) // count + 1
    pieces = [stream[start : start + size] for start in range(0, max(len(stream), 1), size)]
    if random.random() < 0.1:
        pieces.insert(random.randrange(len(pieces) + 1), b"")
    return pieces


def _order(random: Random, parts: list[bytes]) -> list[bytes]:
    """Now and then chunks change places, come twice, or are left out."""
    if random.random() < 0.85:
        return parts
    parts = list(parts)
    change = random.randrange(3)
    if change == 0:
        random.shuffle(parts)
    elif change == 1:
        parts.insert(random.randrange(len(parts) + 1), random.choice(parts))
    else:
        parts.pop(random.randrange(len(parts)))
    return parts


def pngs() -> st.SearchStrategy[bytes]:
    """Structurally valid PNG files."""
    return st.randoms(use_true_random=False).map(png)
