"""What of a pixel enters the network of a file: found in its graph, or asked for; nothing is guessed silently."""

from dataclasses import dataclass, replace
from functools import reduce
from itertools import takewhile

import numpy as np

from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.chain import F64, Chain, Scaling

# What the options say of it.
ASK = (
    "it does not say in which range pixels enter it; add --range 0,1 (divided by 255), --range 0,255, --range=-1,1, or "
    "--mean and --std as they were subtracted and divided by, such as --mean 0.1307 --std 0.3081"
)


@dataclass(frozen=True)
class Pixels:
    """Of a pixel in [0, 1], (pixel − mean) / std enters.

    Attributes
    ----------
    mean, std
        One number, or one for each channel.
    by
        What says so, for people.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    by: str

    def for_channels(self, channels: int) -> "Pixels":
        """The same with a number for each channel.

        Raises
        ------
        NetworkFileError
            There is another number of them.
        """
        for name, numbers in (("--mean", self.mean), ("--std", self.std)):
            if len(numbers) not in (1, channels):
                raise NetworkFileError(
                    f"{name} has {len(numbers)} numbers, and the image {channels} channels; 1 fits too"
                )
        mean, std = (numbers * (channels // len(numbers)) for numbers in (self.mean, self.std))
        return replace(self, mean=mean, std=std)

    def before(self, chain: Chain) -> Chain:
        """A chain that takes pixels in [0, 1]."""
        mean, std = (np.array(numbers).reshape(-1, 1, 1) for numbers in (self.mean, self.std))
        return replace(chain, layers=(Scaling("the input's range", 1 / std, -mean / std), *chain.layers))


def of_range(least: float, most: float, by: str) -> Pixels:
    """Pixels that enter as numbers from ``least`` to ``most``."""
    return Pixels((0 - least / (most - least),), (1 / (most - least),), by)


def found(chain: Chain) -> Pixels | None:
    """The range that a graph's first layers tell: pixels from which 33 is subtracted, or divided by 255, are bytes.

    Of a pixel x they make (x − mean) / std. Where that is the mean and the deviation of numbers in [0, 1] but not of
    numbers in [0, 255], or the other way round, the range is known.
    """
    scalings = [
        one for one in takewhile(lambda layer: isinstance(layer, Scaling), chain.layers) if isinstance(one, Scaling)
    ]
    if not scalings:
        return None
    together = reduce(Scaling.then, scalings)
    if together.by_map is None or not together.scale.all():
        return None
    scale, shift = together.by_map
    mean, std = -shift / scale, np.abs(1 / scale)
    said = f"{together.name} subtracts {_listed(mean)} and divides by {_listed(1 / scale)}"
    if mean.min() >= 0 and 0 < mean.max() <= 1 and std.max() <= 1:
        return of_range(0, 1, said)
    if mean.min() >= 0 and mean.max() <= 255 and std.max() <= 256 and std.min() > (1 if mean.max() > 1 else 100):
        return of_range(0, 255, said)
    return None


def _listed(numbers: F64) -> str:
    return ", ".join(f"{number:.4g}" for number in dict.fromkeys((numbers + 0).tolist()))
