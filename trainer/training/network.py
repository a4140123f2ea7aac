"""Networks in PyTorch, several at once, to be trained.

``konkyo.models.network`` is what is served; a test holds the two equal.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from math import prod, sqrt

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from konkyo.models.activations import activation
from konkyo.models.architecture import Architecture, Stage
from konkyo.models.network import Network
from konkyo.trainer.training.logits import centred

# PyTorch's convolutions are faster where a pixel's channels lie together, and many channels fill its vectors.
LAYOUT = torch.channels_last
# Networks that are trained side by side: what a batch leaves in each is 1 MB, which must be there for the way back.
GROUP = 5
# Of batch normalisation: what is added to a variance, and the share of a batch in the running means.
EPSILON, MOMENTUM = 1e-5, 0.02


# The weights of one network, by the names of the checkpoint.
Weights = dict[str, Tensor]


def at_random(architecture: Architecture) -> Weights:
    """Weights as PyTorch's own layers draw them, from its global generator."""
    weights: Weights = {}
    for name, shape in architecture.tensor_shapes.items():
        weights[name] = torch.empty(shape)
        if name.endswith("weight"):
            nn.init.kaiming_uniform_(weights[name], a=sqrt(5))
            bound = 1 / sqrt(prod(shape[1:]))
        else:  # a bias comes after its weights
            weights[name].uniform_(-bound, bound)
    return weights


def exported(architecture: Architecture, weights: Mapping[str, Tensor]) -> Network:
    """The network as arrays, float32, with an affine layer that sums to zero over the classes.

    That changes no probability, but what is said of a single class: a function of the image that is added to all
    logits is no part of the prediction.
    """
    arrays = {name: tensor.detach().numpy().astype(np.float32) for name, tensor in weights.items()}
    for name in ("affine.weight", "affine.bias"):
        arrays[name] = centred(arrays[name])
    return Network(architecture, arrays)


@cache
def activated(name: str) -> nn.Module:
    """An activation of ``konkyo.models.activations`` in PyTorch."""
    of = activation(name)
    module: nn.Module = getattr(nn, of.torch)(*([] if of.parameter is None else [of.parameter]))
    return module


def pooled(stage: Stage, convolved: Tensor) -> Tensor:
    """A stage's output for its convolution. Behind the pool an activation has less to do, where the two commute."""
    before, maps = activated(stage.activation), convolved
    maps = maps if stage.commutes else before(maps)
    if stage.pool:
        maps = (F.avg_pool2d if stage.mean else F.max_pool2d)(maps, stage.pool.side, stage.pool.stride)
    made: Tensor = activated(stage.after)(before(maps) if stage.commutes else maps)
    return made


