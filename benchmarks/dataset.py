"""``python -m benchmarks.dataset [CHECKPOINT …]``: what ``trainer explain`` computes an image, and what it writes.

Processor time of one process, which a busy machine changes little; the first test images, medians of rounds.
"""

import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from konkyo.models.files.checkpoint import load_all
from konkyo.models.network import Network
from konkyo.trainer.data import read
from konkyo.trainer.explaining.choices import Explanation
from konkyo.trainer.explaining.job import CHUNK
from konkyo.trainer.explaining.table import explain

ROOT = Path(__file__).parent.parent
IMAGES, ROUNDS = 256, 3
ASKED: dict[str, list[Explanation]] = {
    "prediction": [],
    **{one.value: [one] for one in Explanation},
    "all": list(Explanation),
}


def main() -> None:
    """Print a table for each checkpoint."""
    images = read(ROOT / "tests" / "data", "t10k").images[:IMAGES]
    for name in sys.argv[1:] or ("paired-3x3",):
        network = load_all()[name].precise
        title = f"{name}, {IMAGES} images, medians of {ROUNDS} rounds"
        table = Table("with the prediction", "CPU ms an image", "images a CPU second", "bytes an image", title=title)
        for asked, wanted in ASKED.items():
            rounds = [_measured(network, images, wanted) for _ in range(ROUNDS)]
            each, size = (median(column) / IMAGES for column in zip(*rounds, strict=True))
            table.add_row(asked, f"{each * 1e3:.2f}", f"{1 / each:,.0f}", f"{size:,.0f}")
        Console(width=100).print(table)


def _measured(network: Network, images: NDArray[np.uint8], wanted: list[Explanation]) -> tuple[float, float]:
    """Processor seconds to explain the images and write their file, and its bytes."""
    with TemporaryDirectory() as folder:
        path, started = Path(folder) / "part.parquet", time.process_time()
        starts = range(0, len(images), CHUNK)
        parts = [explain(network, images[start : start + CHUNK] / 255, start, wanted) for start in starts]
        pq.write_table(pa.concat_tables(parts), path, compression="zstd")
        return time.process_time() - started, path.stat().st_size


if __name__ == "__main__":
    main()
