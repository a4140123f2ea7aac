"""Whether probabilities mean what they say: how often a network is right where it says so, with and without its
temperature.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from konkyo.models.network import Network
from konkyo.trainer.data import Labelled
from konkyo.trainer.document import between, table
from konkyo.trainer.studies.study import Arrays, Asked, Compute, Study, chunks, joined
from konkyo.trainer.training.logits import SURE, Reliability

# Images a part.
CHUNK = 1000


@dataclass(frozen=True)
class CalibrationStudy:
    """The reliability ``before``, with the logits as they were trained, and ``after``, as they are published."""

    temperature: float
    before: Reliability
    after: Reliability


def _parts(asked: Asked) -> dict[str, Compute]:
    network = asked.checkpoint.precise
    return {f"{start}": partial(_part, network, some) for start, some in chunks(asked.labelled, CHUNK)}


def _part(network: Network, labelled: Labelled) -> Arrays:
    return {"logits": network.logits(labelled.scaled(np.float64)), "labels": labelled.labels.astype(np.intp)}


def _gather(asked: Asked, done: Sequence[Arrays]) -> CalibrationStudy:
    found, temperature = joined(done), asked.checkpoint.card.temperature or 1.0
    logits, labels = found["logits"], found["labels"]
    return CalibrationStudy(temperature, Reliability.of(temperature * logits, labels), Reliability.of(logits, labels))


def _summary(_: Asked, found: CalibrationStudy) -> dict[str, Any]:
    return {
        "images": len(found.after.right),
        "temperature": found.temperature,
        "before": _listed(found.before),
        "after": _listed(found.after),
    }


def _listed(of: Reliability) -> dict[str, Any]:
    counts, confidence, right = of.bins
    bins = [
        {"images": count, "confidence": said, "right": true} if count else {"images": 0}
        for count, said, true in zip(counts.tolist(), confidence.tolist(), right.tolist(), strict=True)
    ]
    return {"nll": of.nll, "ece": of.ece, "sure": of.sure, "bins": bins}


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"Of {found['images']:,} test images; the calibration error is over {len(found['after']['bins'])} bins."
    yield ""
    rows = [
        (
            words,
            f"{found['temperature'] if words == 'published' else 1:.3f}",
            f"{of['nll']:.4f}",
            f"{of['ece']:.2%}",
            f"{of['sure']:.1%}",
        )
        for words, of in (("as trained", found["before"]), ("published", found["after"]))
    ]
    head = "", "temperature", "negative log-likelihood", "expected calibration error", f"more than {SURE:.2%}"
    yield from table(head, rows)


def _row(found: Mapping[str, Any]) -> dict[str, str]:
    before, after = found["before"], found["after"]
    return {
        "images": f"{found['images']:,}",
        "temperature": f"{found['temperature']:.3f}",
        "negative log-likelihood, as trained": f"{before['nll']:.4f}",
        "negative log-likelihood, published": f"{after['nll']:.4f}",
        "expected calibration error, as trained": f"{before['ece']:.2%}",
        "expected calibration error, published": f"{after['ece']:.2%}",
    }


def _answer(all_found: Sequence[Mapping[str, Any]]) -> str:
    before, after = (between([one[when]["ece"] for one in all_found], ".2%") for when in ("before", "after"))
    return f"Expected calibration error of what is published: {after}. As trained: {before}."


STUDY = Study(
    name="calibration",
    heading="Whether probabilities mean what they say",
    about="Predict every test image: how often are predictions right that say so, before and after the temperature?",
    parts=_parts,
    gather=_gather,
    summary=_summary,
    told=_told,
    row=_row,
    answer=_answer,
    settings={"chunk": CHUNK},
    caption="Share of correct predictions against the probability",
)
