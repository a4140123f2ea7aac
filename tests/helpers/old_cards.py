"""Cards as older versions have them: no temperature, before version 4 two stages, before version 3 MNIST only."""

from typing import Any

from tests.helpers.documents import TINY, changed

FIRST, SECOND = TINY.stages


def older(version: int, **fields: Any) -> dict[str, Any]:
    """The tiny document as a card of version 1, 2, 3 or 4 has it."""
    says: dict[str, Any] = changed(format_version=version)
    del says["temperature"], says["calibration"]
    if version == 4:
        return {**says, **fields}
    del says["stages"], says["head"]
    says["input"] = {"side": 28, "range": [0, 1], "polarity": "light-on-dark"}
    architecture = {
        "wiring": SECOND.wiring.value,
        "conv1_filters": FIRST.filters,
        "conv2_filters": SECOND.filters,
        "conv1_kernel": FIRST.kernel,
        "conv2_kernel": SECOND.kernel,
        "conv2_bias": SECOND.bias,
    }
    says["architecture"] = {**architecture, "classes": 10} if version > 2 else architecture
    if version < 3:
        for field in ("classes", "preprocessing", "polarity", "warnings"):
            del says[field]
        says["dataset"] = {"t10k": "0f"}
        probe = says["probe"]
        says["probe"] = {"image": probe["image"], "digit": probe["predicted"], "logits": probe["logits"]}
    if version == 1:
        del says["training"]
    return {**says, **fields}
