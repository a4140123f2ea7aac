"""PyTorch's own files: a ZIP archive with a pickle, which torch reads as weights only once it holds nothing else."""

import io
import pickletools
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.files.checkpoint import MOST_BYTES
from konkyo.trainer.errors import NetworkFileError

_MOST_ENTRIES = 2000
_MOST_PICKLE = 2**20
_STORAGES = {f"torch {kind}Storage" for kind in ("Float", "Double", "Half", "Long", "Int", "Bool", "BFloat16")}
_PLAIN = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", *_STORAGES}
# How a checkpoint of a training calls the state dict in it.
_INSIDE = "state_dict", "model_state_dict", "model", "net"
_SAVE = "torch.save(network.state_dict(), …) writes one"


def read(data: bytes) -> Mapping[str, NDArray[Any]]:
    """The arrays of a state dict, in the order of the network.

    Raises
    ------
    NetworkFileError
        No archive of PyTorch, one that holds or announces too much, or other things than tensors of floats; torch is
        not installed.
    """
    _check(data)
    try:
        import torch
    except ModuleNotFoundError as error:
        raise NetworkFileError(
            "a .pt file is read by PyTorch, which is not installed; `pip install torch` installs it, or bring ONNX or "
            "safetensors"
        ) from error
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler met
        raise NetworkFileError(f"PyTorch cannot read it as weights alone; {_SAVE}") from error
    if isinstance(loaded, dict) and not all(torch.is_tensor(one) for one in loaded.values()):
        loaded = next((loaded[name] for name in _INSIDE if isinstance(loaded.get(name), dict)), None)
    if not isinstance(loaded, dict) or not loaded or not all(torch.is_tensor(one) for one in loaded.values()):
        raise NetworkFileError(f"it holds no state dict; {_SAVE}")
    arrays = {}
    room = 0
    for name, tensor in loaded.items():
        told = f"{str(name)[:60]!r}"
        if not tensor.is_floating_point() and tensor.numel() > 1:  # num_batches_tracked is one whole number
            raise NetworkFileError(f"{told} holds values of {str(tensor.dtype)[:40]}; floats fit")
        room += tensor.numel() * 4
        if room > MOST_BYTES:
            raise NetworkFileError(f"{told} announces {tensor.numel():,} values; {MOST_BYTES:,} bytes are read in all")
        arrays[str(name)] = np.asarray(tensor.detach().float().numpy())
    return arrays


def _check(data: bytes) -> None:
    """What the archive holds, before torch makes anything of it."""
    if data.count(b"PK\x01\x02") > _MOST_ENTRIES:
        raise NetworkFileError(f"it holds more than {_MOST_ENTRIES:,} tensors; a network that fits has fewer")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(one.file_size for one in entries) > MOST_BYTES or any(one.compress_type for one in entries):
                raise NetworkFileError(f"it is packed, or unpacks to more than {MOST_BYTES:,} bytes; {_SAVE}")
            pickles = [one for one in entries if one.filename.endswith("/data.pkl")]
            if len(pickles) != 1 or pickles[0].file_size > _MOST_PICKLE:
                raise NetworkFileError(f"it is an archive, but no state dict of PyTorch; {_SAVE}")
            described = archive.read(pickles[0])
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise NetworkFileError(f"it is a damaged archive; {_SAVE}") from error
    try:
        for code, argument, _ in pickletools.genops(described):
            if code.name == "GLOBAL" and argument not in _PLAIN:
                name = "".join(one if one.isprintable() else "?" for one in str(argument)[:80]).replace(" ", ".")
                kind = name.removeprefix("torch._utils._rebuild_")
                if kind != name or (name.startswith("torch.") and name.endswith("Storage")):
                    raise NetworkFileError(f"it holds a {kind}; dense floats fit")
                raise NetworkFileError(f"it holds {name}, code rather than numbers; {_SAVE}, or bring ONNX")
            if code.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"):
                raise NetworkFileError(f"it holds objects rather than numbers; {_SAVE}")
    except (ValueError, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise NetworkFileError(f"it is a damaged archive; {_SAVE}") from error
