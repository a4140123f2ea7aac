"""``python -m tools.upgrading CHECKOUT``: asks the version in a checkout, and this one, the same hundred questions.

Prints, as Markdown, which fields of the answers changed and how. For docs/upgrading.md.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from math import isclose
from pathlib import Path
from typing import Any

from support.folders import ROOT

NETWORKS = "paired-3x3", "summed-3x3", "lenet-6x16", "deep-7x9x9", "animals-3x3", "animals-6x16", "tiny-vgg"
# Read in the folder of a version, so that `import konkyo` is that version's.
ASK = """
import inspect, json, re, subprocess, sys
import konkyo
from fastapi.testclient import TestClient
from konkyo.service.app import create_app
from konkyo.service.settings import Settings

sys.stdout, out = sys.stderr, sys.stdout
asked, digits = json.loads(sys.stdin.read())
answers = []
with TestClient(create_app(Settings())) as client:
    for method, path, image in asked:
        given = {"files": {"file": open(f"{digits}/{image}.png", "rb").read()}} if image else {}
        answer = client.request(method, path, **given)
        is_json = "json" in answer.headers["content-type"]
        answers.append([answer.status_code, answer.json() if is_json else answer.content.hex()])
    document = client.get("/openapi.json").json()
options = {
    f"{method.upper()} {path} {one['name']}": json.dumps(one["schema"].get("default"))
    for path, methods in document["paths"].items()
    for method, operation in methods.items()
    for one in operation.get("parameters", [])
}
options |= {f"setting {name}": repr(field.default) for name, field in Settings.model_fields.items() if name != "models"}
options |= {
    f"konkyo.{name} {one.name}": repr(one.default)
    for name in konkyo.__all__
    if callable(getattr(konkyo, name)) and not isinstance(getattr(konkyo, name), type)
    for one in inspect.signature(getattr(konkyo, name)).parameters.values()
}
for command in "serve", "train", "calibrate", "import", "explain", "study", "report":
    said = subprocess.run([sys.executable, "-m", "konkyo", command, "--help"], capture_output=True, text=True).stdout
    options |= {f"konkyo {command} {name}": "" for name in re.findall(r"(--[a-z][a-z-]+)", said)}
