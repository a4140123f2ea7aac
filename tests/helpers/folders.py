"""Where things are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"

# The networks that are shipped, as messages list them.
NETWORKS = "animals-3x3, animals-6x16, deep-7x9x9, lenet-6x16, paired-3x3, summed-3x3, tiny-vgg"
