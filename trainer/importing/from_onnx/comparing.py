"""What was read beside what ONNX's reference evaluator makes of the same file."""

from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from onnx.reference.ops import op_conv

from konkyo.models.network import Array, Network, softmax
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.from_onnx.graph import Graph
from konkyo.trainer.importing.pixels import Pixels

IMAGES = 8
# Multiply-adds of the evaluator beyond which fewer images are compared; those of one batch at most, some seconds; and
# values that it keeps of one batch.
USUAL_WORK, MOST_WORK, MOST_KEPT = 4 * 10**9, 12 * 10**9, 2**25
# Values that a convolution gathers at once. Each takes some 24 bytes in the evaluator.
STRIP = 2**20
# A greater difference of a probability is no rounding.
MOST = 1e-3
# From this probability of one class on, in all images, the others say nothing.
SATURATED = 1 - 1e-9


def affordable(graph: Graph) -> int:
    """How many images are compared: the usual number, or fewer of a network that costs much, whole batches then.

    Raises
    ------
    NetworkFileError
        The evaluator would take too long for one batch, or too much memory.
    """
    batch = graph.first[1][0]
    for wanted, most, what in ((graph.work, MOST_WORK, "multiply-adds"), (graph.kept, MOST_KEPT, "values")):
        if wanted > most:
            each, fits = "one image", "fewer or smaller layers, or smaller images, fit"
            if batch > 1:
                each, fits = f"a batch of {batch:,} images", "a graph that takes one image, or any number, fits"
            raise NetworkFileError(
                f"{each} takes ONNX's evaluator, which checks what is read, {wanted:,} {what}, and {most:,} are "
                f"allowed; {fits}"
            )
    return min(IMAGES, batch * max(1, USUAL_WORK // max(1, graph.work)))


def difference(graph: Graph, network: Network, pixels: Pixels, count: int = IMAGES) -> float | None:
    """The greatest difference of a probability on random images; None where one class has all of it in each of them.

    Then the probabilities agree whatever the other weights are.

    Raises
    ------
    NetworkFileError
        The evaluator cannot run the graph, or the difference is no rounding.
    """
    images = random_images(network, count)
    try:
        theirs = evaluated(graph, images, pixels)
    except Exception as error:  # the evaluator raises whatever its operations met
        raise NetworkFileError(f"ONNX's evaluator cannot run it ({_first_line(error)}); export it again") from error
    ours = softmax(network.logits((images / np.float32(255)).reshape(count, *network.architecture.image_shape)))
    greatest = float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else np.inf
    if not greatest <= MOST:
        raise NetworkFileError(
            f"what was read of it differs by {greatest:.2g} in a probability from ONNX's evaluator, so it was not "
            "understood; please report it with the file"
        )
    return None if theirs.max(1).min() > SATURATED else greatest


def evaluated(graph: Graph, images: NDArray[np.uint8], pixels: Pixels) -> Array:
    """The probabilities (N, C) by ONNX's evaluator for images (N, channels, side, side) of bytes."""
    evaluator = ReferenceEvaluator(graph.model, new_ops=[Conv])
    order, shape = graph.first
    channels = images.shape[1]
    if graph.bytes_in:
        entering: NDArray[Any] = images
    else:
        mean, std = (np.resize(numbers, (channels, 1, 1)) for numbers in (pixels.mean, pixels.std))
        kind = onnx.helper.tensor_dtype_to_np_dtype(graph.model.graph.input[0].type.tensor_type.elem_type)
        entering = ((images / 255 - mean) / std).astype(kind)
    entering = entering.transpose(order)
    rows = []
    for start in range(0, len(images), shape[0]):
        # The last batch is filled up with its last image.
        batch = entering[np.minimum(np.arange(start, start + shape[0]), len(images) - 1)].reshape(shape)
        [out] = evaluator.run(None, {graph.model.graph.input[0].name: batch})
        rows.append(np.asarray(out, np.float64))
    made: Array = np.concatenate(rows)[: len(images)]
    if graph.ends == "softmax":
        return made
    if graph.ends == "sigmoid":
        return np.concatenate([1 - made, made], 1)
    return softmax(made)  # of logits and of their log-softmax alike


class Conv(op_conv.Conv):
    """The evaluator's convolution, some rows of outputs at a time: it gathers what each output sees."""

    op_domain = ""

    def _run(self, X: Any, W: Any, B: Any = None, **given: Any) -> Any:  # type: ignore[override]  # noqa: N803
        sides, strides, apart = X.shape[2:], given["strides"] or (1, 1), given["dilations"] or (1, 1)
        kernels = [(kernel - 1) * cells + 1 for kernel, cells in zip(W.shape[2:], apart, strict=True)]
        auto, pads = given["auto_pad"], given["pads"] or (0, 0, 0, 0)
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            places = zip(sides, strides, kernels, strict=True)
            whole = [max(0, (-(-side // stride) - 1) * stride + kernel - side) for side, stride, kernel in places]
            less, more = [one // 2 for one in whole], [one - one // 2 for one in whole]
            pads = [*less, *more] if auto == "SAME_UPPER" else [*more, *less]
        elif auto == "VALID":
            pads = (0, 0, 0, 0)
        padded = np.pad(X, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
        rows, columns = ((padded.shape[2 + axis] - kernels[axis]) // strides[axis] + 1 for axis in (0, 1))
        at_once = max(1, STRIP // (len(X) * X.shape[1] * prod(kernels) * columns))
        given |= {"pads": (0, 0, 0, 0), "auto_pad": "NOTSET"}
        strips = []
        for first in range(0, rows, at_once):
            seen = slice(first * strides[0], (min(first + at_once, rows) - 1) * strides[0] + kernels[0])
            strips += super()._run(padded[:, :, seen], W, B, **given)  # type: ignore[no-untyped-call]
        return (np.concatenate(strips, axis=2),)


def random_images(network: Network, count: int, seed: int = 0) -> NDArray[np.uint8]:
    """(N, channels, side, side): noise, with squares of one colour in it as drawings and photographs have."""
    rng, shape = np.random.default_rng(seed), network.architecture
    images = rng.integers(0, 256, (count, shape.channels, shape.side, shape.side), np.uint8)
    for image in images:
        for _ in range(rng.integers(6)):
            row, column, side = rng.integers(0, shape.side, 3)
            image[:, row : row + side, column : column + side] = rng.integers(0, 256, (shape.channels, 1, 1))
    return images


def _first_line(error: Exception) -> str:
    text = str(error).partition("\n")[0][:120]
    return "".join(one if one.isprintable() else "?" for one in text) or type(error).__name__
