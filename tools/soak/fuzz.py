"""``python -m tools.soak.fuzz``: looks for the images that cost most to decode and fit, in time and in memory.

Atheris (``pip install atheris``; it is in no list of ours) follows the lines that an input reaches, and the structure
is kept by our own mutations: of PNG files chunks with right checksums, of JPEG files segments with right lengths. The
worst are kept in a folder, with what they cost per byte and per pixel.
"""

import argparse
import inspect
import json
import random
import struct
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from konkyo.models.files.card import Polarity
from konkyo.models.preparation import fitting
from konkyo.models.preparation.expected import Fit
from konkyo.service.errors import RequestError
from konkyo.service.imaging import decoding, jpeg, png
from konkyo.service.imaging.decoding import decode_image
from support.process import peak
from support.uploads.bombs import LARGEST, LIMIT, blank, metadata, text_bombs
from support.uploads.chunks import SIGNATURE, chunk
from support.uploads.jpegs import ENDLESS, progressive, scan, segment
from support.uploads.mutations import mutant, originals
from support.uploads.pngs import png as built

KEPT = 10


def main() -> int:
    """Run for so long, and say what was worst."""
    import atheris

    parser = argparse.ArgumentParser(prog="python -m tools.soak.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    worst = Worst(options.folder)
    corpus = options.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    for module in (png, jpeg, decoding, fitting):
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                atheris.instrument_func(function)
    arguments = [sys.argv[0], str(corpus), f"-max_total_time={options.seconds}", f"-seed={options.seed}"]
    arguments += [f"-artifact_prefix={options.folder}/"]
    arguments += [f"-max_len={LIMIT}", "-len_control=0", "-timeout=60", "-rss_limit_mb=4096", "-print_final_stats=1"]
    atheris.Setup(arguments, worst.judge, custom_mutator=mutated)
    atheris.Fuzz()
    return 0


def seeds() -> list[bytes]:
    """What is known to cost much, and ordinary files of every kind."""
    large = [*LARGEST.values(), *text_bombs().values(), *ENDLESS.values()]
    large += [progressive(mode=mode) for mode in ("L", "RGB", "CMYK")]
    return [*originals(), *large, blank(28, 28, 8, 0, chunk(b"eXIf", metadata(20_000)))]


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """The same kind of file, with a few parts changed."""
    chance = random.Random(seed)  # noqa: S311
    kind = chance.random()
    if kind < 0.05:
        fresh = built(chance) if chance.random() < 0.5 else mutant(chance)
    elif data.startswith(SIGNATURE):
        fresh = _mutated_png(chance, data)
    elif data.startswith(jpeg.SIGNATURE):
        fresh = _mutated_jpeg(chance, data)
    else:
        fresh = mutant(chance)
    return fresh[:most]


def _mutated_png(chance: random.Random, data: bytes) -> bytes:
    try:
        chunks = list(png._chunks(data))
    except RequestError:
        chunks = []
    if not chunks:
        return built(chance)
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = chance.randrange(len(chunks))
        kind, content = chunks[place]
        change = chance.randrange(6)
        if kind == b"IHDR" and len(content) == 13 and change < 4:
            width, height, *rest = struct.unpack(">IIBBBBB", content)
            width, height = chance.choice(((width, height), (2000, 2000), (4096, 976), (976, 4096), (28, 28), (64, 64)))
            rest[0], rest[1] = chance.choice(
                ((1, 0), (8, 0), (16, 0), (8, 2), (16, 2), (8, 3), (8, 6), (16, 6), (16, 4))
            )
            rest[2:] = 0, 0, chance.randrange(2)
            chunks[place] = kind, struct.pack(">IIBBBBB", width, height, *rest)
            if rest[1] == 3 and all(one[0] != b"PLTE" for one in chunks):
                chunks.insert(place + 1, (b"PLTE", chance.randbytes(768)))
            body = png.read(SIGNATURE + chunk(*chunks[place]) + chunk(b"PLTE", bytes(768)))
            lines = _lines(chance, min(body._length(), 40_000_000))
            chunks = [one for one in chunks if one[0] != b"IDAT"]
            chunks.insert(
                max(1, len(chunks) - 1), (b"IDAT", zlib.compress(lines, chance.choice((1, 9)))[: LIMIT - 2000])
            )
        elif change == 0:
            chunks.insert(place, chance.choice(chunks))
        elif change == 1 and kind != b"IHDR":
            chunks.pop(place)
            if not chunks:
                break
        elif change == 2:
            chunks[place] = kind, content + content[: LIMIT // 4]
        elif content:
            at = chance.randrange(len(content))
            chunks[place] = kind, content[:at] + chance.randbytes(chance.choice((1, 2, 4))) + content[at + 1 :]
    return SIGNATURE + b"".join(chunk(kind, content) for kind, content in chunks)


def _lines(chance: random.Random, length: int) -> bytes:
    """Bytes that compress well, whatever filters they name."""
    pattern = chance.randbytes(chance.choice((1, 1, 3, 29, 257)))
    return (pattern * (length // len(pattern) + 1))[:length]


def _mutated_jpeg(chance: random.Random, data: bytes) -> bytes:
    try:
        parts = list(jpeg._segments(data))
    except RequestError:
        return mutant(chance)
    for _ in range(chance.choice((1, 1, 2, 4))):
        if not parts:
            break
        place = chance.randrange(len(parts))
        marker, content, pixels = parts[place]
        change = chance.randrange(8)
        if change == 0:
            parts.insert(place, chance.choice(parts))
        elif change == 1:
            parts.pop(place)
        elif change == 2 and marker in jpeg._FRAMES and len(content) > 6:
            width, height = chance.choice(((2000, 2000), (4096, 976), (28, 28), (64, 64), (4096, 8), (8, 4096)))
            layers = bytearray(content)
            layers[1:5] = struct.pack(">HH", height, width)
            for at in range(7, len(layers), 3):
                layers[at] = chance.choice((0x11, 0x22, 0x41, 0x14, 0x44, layers[at]))
            parts[place] = chance.choice((marker, marker, 0xC0, 0xC1, 0xC2, 0xC9, 0xCA)), bytes(layers), b""
        elif change == 3 and marker == jpeg._SOS:
            head = scan(
                bytes([chance.choice((1, 2, 3))]), chance.randrange(64), 63, chance.choice((0, 0x10, 1, 0x0D, 0x21))
            )
            parts.insert(place + 1, (marker, head[4:], chance.randbytes(chance.choice((0, 2, 100)))))
        elif change == 4 and pixels:
            parts[place] = marker, content, pixels[: chance.randrange(len(pixels))]
        elif change == 5:
            parts.insert(place, (0xDD, struct.pack(">H", chance.choice((0, 1, 2, 100))), b""))
        elif change == 6 and pixels:
            at = chance.randrange(len(pixels))
            parts[place] = marker, content, pixels[:at] + chance.randbytes(chance.choice((1, 50))) + pixels[at + 1 :]
        elif content:
            at = chance.randrange(len(content))
            parts[place] = marker, content[:at] + chance.randbytes(1) + content[at + 1 :], pixels
    body = b"".join(
        (b"\xff\xd9" if marker == jpeg._EOI else segment(marker, content)) + pixels for marker, content, pixels in parts
    )
    return b"\xff\xd8" + body


class Worst:
    """Keeps the ten that took longest, and the ten that took most memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, list[tuple[float, str]]] = {"seconds": [], "mebibytes": []}
        self._tried = 0

    def judge(self, data: bytes) -> None:
        """Decode and fit it, and see what it cost. Any error but a refusal ends the run."""
        polarity = (Polarity.AUTO, Polarity.LIGHT_ON_DARK, Polarity.DARK_ON_LIGHT)[len(data) % 3]
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, start = peak(), time.process_time()
        try:
            _, report = decode_image(data, Fit.MNIST, polarity)
            outcome = f"read, {report.width}×{report.height} {report.format} {report.mode}"
        except RequestError as error:
            outcome = str(error)
        cost = {"seconds": time.process_time() - start, "mebibytes": peak() - before}
        self._tried += 1
        for measure, value in cost.items():
            self._keep(measure, value, data, {**cost, "bytes": len(data), "outcome": outcome, "tried": self._tried})

    def _keep(self, measure: str, value: float, data: bytes, about: dict[str, Any]) -> None:
        found = self._found[measure]
        if len(found) == KEPT and value <= found[-1][0]:
            return
        name = f"{measure}-{zlib.crc32(data):08x}"
        if any(one == name for _, one in found):
            return
        (self._folder / name).write_bytes(data)
        (self._folder / f"{name}.json").write_text(json.dumps(about, ensure_ascii=False))
        found.append((value, name))
        found.sort(reverse=True)
        for _, gone in found[KEPT:]:
            (self._folder / gone).unlink()
            (self._folder / f"{gone}.json").unlink()
        del found[KEPT:]


if __name__ == "__main__":
    sys.exit(main())