json.dump([answers, options], out)
"""

Asked = tuple[str, str, str | None]


def questions() -> list[Asked]:
    """The method, the path with its query, and the image."""
    digits = {name: "giraffe" if name.startswith("animals") else "7" for name in NETWORKS}
    kinds = "predict", "explain/filters", "explain/occlusion", "explain/shapley", "explain/grounds", "explain/process"
    asked: list[Asked] = [
        ("POST", f"/{kind}?model={name}&fit=auto", digits[name]) for name, kind in product(NETWORKS, kinds)
    ]
    asked += [("GET", f"/models/{name}{part}", None) for name in NETWORKS for part in ("", "/filters", "/weights")]
    asked += [("GET", path, None) for path in ("/models", "/healthz", "/readyz", "/v2", "/v2/models/paired-3x3")]
    options = (
        "predict?format=png",
        "predict?format=svg&language=ja",
        "predict?format=png&language=en",
        "explain/filters?target=3&versus=7",
        "explain/filters?maps=full",
        "explain/filters?top=3",
        "explain/filters?format=png&maps=none",
        "explain/occlusion?region=4&stride=1",
        "explain/occlusion?fill=blur&score=probability",
        "explain/occlusion?region=7&pairs=true",
        "explain/occlusion?region=7&faithfulness=true",
        "explain/occlusion?format=png&faithfulness=false",
        "explain/shapley?versus=3",
        "explain/shapley?interactions=true",
        "explain/shapley?region=7&pairs=true&fill=0.5",
        "explain/shapley?format=svg&interactions=true",
        "explain/grounds?fill=background",
        "explain/grounds?hide=2.4-4.3",
        "explain/process?top=2",
        "explain/grounds?region=1",
        "explain/shapley?region=40",
        "predict?model=resnet",
        "explain/filters?target=11",
        "explain/filters?target=7&versus=7",
        "predict?fit=wrong",
    )
    asked += [("POST", f"/{path}", image) for path, image in zip(options, "7" * len(options), strict=True)]
    asked += [("POST", "/explain/grounds", f"misread-{number}") for number in ("4429", "8160", "9019")]
    asked += [("POST", "/predict", str(digit)) for digit in range(4)]
    return asked


def answers(checkout: Path, asked: list[Asked]) -> Any:
    """Each with its status; and the default of each option."""
    given = json.dumps([asked, str(ROOT / "docs" / "digits")])
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(command, cwd=checkout, input=given, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """(field, place, value): what is at the ends; the field has no indices."""
    if isinstance(value, dict):
        for key, item in value.items():
            for field, place, leaf in leaves(item, f"{path}/{key}"):
                yield f"{key}.{field}".rstrip("."), place, leaf
    elif isinstance(value, list):
        for number, item in enumerate(value):
            for field, place, leaf in leaves(item, f"{path}/{number}"):
                yield field, place, leaf
    else:
        yield "", path, value


def compared(old: Any, new: Any, temperature: float) -> Iterator[tuple[str, str]]:
    """(field, what became of it), for each leaf."""
    before = {place: (field, leaf) for field, place, leaf in leaves(old)}
    after = {place: (field, leaf) for field, place, leaf in leaves(new)}
    for place in before.keys() | after.keys():
        field = (after.get(place) or before[place])[0]
        if place not in before or place not in after:
            yield field, "new" if place in after else "gone"
            continue
        one, other = before[place][1], after[place][1]
        number = isinstance(one, float) and isinstance(other, float)
        if one == other or (number and isclose(one, other, rel_tol=1e-4, abs_tol=1e-9)):
            yield field, "as before"
        elif (
            number
            and temperature != 1
            and "probabilit" not in field
            and isclose(one, other * temperature, rel_tol=1e-4, abs_tol=1e-6)
        ):
            yield field, "divided by T"
        else:
            yield field, "another number" if number else "another value"


def main() -> None:
    """Print what changed."""
    asked = questions()
    (old, before), (new, after) = (answers(checkout, asked) for checkout in (Path(sys.argv[1]), ROOT))
    temperatures = {
        path.split("/")[2]: answer["temperature"] or 1.0
        for (_, path, _), (_, answer) in zip(asked, new, strict=True)
        if path.startswith("/models/") and "temperature" in answer
    }
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    same, lines = 0, []
    for (method, path, _), (status, answer), (status_now, answer_now) in zip(asked, old, new, strict=True):
        name = next((one for one in NETWORKS if one in path), NETWORKS[0])
        operation = f"{method} {path.partition('?')[0].replace(f'/{name}', '/{name}')}"
        if status != status_now:
            lines.append(f"| `{method} {path}` | {status} | {status_now} |")
        elif isinstance(answer, str):
            same += answer == answer_now
            found[operation]["as before" if answer == answer_now else "another value"].add("the picture")
        else:
            kinds = list(compared(answer, answer_now, temperatures[name]))
            same += all(kind == "as before" for _, kind in kinds)
            for field, kind in kinds:
                found[operation][kind].add(f"`{field}`")
    print(f"{len(asked)} questions, {same} with the same answer in every field.\n\n| | | |\n|---|---|---|")
    for operation, became in found.items():
        changed = {kind: fields for kind, fields in sorted(became.items()) if kind != "as before"}
        for kind, fields in changed.items():
            print(f"| `{operation}` | {kind} | {', '.join(sorted(fields))} |")
        if not changed:
            print(f"| `{operation}` | as before | all |")
    print("\n| asked | before | now |\n|---|--:|--:|", *lines, sep="\n")
    print("\n| option | |\n|---|---|")
    for name in sorted(before.keys() | after.keys()):
        if name not in after or name not in before:
            print(f"| `{name}` | {'new' if name in after else 'gone'} |")
        elif before[name] != after[name]:
            print(f"| `{name}` | by default `{after[name]}`, was `{before[name]}` |")


if __name__ == "__main__":
    main()
