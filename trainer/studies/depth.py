"""What depth buys and what it costs: accuracy against parameters, beside the finest regions whose answers are exact.

Networks of one to three stages, none with more parameters than the paper's, all trained by one recipe, with batch
normalisation, and judged by images kept for that. A deeper network mixes what lies farther apart, so fewer regions fit
into what one cell sees: ``finest`` is the smallest side with which Shapley values over all combinations are answered
for every image.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from typer import Option

from konkyo.models.architecture import Architecture, parse_stages
from konkyo.models.hiding.cost import allowed_sides
from konkyo.trainer import document
from konkyo.trainer.document import table
from konkyo.trainer.studies.recipe import JUDGING
from konkyo.trainer.studies.statistics import Estimate
from konkyo.trainer.studies.trained import TrainingStudy, Work
from konkyo.trainer.training.evaluation import evaluate
from konkyo.trainer.training.recipe import BEST, fitted

FILE = "depth.json"
# The last of each depth has about as many parameters as the paper's network, which is among them with both wirings.
NETWORKS = (
    *("1k5", "3k15", "2k9"),
    *("3k5,3k3", "4k5,5k3", "5k5,7k3", "3k5,3k3q"),
    *("4k3,5k3,6k3p1", "6k3,8k3,9k3p1", "7k3,9k3,9k3n", "8k3,10k3,11k3p1"),
)
NUMBERS = {1: "one stage", 2: "two stages", 3: "three stages"}


@dataclass(frozen=True)
class Settings:
    """The options of the study."""

    seeds: Annotated[int, Option(min=2, help="Seeds for each network, from 1 on.")] = 5
    steps: Annotated[int, Option(min=1, help="Batches that each is trained on.")] = BEST.steps


def _make(settings: Settings, work: Work) -> None:
    from konkyo.trainer.figures import depth as figure

    digits, test = work.data("train"), work.data("t10k")
    training, judging = digits.judging(len(digits) // JUDGING)
    recipe = fitted(BEST, digits, steps=settings.steps, restarts=1, batch_norm=True)
    wanted = {
        stages: Architecture(parse_stages(stages), digits.side, digits.channels, classes=len(digits.about.classes))
        for stages in NETWORKS
    }
    networks = []
    for stages, runs in work.trained(wanted, recipe, settings.seeds, training).items():
        seeds, shape = [one for run in runs for one in run.networks()], wanted[stages]
        networks.append(
            {
                "stages": stages,
                "depth": len(shape.stages),
                "parameters": shape.parameters,
                "finest": min(allowed_sides(shape), default=None),
                "judged": [evaluate(one, judging).accuracy for one in seeds],
                "test": [evaluate(one, test).accuracy for one in seeds],
            }
        )
    found = {"judging": len(judging), "steps": settings.steps, "networks": networks}
    work.tell(told(document.rounded(found)))
    document.write(work.out / FILE, found)
    figure.draw(work.out / "depth.png", found)
    work.written(work.out / FILE, work.out / "depth.png")


def told(found: Mapping[str, Any]) -> Iterator[str]:
    """The study's JSON in Markdown: the best of each depth, and a row for each network."""
    networks, chance = found["networks"], 196 * (0.987 * 0.013 / found["judging"]) ** 0.5
    yield (
        f"{len(networks)} networks with no more parameters than the paper's, {len(networks[0]['judged'])} seeds each, "
        f"one start, {found['steps']:,} steps, with batch normalisation, else by our recipe. {found['judging']:,} "
        "training images judge; no network was trained on them. Means with half of their 95 % interval over seeds, by "
        "Student's t. Other images would give other accuracies: at 98.7 %, that of one network on "
        f"{found['judging']:,} images has itself a 95 % interval of ±{chance:.2f} points. Finest regions: the smallest "
        "with which Shapley values over all combinations are answered for every image; drawings, of which hiding "
        "changes few, may allow "
        "finer ones."
    )
    yield ""
    for depth, words in NUMBERS.items():
        ours = [one for one in networks if one["depth"] == depth]
        best = max(ours, key=lambda one: Estimate.of(one["judged"]).mean)
        yield (
            f"- By the images that judge, the best with {words} is `{best['stages']}`: right on {_share(best['test'])} "
            f"of the test images; its finest regions have {finest(best)} pixels."
        )
    yield ""
    rows = [
        (
            f"`{one['stages']}`",
            f"{one['depth']}",
            f"{one['parameters']:,}",
            _share(one["judged"]),
            _share(one["test"]),
            finest(one),
        )
        for one in networks
    ]
    yield from table(("network", "stages", "parameters", "judged", "test", "finest regions"), rows)


def _share(values: list[float]) -> str:
    estimate = Estimate.of(values)
    return f"{100 * estimate.mean:.2f} ± {100 * estimate.interval:.2f} %"


def finest(one: Mapping[str, Any]) -> str:
    """The finest regions of a network, as it is written."""
    return "–" if one["finest"] is None else f"{one['finest']}×{one['finest']}"


STUDY = TrainingStudy(
    name="depth",
    about="Train networks of one to three stages: what does depth buy, and how fine do exact answers remain?",
    settings=Settings,
    make=_make,
)
