"""One run over a data set: what is asked, which shards there are, and which of them are still to be written."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from konkyo.models.files.checkpoint import SUFFIX, Checkpoint, load
from konkyo.trainer.errors import DataError, RunError
from konkyo.trainer.explaining.choices import Explanation
from konkyo.trainer.explaining.images import open_images
from konkyo.trainer.explaining.table import explain, shapes
from konkyo.trainer.studies.document import read

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Job:
    """What is asked. It travels to the processes that do it; paths must mean the same to all of them.

    Attributes
    ----------
    data
        An IDX file of images.
    images
        How many of them, from the first on.
    checkpoint
        The file.
    sha256
        Of the checkpoint.
    explanations
        What is written beside the predictions.
    shard
        Images in a file.
    out
        The folder of the files.
    """

    data: Path
    images: int
    checkpoint: Path
    sha256: str
    explanations: tuple[Explanation, ...]
    shard: int
    out: Path

    @property
    def shards(self) -> int:
        """How many files there will be."""
        return -(-self.images // self.shard)

    def size(self, shard: int) -> int:
        """How many images a shard holds."""
        return min(self.shard, self.images - shard * self.shard)

    def path(self, shard: int) -> Path:
        """Where a shard is, when it is complete."""
        return self.out / f"part-{shard:06}.parquet"

    def begin(self) -> list[int]:
        """Start, or go on: the shards that are still to be written.

        Raises
        ------
        RunError
            The folder holds another job's files.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        manifest, ours = self.out / MANIFEST, self._manifest()
        if manifest.exists():
            theirs = read(manifest)
            differing = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
            if differing:
                raise RunError(
                    f"{self.out} holds another job's files: {', '.join(differing)} differ; name another --out"
                )
        elif any(self.out.iterdir()):
            raise RunError(f"{self.out} is not empty, and holds no {MANIFEST}; name another --out")
        else:
            _write(manifest, json.dumps(ours, indent=2).encode() + b"\n")
        return [shard for shard in range(self.shards) if not self.path(shard).exists()]

    def write(self, shard: int) -> int:
        """Explain one shard's images and write its file; gives the shard's number. The file is there whole or not."""
        start = shard * self.shard
        images = open_images(self.data)[start : start + self.size(shard)]
        table = explain(_checkpoint(self.checkpoint, self.sha256).precise, images, start, self.explanations)
        table = table.replace_schema_metadata({"konkyo": json.dumps({"sha256": self.sha256})})
        aside = self.path(shard).with_suffix(".writing")
        pq.write_table(table, aside, compression="zstd")
        aside.replace(self.path(shard))
        return shard

    def _manifest(self) -> dict[str, Any]:
        """What makes two jobs the same, and what a reader of the files needs."""
        checkpoint = _checkpoint(self.checkpoint, self.sha256)
        return {
            "model": checkpoint.name,
            "model_sha256": self.sha256,
            "data_sha256": _sha256(self.data),
            "images": self.images,
            "shard": self.shard,
            "explanations": list(self.explanations),
            "shapes": {name: list(shape) for name, shape in shapes(checkpoint.network.architecture).items()},
        }


def new_job(
    data: Path,
    images: int | None,
    checkpoint: Checkpoint,
    folder: Path,
    wanted: Sequence[Explanation],
    shard: int,
    out: Path,
) -> Job:
    """A job over the first so many images, or all, of an IDX file.

    Raises
    ------
    DataError
        No IDX file of images, or of others than the network takes.
    """
    found = open_images(data.absolute())
    available, wanted_shape = len(found), checkpoint.network.architecture.image_shape
    if found.shape[1:] != wanted_shape:
        raise DataError(
            f"{data} holds images of {'×'.join(map(str, found.shape[1:]))}; {checkpoint.name} takes "
            f"{'×'.join(map(str, wanted_shape))}"
        )
    return Job(
        data=data.absolute(),
        images=min(images or available, available),
        checkpoint=(folder / f"{checkpoint.name}{SUFFIX}").absolute(),
        sha256=checkpoint.sha256,
        explanations=tuple(one for one in Explanation if one in wanted),
        shard=shard,
        out=out.absolute(),
    )


@lru_cache(maxsize=1)
def _checkpoint(path: Path, sha256: str) -> Checkpoint:
    checkpoint = load(path)
    if checkpoint.sha256 != sha256:
        raise RunError(f"{path} is another checkpoint here than where the job was started")
    return checkpoint


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, data: bytes) -> None:
    aside = path.with_suffix(".writing")
    aside.write_bytes(data)
    aside.replace(path)
