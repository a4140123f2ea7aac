"""Reads the orientation from an EXIF block. No other metadata is read.

Pillow's reader is not used, since it reads every entry and a client chooses their number.
"""

import struct

ORIENTATION = 0x0112
UPRIGHT = 1

_PREFIX = b"Exif\0\0"
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
# The integer types, with their struct formats.
_WHOLE = {1: "B", 3: "H", 4: "I"}


def orientation(exif: bytes) -> int:
    """The orientation in an EXIF block, 1…8; 1 if there is none."""
    for _ in range(2):  # Some cameras write the prefix twice.
        exif = exif.removeprefix(_PREFIX)
    value = entry(exif, ORIENTATION)
    return value if value is not None and 1 <= value <= 8 else UPRIGHT


def entry(block: bytes, tag: int) -> int | None:
    """An integer in the first directory of a TIFF block; None if it is missing or the block is damaged.

    The first of several entries with the same tag counts.
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
