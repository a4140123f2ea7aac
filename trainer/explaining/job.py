"""One run over a data set: what is asked, which shards there are, and which of them are still to be written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from konkyo.models.files.checkpoint import SUFFIX, Checkpoint, load
from konkyo.models.preparation.expected import Expected
from konkyo.trainer.document import read
from konkyo.trainer.errors import RunError
from konkyo.trainer.explaining.choices import Explanation
from konkyo.trainer.explaining.images import open_images
from konkyo.trainer.explaining.table import explain, hidings, missing

# Readers of a folder of Parquet files leave out what begins so.
MANIFEST = "_manifest.json"
# Images that are explained at once: enough to fill the matrix products, few enough to bound the memory.
CHUNK = 64


@dataclass(frozen=True)
class Job:
    """What is asked. It travels to the processes that do it; paths must mean the same to all of them.

    Attributes
    ----------
    data
        A file or folder of images, as ``open_images`` reads.
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
        checkpoint = _checkpoint(self.checkpoint, self.sha256)
        images = open_images(self.data, Expected.by(checkpoint))
        parts, end = [], shard * self.shard + self.size(shard)
        for start in range(shard * self.shard, end, CHUNK):
            stop = min(start + CHUNK, end)
            part = explain(checkpoint.precise, images.read(start, stop), start, self.explanations)
            true = images.true(start, stop, checkpoint.network.classes)
            if true is not None:
                part = part.add_column(part.column_names.index("label") + 1, "true", [true])
            parts.append(part if images.names is None else part.append_column("file", [images.names[start:stop]]))
        said = {
            "sha256": self.sha256,
            "classes": checkpoint.network.classes,
            "hidings": hidings(checkpoint.network, self.explanations),
        }
        table = pa.concat_tables(parts).replace_schema_metadata({"konkyo": json.dumps(said)})
        aside = self.path(shard).with_suffix(".writing")
        pq.write_table(table, aside, compression="zstd")
        aside.replace(self.path(shard))
        return shard

    def _manifest(self) -> dict[str, Any]:
        """What makes two jobs the same."""
        checkpoint = _checkpoint(self.checkpoint, self.sha256)
        return {
            "model": checkpoint.name,
            "model_sha256": self.sha256,
            "data_sha256": open_images(self.data, Expected.by(checkpoint)).sha256,
            "images": self.images,
            "shard": self.shard,
            "explanations": list(self.explanations),
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
    """A job over the first so many images, or all, of a file or folder.

    Raises
    ------
    DataError
        There are no images in it, others than the network takes, or some that cannot be read.
    RunError
        The network has no such explanation.
    """
    for one in wanted:
        why = missing(checkpoint.network.architecture, one)
        if why is not None:
            raise RunError(f"{checkpoint.name} has no {one.value}: {why}")
    found = open_images(data.absolute(), Expected.by(checkpoint))
    found.check()
    return Job(
        data=data.absolute(),
        images=min(images or found.count, found.count),
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


def _write(path: Path, data: bytes) -> None:
    aside = path.with_suffix(".writing")
    aside.write_bytes(data)
    aside.replace(path)
