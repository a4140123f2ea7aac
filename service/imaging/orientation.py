"""The one number that is read from an image's metadata: which way up it is.

Pillow's own reader of metadata is not asked. It reads every entry, and the client chooses how many there are.
"""

import struct

ORIENTATION = 0x0112
UPRIGHT = 1

_PREFIX = b"Exif\0\0"
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
# The types that a whole number comes in, with how struct reads each.
_WHOLE = {1: "B", 3: "H", 4: "I"}


def orientation(exif: bytes) -> int:
    """The orientation that an EXIF block tells, 1…8; 1 where it tells none."""
    for _ in range(2):  # Some cameras write it twice.
        exif = exif.removeprefix(_PREFIX)
    value = entry(exif, ORIENTATION)
    return value if value is not None and 1 <= value <= 8 else UPRIGHT


def entry(block: bytes, tag: int) -> int | None:
    """A whole number in the first directory of a TIFF block; None where there is none, or the block is damaged.

    Of several entries with the same tag the first counts.
    """
    order = _ORDERS.get(block[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
    except struct.error:
        return None
    entries = block[start + 2 : start + 2 + 12 * count]
    wanted = struct.pack(f"{order}H", tag)
    for place in range(0, len(entries) - 11, 12):
        if entries.startswith(wanted, place):
            kind, number = struct.unpack_from(f"{order}HI", entries, place + 2)
            if kind not in _WHOLE or number != 1:
                return None
            value: int = struct.unpack_from(order + _WHOLE[kind], entries, place + 8)[0]
            return value
    return None
