"""Makes each call of the package ``generated``, which openapi-python-client made of the service's document.

It runs in an environment that has that package and nothing of ours: ``python generated_calls.py URL IMAGE``.
"""

import importlib
import inspect
import json
import pkgutil
import sys
import typing
from pathlib import Path
from typing import Any

NAME = "paired-3x3"


def main(url: str, image: Path) -> None:
    """Print a JSON object: for each call its status, the class of what was parsed, and whether nothing was lost."""
    package = importlib.import_module("generated")
    api, types = importlib.import_module("generated.api"), importlib.import_module("generated.types")
    # A client that knows no key, which checks what it gets.
    client = package.Client(base_url=url, raise_on_unexpected_status=True)
    found = {}
    for one in pkgutil.walk_packages(api.__path__, "generated.api."):
        module = importlib.import_module(one.name)
        if not hasattr(module, "sync_detailed"):
            continue
        hints = typing.get_type_hints(module.sync_detailed)
        assert package.Client in typing.get_args(hints["client"]), f"{one.name} takes no client without a key"
        given: dict[str, Any] = {"client": client}
        if "name" in inspect.signature(module.sync_detailed).parameters:
            given["name"] = NAME
        if "body" in hints:
            given["body"] = body(hints["body"], types, image)
        answer = module.sync_detailed(**given)
        right = json.loads(answer.content)
        kept = answer.parsed.to_dict() == right
        found[one.name.rpartition(".")[2]] = [int(answer.status_code), type(answer.parsed).__name__, kept]
    sys.stdout.write(json.dumps(found))


def body(hint: Any, types: Any, image: Path) -> Any:
    """The image as a file of a form, or as numbers of a tensor."""
    [kind, *_] = typing.get_args(hint) or [hint]
    pixels = [0.0] * 784
    if kind.__name__ == "InferRequest":
        tensor = {"name": "images", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": pixels}
        return kind.from_dict({"inputs": [tensor], "outputs": [{"name": "logits"}]})
    if kind.__name__ == "ExplainRequest":
        return kind.from_dict({"instances": [pixels], "outputs": ["shapley"]})
    return kind(file=types.File(payload=image.open("rb"), file_name=image.name, mime_type="image/png"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
