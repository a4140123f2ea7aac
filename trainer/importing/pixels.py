"""What of a pixel enters the network of a file: found in its graph, or asked for; nothing is guessed silently."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import reduce
from itertools import takewhile

import numpy as np

from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.chain import F64, Chain, Scaling

# The standard deviation of numbers in [0, 1] is half at most.
_MOST_STD = 0.5
MNIST_MEAN, MNIST_STD = 0.1307, 0.3081


class Asked(StrEnum):
    """Where a range is asked for: messages call the options as they are written there."""

    COMMAND = "--"
    PYTHON = ""

    @property
    def missing(self) -> str:
        """What is said where nothing tells the range."""
        ranges = "--range 0,1 {}, --range 0,255, --range=-1,1, or --mean and --std {}, such as --mean {} --std {}"
        if self is Asked.PYTHON:
            ranges = "range=(0, 1) {}, range=(0, 255), range=(-1, 1), or mean= and std= {}, such as mean={}, std={}"
        said = ranges.format("(divided by 255)", "as they were subtracted and divided by", MNIST_MEAN, MNIST_STD)
        return f"it does not say in which range pixels enter it; add {said}"


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

    @property
    def written(self) -> str:
        """As what the least and the greatest pixel enter, such as 0…1; each range that a channel has, once."""
        means, stds = (np.resize(numbers, max(len(self.mean), len(self.std))) for numbers in (self.mean, self.std))
        each = (f"{-mean / std + 0:.4g}…{(1 - mean) / std:.4g}" for mean, std in zip(means, stds, strict=True))
        return ", ".join(dict.fromkeys(each))

    def for_channels(self, channels: int) -> "Pixels":
        """The same with a number for each channel.

        Raises
        ------
        NetworkFileError
            There is another number of them.
        """
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if len(numbers) not in (1, channels):
                raise NetworkFileError(
                    f"the {name} has {len(numbers)} numbers, and the image {channels} channels; 1 fits too"
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


def asked(
    where: Asked,
    pixel_range: Sequence[float] | None,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> Pixels | None:
    """What was asked for, as a range or as a mean and a standard deviation of pixels in [0, 1]; None if nothing was.

    Raises
    ------
    NetworkFileError
        Both; one of mean and std alone; numbers that pixels in [0, 1] cannot have.
    """
    if pixel_range is not None:
        if mean is not None or std is not None:
            raise NetworkFileError(f"{where}range and {where}mean or {where}std say the same twice; one of them fits")
        if len(pixel_range) != 2 or not np.isfinite(pixel_range).all() or pixel_range[0] >= pixel_range[1]:
            raise NetworkFileError(f"{where}range must be two numbers, the lower first, such as 0,1")
        return of_range(pixel_range[0], pixel_range[1], f"asked for with {where}range")
    if mean is None and std is None:
        return None
    if mean is None or std is None:
        given, other = ("mean", "std") if std is None else ("std", "mean")
        raise NetworkFileError(
            f"{where}{given} needs {where}{other} beside it; where pixels are divided by nothing else a std of 1 fits, "
            "and where nothing is subtracted a mean of 0"
        )
    means, stds = tuple(map(float, mean)), tuple(map(float, std))
    if not means or not stds or not all(0 <= one <= 1 for one in means) or not all(0 < one <= 1 for one in stds):
        bytes_ = all(0 <= one <= 255 for one in means) and all(1 <= one <= 255 for one in stds)
        instead = f": divided by 255 they are {_over(means)} and {_over(stds)}" if means and stds and bytes_ else ""
        raise NetworkFileError(
            f"{where}mean and {where}std are those of pixels in 0…1, so a mean from 0 to 1 and a std above 0 and up to "
            f"1 fit{instead}"
        )
    return Pixels(means, stds, f"asked for with {where}mean and {where}std")


def settled(chain: Chain, wanted: Pixels | None, known: Pixels | None, where: Asked) -> Pixels:
    """In which range pixels enter a chain: as it says itself, else as was asked for; for each channel.

    Raises
    ------
    NetworkFileError
        Neither says it; or both, and differently: what a graph does itself would be done twice.
    """
    only = known if wanted is None else wanted
    if only is None:
        raise NetworkFileError(where.missing)
    if wanted is None or known is None:
        return only.for_channels(chain.channels)
    theirs, ours = known.for_channels(chain.channels), wanted.for_channels(chain.channels)
    if not np.allclose(theirs.mean + theirs.std, ours.mean + ours.std):
        raise NetworkFileError(
            f"{known.by}, so pixels enter it as {known.written}, and what was {wanted.by} would be done twice or "
            "in another range; leave it out"
        )
    return ours


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
    if mean.min() >= 0 and 0 < mean.max() <= 1 and (std.max() <= _MOST_STD or (std == 1).all()):
        return of_range(0, 1, said)
    if mean.min() >= 0 and mean.max() <= 255 and std.max() <= 256 and std.min() > (1 if mean.max() > 1 else 100):
        return of_range(0, 255, said)
    return None


def others(taken: Pixels, channels: int) -> dict[str, Pixels]:
    """The usual ranges but the one that was taken, as options of the command."""
    usual = {f"--range={least},{most}": of_range(least, most, "tried") for least, most in ((0, 1), (0, 255), (-1, 1))}
    if channels == 1:
        usual[f"--mean={MNIST_MEAN} --std={MNIST_STD}"] = Pixels((MNIST_MEAN,), (MNIST_STD,), "tried")
    numbers = taken.for_channels(channels)
    made = {name: one.for_channels(channels) for name, one in usual.items()}
    return {name: one for name, one in made.items() if not np.allclose(one.mean + one.std, numbers.mean + numbers.std)}


def _over(numbers: Sequence[float]) -> str:
    return ",".join(f"{number / 255:.4g}" for number in numbers)


def _listed(numbers: F64) -> str:
    return ", ".join(f"{number:.4g}" for number in dict.fromkeys((numbers + 0).tolist()))
