"""Real images, damaged."""

import struct
from functools import cache
from random import Random

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from support.pictures import encode, pixels, sample
from support.uploads.chunks import SIGNATURE, chunk


@cache
def originals() -> tuple[bytes, ...]:
    """Sound files of many kinds."""
    grey = Image.fromarray(pixels(5))
    colour, layers = grey.convert("RGB"), grey.convert("LA")
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a digit"
    return (
        sample(7),
        encode(grey, optimize=True),
        encode(grey.convert("P")),
        encode(layers),
        encode(colour.convert("RGBA"), exif=exif.tobytes()),
        encode(pixels(3).astype(np.uint16) * 257),
        encode(grey, save_all=True, append_images=[colour.convert("L").rotate(90)]),
        encode(grey, "JPEG"),
        encode(grey, "JPEG", progressive=True, exif=exif.tobytes()),
        encode(colour, "JPEG", subsampling=2, quality=30, comment=b"a comment"),
        encode(colour.convert("CMYK"), "JPEG"),
        encode(colour, "JPEG", restart_marker_blocks=1, dpi=(72, 72)),
        encode(colour, "MPO", save_all=True, append_images=[colour]),
        encode(grey, "GIF"),
        encode(grey, "TIFF"),
    )


def mutant(random: Random) -> bytes:
    """One of them with a few changes; a PNG keeps right checksums half of the time."""
    data = random.choice(originals())
    for _ in range(random.choice((1, 1, 2, 5))):
        data = _damage(random, data)
    return _mended(data) if random.random() < 0.5 and data.startswith(SIGNATURE) else data


def _damage(random: Random, data: bytes) -> bytes:
    place = random.randrange(len(data) + 1)
    length = random.choice((1, 1, 2, 4, 30))
    change = random.randrange(6)
    if change == 0:
        return data[:place]
    if change == 1:
        return data[:place] + random.randbytes(length) + data[place:]
    if change == 2:
        return data[:place] + data[place + length :]
    if change == 3:
        other = random.choice(originals())
        return data[:place] + other[random.randrange(len(other)) :]
    damaged = bytearray(data)
    if change == 4:
        damaged[place : place + length] = random.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * len(
            damaged[place : place + length]
        )
    elif damaged:
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def _mended(data: bytes) -> bytes:
    """The same chunks with right checksums, as far as their lengths can be followed."""
    parts, place = [data[:8]], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        if place + 12 + length > len(data):
            break
        parts.append(chunk(data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return b"".join(parts) + data[place:]


def mutants() -> st.SearchStrategy[bytes]:
    """Damaged PNG and JPEG files."""
    return st.randoms(use_true_random=False).map(mutant)
