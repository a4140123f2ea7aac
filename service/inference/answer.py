"""From the tensors to the body of an answer: JSON, and behind it the tensors that are wanted in bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import to_json

from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Array
from konkyo.service.inference.outputs import OutputName
from konkyo.service.inference.question import Question

JSON_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Answer:
    """A body, and the length of the JSON in it where bytes follow."""

    body: bytes
    json_length: int | None = None


def model_version(checkpoint: Checkpoint) -> str:
    """A model's one version: other weights are another."""
    return checkpoint.sha256[:12]


def infer_answer(checkpoint: Checkpoint, question: Question, tensors: Mapping[OutputName, Array]) -> Answer:
    """The answer of the Open Inference Protocol."""
    outputs: list[dict[str, Any]] = []
    behind: list[bytes] = []
    for name, in_bytes in question.outputs.items():
        tensor = np.ascontiguousarray(tensors[name], "<f8")
        output: dict[str, Any] = {"name": name, "datatype": "FP64", "shape": tensor.shape}
        if in_bytes:
            behind.append(tensor.tobytes())
            output["parameters"] = {"binary_data_size": tensor.nbytes}
        else:
            output["data"] = tensor.ravel().tolist()
        outputs.append(output)
    head = {"model_name": checkpoint.name, "model_version": model_version(checkpoint)}
    if question.id is not None:
        head["id"] = question.id
    text = to_json({**head, "outputs": outputs})
    return Answer(b"".join([text, *behind]), len(text) if behind else None)


def explain_answer(_: Checkpoint, question: Question, tensors: Mapping[OutputName, Array]) -> Answer:
    """The answer of KServe's first protocol: what was asked for, image by image."""
    columns = [tensors[name].tolist() for name in question.outputs]
    explanations = [dict(zip(question.outputs, row, strict=True)) for row in zip(*columns, strict=True)]
    predictions = tensors[OutputName.LOGITS].argmax(-1).tolist()
    return Answer(to_json({"predictions": predictions, "explanations": explanations}))
