"""``python -m tools.soak.checkpoint``: no byte of a shipped checkpoint can change unnoticed (goal 6)."""

import shutil
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from konkyo.models.errors import CheckpointError
from konkyo.models.files.checkpoint import DIRECTORY, load
from tools.soak.report import Check, Program, main


def measure(count: int, seed: int) -> list[Check]:
    random = Random(seed)  # noqa: S311
    checks = []
    with TemporaryDirectory() as folder:
        for source in sorted(DIRECTORY.glob("*.safetensors")):
            shutil.copy(source.with_suffix(".json"), folder)
            path = Path(shutil.copy(source, folder))
            whole = path.read_bytes()
            load(path)  # sound to begin with
            accepted = flips = 0
            for position in range(len(whole)):
                for change in random.sample(range(1, 256), count):
                    flips += 1
                    accepted += not _refused(path, whole, position, change)
            checks.append(
                Check(f"{source.name}: every changed byte refused", f"{accepted} of {flips:,} accepted", not accepted)
            )
    return checks


def _refused(path: Path, whole: bytes, position: int, change: int) -> bool:
    damaged = bytearray(whole)
    damaged[position] ^= change
    path.write_bytes(damaged)
    try:
        load(path)
    except CheckpointError:
        return True
    return False


PROGRAM = Program(
    "checkpoint",
    "Changes of each single byte of each checkpoint",
    1,
    measure,
    threats=("pickle checkpoints", "every byte of a checkpoint"),
    http=False,
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
