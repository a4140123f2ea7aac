"""The architecture of a network: filter counts, kernel sides and wiring."""

from dataclasses import dataclass
from enum import StrEnum

from konkyo.models.classes import FEWEST, MOST
from konkyo.models.errors import ArchitectureError

IMAGE_SIDE = 28
POOL = 2
MAX_FILTERS = 64


class Wiring(StrEnum):
    """How conv2 combines the maps of conv1. The paper leaves this open.

    ``SUMMED`` is an ordinary convolution: filter j has one kernel for each input map and adds up the responses.
    ``PAIRED``: filter j has one kernel, which is applied to each input map by itself. Each pair (i, j) has its own map.
    """

    SUMMED = "summed"
    PAIRED = "paired"


@dataclass(frozen=True)
class Architecture:
    """The network of section 2.1: conv1 → ReLU → max-pool → conv2 → ReLU → max-pool → affine.

    Convolutions are valid, pools are 2×2 and the image is 28×28.

    Parameters
    ----------
    wiring
        How conv2 combines the maps of conv1.
    conv1_filters, conv2_filters
        Number of filters, A and B in docs/mathematics.md; 3 and 3 in the paper.
    conv1_kernel, conv2_kernel
        Side of the square filters in pixels.
    conv2_bias
        Whether conv2's filters have a bias.
    classes
        Number of classes, C in docs/mathematics.md; 10 in the paper.

    Raises
    ------
    ArchitectureError
        A count or kernel out of range, or a map that a 2×2 pool cannot divide.
    """

    wiring: Wiring
    conv1_filters: int
    conv2_filters: int
    conv1_kernel: int = 5
    conv2_kernel: int = 3
    conv2_bias: bool = True
    classes: int = 10

    def __post_init__(self) -> None:
        for name in ("conv1_filters", "conv2_filters"):
            count = getattr(self, name)
            if not 1 <= count <= MAX_FILTERS:
                raise ArchitectureError(f"{name} must be from 1 to {MAX_FILTERS}, not {count}")
        if not FEWEST <= self.classes <= MOST:
            raise ArchitectureError(f"classes must be from {FEWEST} to {MOST}, not {self.classes}")
        for name, side, kernel in (
            ("conv1_kernel", IMAGE_SIDE, self.conv1_kernel),
            ("conv2_kernel", self.pool1_side, self.conv2_kernel),
        ):
            if not 1 <= kernel < side or (side - kernel + 1) % POOL:
                raise ArchitectureError(
                    f"{name} {kernel} on a side of {side} leaves no map that {POOL}×{POOL} pooling divides evenly"
                )

    @property
    def conv1_side(self) -> int:
        """Side of a conv1 map, in cells (24)."""
        return IMAGE_SIDE - self.conv1_kernel + 1

    @property
    def pool1_side(self) -> int:
        """Side of a pool1 map, in cells (12)."""
        return self.conv1_side // POOL

    @property
    def conv2_side(self) -> int:
        """Side of a conv2 map, in cells (10)."""
        return self.pool1_side - self.conv2_kernel + 1

    @property
    def pool2_side(self) -> int:
        """Side of a pool2 map, in cells (5)."""
        return self.conv2_side // POOL

    @property
    def map_grid(self) -> tuple[int, int]:
        """The maps that reach the affine layer, as a grid: (1, B) summed, (A, B) paired."""
        return (self.conv1_filters if self.wiring is Wiring.PAIRED else 1), self.conv2_filters

    @property
    def maps(self) -> int:
        """Number of maps that reach the affine layer: B summed, A·B paired (pair (i, j) is map i·B + j)."""
        rows, columns = self.map_grid
        return rows * columns

    @property
    def kernels_per_filter(self) -> int:
        """Number of kernels of a conv2 filter: A summed, 1 paired."""
        return self.conv1_filters if self.wiring is Wiring.SUMMED else 1

    @property
    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights in a checkpoint."""
        shapes: dict[str, tuple[int, ...]] = {
            "conv1.weight": (self.conv1_filters, 1, self.conv1_kernel, self.conv1_kernel),
            "conv1.bias": (self.conv1_filters,),
            "conv2.weight": (self.conv2_filters, self.kernels_per_filter, self.conv2_kernel, self.conv2_kernel),
            "affine.weight": (self.classes, self.maps * self.pool2_side**2),
            "affine.bias": (self.classes,),
        }
        if self.conv2_bias:
            shapes["conv2.bias"] = (self.conv2_filters,)
        return shapes

    @property
    def parameters(self) -> int:
        """Number of weights and biases: 2,368 for paired 3×3, 922 for summed 3×3, 5,046 for LeNet's 6 and 16."""
        total = 0
        for shape in self.tensor_shapes.values():
            count = 1
            for side in shape:
                count *= side
            total += count
        return total

    @property
    def multiply_adds(self) -> int:
        """Number of multiply-adds of one forward pass, without biases: 53,550 for paired 3×3."""
        pairs = self.conv1_filters * self.conv2_filters
        conv1 = self.conv1_side**2 * self.conv1_kernel**2 * self.conv1_filters
        conv2 = self.conv2_side**2 * self.conv2_kernel**2 * pairs
        return conv1 + conv2 + self.classes * self.maps * self.pool2_side**2