class Ensemble(nn.Module):
    """S networks of one architecture that see the same images: side by side they are one wide network of groups.

    No weight is shared, so each learns as it would alone, up to rounding. ``torch.func.vmap`` over one network takes
    twice as long: it knows no layout.

    Parameters
    ----------
    architecture
        Of each.
    networks
        The weights that they start with, which are not changed.
    batch_norm
        Whether batch normalisation follows each convolution while the networks learn (Ioffe and Szegedy, 2015). Once
        they have learnt it is linear, and part of the weights that ``network`` gives.
    """

    def __init__(self, architecture: Architecture, networks: Sequence[Weights], batch_norm: bool = False) -> None:
        super().__init__()
        self.architecture = architecture
        self.size = len(networks)
        self.batch_norm = batch_norm
        # A parameter's name may have no dot.
        self.weights = nn.ParameterDict(
            {name.replace(".", "_"): torch.stack([one[name] for one in networks]) for name in networks[0]}
        )
        if batch_norm:
            for number in self._convolutions:
                likewise = self.weights[f"conv{number}_bias"].detach()
                self.weights[f"norm{number}_weight"] = torch.ones_like(likewise)
                self.weights[f"norm{number}_bias"] = torch.zeros_like(likewise)
                self.register_buffer(f"norm{number}_mean", torch.zeros_like(likewise))
                self.register_buffer(f"norm{number}_variance", torch.ones_like(likewise))

    def forward(self, images: Tensor, which: slice = slice(None)) -> Tensor:
        """(N, channels, side, side) in [0, 1] → logits (N, S, C), of the networks ``which``."""
        shape, layers = self.architecture, [images.to(memory_format=LAYOUT)]
        networks = len(self.weights["affine_bias"][which])
        for number, stage in enumerate(shape.stages):
            sources = shape.sources(number)
            # All networks see the same image: a stage of it alone needs it once.
            once = sources == (0,) and shape.groups(number)[0] == 1 and stage.kernel > 0
            every = [layers[source] if source or once else layers[0].repeat(1, networks, 1, 1) for source in sources]
            convolved = self._convolved(number, sum(every[1:], every[0]), which, 1 if once else networks)
            if self.batch_norm and stage.kernel:
                convolved = self._normalised(number, convolved, which)
            layers.append(pooled(stage, convolved))
        *hidden, (last, *_) = shape.head
        values = layers[-1].reshape(len(images), networks, -1)
        for name, *_ in hidden:
            values = activated(shape.activation)(self._affine(name, values, which))
        return self._affine(last, values, which)

    def _convolved(self, number: int, maps: Tensor, which: slice, groups: int) -> Tensor:
        """A stage's convolution of maps of so many networks: (N, groups · n, s, s) → (N, S·m, o, o)."""
        stage, (inner, inputs, filters) = self.architecture.stages[number], self.architecture.groups(number)
        same = stage.behind == stage.padding
        padded = maps if same and stage.kernel else F.pad(maps, [stage.padding, stage.behind] * 2)
        if not stage.kernel:
            return padded[..., :: stage.stride, :: stage.stride]
        kernels = self.weights[f"conv{number + 1}_weight"][which]
        bias = self.weights[f"conv{number + 1}_bias"][which] if stage.bias else None
        networks = len(kernels)
        if stage.paired:
            # All maps of a network get the same kernels.
            kernels = kernels.repeat_interleave(inner, 0)
            bias = None if bias is None else bias.repeat_interleave(inner, 0)
        kernels = kernels.reshape(networks * inner * filters, inputs, stage.kernel, stage.kernel)
        flat = None if bias is None else bias.flatten(0, 1)
        made = F.conv2d(
            padded,
            kernels.to(memory_format=LAYOUT),
            None if stage.bias_map else flat,
            stride=stage.stride,
            padding=stage.padding if same else 0,
            groups=groups * inner,
        )
        return made + flat if stage.bias_map and flat is not None else made

    def _normalised(self, number: int, convolved: Tensor, which: slice) -> Tensor:
        """Batch normalisation of a convolution's maps. The maps of one filter, of paired wiring, share theirs."""
        stage = self.architecture.stages[number]
        inputs = self.architecture.below(number)[0] if stage.paired else 1
        scale, shift = (self.weights[f"norm{number + 1}_{kind}"][which] for kind in ("weight", "bias"))
        mean, variance = (self.get_buffer(f"norm{number + 1}_{kind}")[which] for kind in ("mean", "variance"))
        shape = convolved.shape
        if inputs > 1:
            apart = convolved.reshape(shape[0], len(scale), inputs, stage.filters, *shape[2:])
            convolved = apart.transpose(2, 3).flatten(1, 2)
        normal = F.batch_norm(
            convolved,
            mean.view(-1),
            variance.view(-1),
            scale.flatten(),
            shift.flatten(),
            training=self.training,
            momentum=MOMENTUM,
            eps=EPSILON,
        )
        if inputs > 1:
            apart = normal.reshape(shape[0], len(scale), stage.filters, inputs, *shape[2:])
            normal = apart.transpose(2, 3).reshape(shape)
        return normal

    def _affine(self, name: str, values: Tensor, which: slice) -> Tensor:
        weights, bias = (self.weights[f"{name}_{kind}"][which] for kind in ("weight", "bias"))
        made: Tensor = torch.einsum("nsf,swf->nsw", values, weights) + bias
        return made

    @property
    def groups(self) -> list[slice]:
        """The networks, a few at a time: as many as a processor's cache holds."""
        return [slice(first, first + GROUP) for first in range(0, self.size, GROUP)]

    @property
    def _convolutions(self) -> list[int]:
        """The numbers, from 1, of the stages that have one."""
        return [number for number, stage in enumerate(self.architecture.stages, 1) if stage.kernel]

    def network(self, which: int) -> Weights:
        """The weights of one of the networks as they are now; batch normalisation is part of them."""
        names = self.architecture.tensor_shapes
        weights = {name: self.weights[name.replace(".", "_")].detach()[which].clone() for name in names}
        if self.batch_norm:
            for number in self._convolutions:
                mean, variance = (self.get_buffer(f"norm{number}_{kind}")[which] for kind in ("mean", "variance"))
                scale, shift = (self.weights[f"norm{number}_{kind}"].detach()[which] for kind in ("weight", "bias"))
                factor = scale / (variance + EPSILON).sqrt()
                weights[f"conv{number}.weight"] *= factor[:, None, None, None]
                weights[f"conv{number}.bias"] = (weights[f"conv{number}.bias"] - mean) * factor + shift
        return weights

    def kept(self, which: Tensor) -> "Ensemble":
        """Some of the networks, by their places, as an ensemble of their own."""
        fresh = Ensemble(self.architecture, [self.network(0)] * len(which), self.batch_norm)
        fresh.load_state_dict({name: values[which] for name, values in self.state_dict().items()})
        return fresh


@torch.no_grad()
def accuracies(ensemble: Ensemble, images: Tensor, labels: Tensor, chunk: int = 1000) -> list[float]:
    """Share of images (N, channels, side, side) that each network predicts as their label (N,)."""
    training = ensemble.training
    ensemble.eval()
    correct = torch.zeros(ensemble.size, dtype=torch.int64)
    for start in range(0, len(labels), chunk):
        some = slice(start, start + chunk)
        predicted = torch.cat([ensemble(images[some], which).argmax(2) for which in ensemble.groups], 1)
        correct += (predicted == labels[some, None]).sum(0)
    ensemble.train(training)
    return [count / len(labels) for count in correct.tolist()]


def groups(first: int, count: int) -> list[range]:
    """So many seeds from the first one on, as they are trained together."""
    seeds = range(first, first + count)
    return [seeds[place : place + GROUP] for place in range(0, count, GROUP)]
