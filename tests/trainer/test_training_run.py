"""Runs: what they train, how they go on where they were, and several starts of a seed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from benchmarks.twin import Twin
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import RunError
from konkyo.trainer.training import run as train
from konkyo.trainer.training.network import Ensemble, at_random, exported
from konkyo.trainer.training.recipe import PAPER, Recipe, Schedule
from tests.helpers.oracles import PAIRED, SUMMED
from tests.helpers.refuse import refuses
from tests.helpers.runs import SHORT, finished, listed, outcome, run_of


def test_is_adam_on_shuffled_batches(few: Labelled, tmp_path: Path) -> None:
    """The recipe once more, with Adam's formula written out (Kingma and Ba, algorithm 1)."""
    run = finished(run_of(PAIRED, SHORT, [5], few, tmp_path / "state.pt"))

    torch.manual_seed(5)
    network = Twin(PAIRED)
    parameters = list(network.parameters())
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    training, validation = few.split(100)
    images, labels = (
        torch.from_numpy(training.scaled(np.float32))[:, None],
        torch.from_numpy(training.labels.astype(int)),
    )
    losses = []
    for step in range(1, 41):
        epoch, batch = divmod(step - 1, 25)
        order = np.random.default_rng([0, epoch]).permutation(500)
        which = order[20 * batch : 20 * batch + 20]
        loss = -F.log_softmax(network(images[which]), 1)[torch.arange(20), labels[which]].mean()
        gradients = torch.autograd.grad(loss, parameters)
        losses.append(loss.item())
        with torch.no_grad():
            for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).add_(g * g, alpha=0.001)
                p.sub_(0.01 * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8))

    expected = exported(PAIRED, network.state_dict()).weights
    last = exported(run.wanted.architecture, run.ensemble.network(0))
    for name, array in last.weights.items():
        np.testing.assert_allclose(array, expected[name], rtol=0, atol=2e-6, err_msg=name)
    assert [entry["step"] for entry in run.history] == [10, 20, 30, 40]
    assert [entry["loss"][0] for entry in run.history] == pytest.approx(
        [losses[step - 1] for step in (10, 20, 30, 40)], 1e-3
    )
    right = (last.logits(validation.scaled(np.float32)).argmax(-1) == validation.labels).sum()
    assert run.history[-1]["validation"] == [right / 100]


# Of these three starts with this learning rate one never learns, and the others get better and worse.
UNEVEN = replace(SHORT, learning_rate=0.03)


@pytest.mark.parametrize("schedule", Schedule)
def test_keeps_the_earliest_of_the_best_and_after_one_cycle_the_last(
    schedule: Schedule, few: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And reports now and then and at each validation."""
    monkeypatch.setattr(train, "REPORT_EVERY", 15)
    run = run_of(SUMMED, replace(UNEVEN, steps=35, schedule=schedule), [1, 2, 3], few, tmp_path / "state.pt")
    told, there = [], {}
    for progress in run.train():
        told.append((progress.step, progress.validation))
        there[progress.step] = [
            listed(exported(SUMMED, run.ensemble.network(which)).weights) for which in range(len(run.seeds))
        ]
    scores = {entry["step"]: entry["validation"] for entry in run.history}
    assert told == [(step, max(scores[step // 10 * 10 if step < 35 else 35])) for step in (10, 15, 20, 30, 35)]
    for which, best in enumerate(run.best):
        # max() gives the first of several.
        expected = max(scores, key=lambda step: scores[step][which]) if schedule is Schedule.CONSTANT else 35
        assert (best.step, best.validation) == (expected, scores[expected][which])
        assert listed(run.reached.network(which).weights) == there[expected][which]
    if schedule is Schedule.CONSTANT:
        never, _, third = run.best
        assert {values[0] for values in scores.values()} == {never.validation}
        assert scores[35][2] < third.validation


def test_ends_when_no_seed_has_improved_for_some_validations(few: Labelled, tmp_path: Path) -> None:
    """As a run to the end shows it, in which one of two improves for longer."""
    long = replace(UNEVEN, steps=100)
    scores = np.array(
        [entry["validation"] for entry in finished(run_of(SUMMED, long, [1, 2], few, tmp_path / "long.pt")).history]
    )
    bests = [[scores[: end + 1, which].argmax() for which in range(2)] for end in range(len(scores))]
    last = next(end for end, two in enumerate(bests) if all(end - best >= 2 for best in two))
    assert 2 < last < len(scores) - 1
    for _ in range(2):  # and is not resumed
        run = finished(run_of(SUMMED, replace(long, patience=2), [1, 2], few, tmp_path / "state.pt"))
        assert (run.step, run.finished) == (10 * (last + 1), True)
        assert [best.step for best in run.best] == [10 * (best + 1) for best in bests[last]]
    # One cycle ends where it is best, and is not cut short.
    cycle = replace(UNEVEN, patience=2, schedule=Schedule.ONE_CYCLE)
    assert finished(run_of(SUMMED, cycle, [1], few, tmp_path / "cycle.pt")).step == 40


def test_an_empty_image_is_the_background_of_one(few: Labelled, tmp_path: Path) -> None:
    """The median of its border in each channel, as the first loss of a start shows it."""
    noise = np.random.default_rng(2).integers(0, 256, few.images.shape)
    colour = Labelled(np.stack([few.images, 255 - few.images, noise], 1).astype(np.uint8), few.labels)
    architecture = replace(SUMMED, channels=3)
    recipe = replace(SHORT, steps=1, neutral=True)
    run = finished(run_of(architecture, recipe, [5], colour, tmp_path / "state.pt"))

    torch.manual_seed(5)
    network = Twin(architecture)
    training, _ = colour.split(100)
    which = np.random.default_rng([0, 0]).permutation(500)[:20]
    images = torch.from_numpy(training.scaled(np.float32)[which])
    inside = np.zeros((28, 28), bool)
    inside[1:-1, 1:-1] = True
    shades = [float(np.median(channel.numpy()[~inside])) for channel in images[0]]
    assert shades[:2] == [0, 1]
    assert 0 < shades[2] < 1
    empty = torch.tensor(shades)[:, None, None].expand(1, 3, 28, 28)
    loss = -F.log_softmax(network(images), 1)[torch.arange(20), torch.from_numpy(training.labels[which]).long()].mean()
    loss = loss - F.log_softmax(network(empty), 1).mean() / 20
    assert run.history[0]["loss"] == pytest.approx([loss.item()], 1e-5)


def test_refuses_to_go_on_without_a_loss(few: Labelled, tmp_path: Path) -> None:
    recipe = Recipe(steps=40, batch=20, learning_rate=1e30, held_out=100, evaluate_every=10)
    run = run_of(SUMMED, recipe, [1], few, tmp_path / "state.pt")
    with refuses(RunError, "the loss is nan at step 10: a smaller learning rate is needed"):
        finished(run)
    assert not (tmp_path / "state.pt").exists()


def test_refuses_too_few_images(few: Labelled, tmp_path: Path) -> None:
    with refuses(RunError, "a batch of 20 needs as many images; 19 are left for training"):
        run_of(SUMMED, SHORT, [1], few[:119], tmp_path / "state.pt")


def test_one_cycle_rises_and_falls_to_nothing() -> None:
    recipe = Recipe(steps=100, learning_rate=2.0, schedule=Schedule.ONE_CYCLE)
    sizes = [recipe.learning_rate_at(step) for step in range(100)]
    assert sizes[:10] == pytest.approx([2 * (step + 1) / 11 for step in range(10)])
    assert sizes[10] == 2
    assert sizes[55] == pytest.approx(1)
    assert sizes == sorted(sizes[:11]) + sorted(sizes[11:], reverse=True)
    assert 0 < sizes[-1] < 1e-3


def test_the_learning_rate_is_the_schedules(few: Labelled, tmp_path: Path) -> None:
    """Adam's first step is as long as the learning rate, wherever the gradient is not tiny."""
    recipe = Recipe(steps=30, batch=20, learning_rate=0.03, held_out=100, schedule=Schedule.ONE_CYCLE)
    run = run_of(SUMMED, replace(recipe, evaluate_every=1), [1], few, tmp_path / "state.pt")
    before = run.ensemble.network(0)["affine.bias"]
    next(run.train())
    change = (run.ensemble.network(0)["affine.bias"] - before).abs()
    assert change.tolist() == pytest.approx([0.0075] * 10, rel=1e-3)


def test_the_loss_asks_for_the_label_for_few_errors_and_for_nothing_where_nothing_is(
    few: Labelled, tmp_path: Path
) -> None:
    """The loss once more, and gradients by autograd of it alone."""
    recipe = replace(SHORT, neutral=True, error_rate_loss=0.8, steps=10)
    run = finished(run_of(PAIRED, recipe, [5], few, tmp_path / "state.pt"))

    torch.manual_seed(5)
    network = Twin(PAIRED)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    training, _ = few.split(100)
    images = torch.from_numpy(training.images)[:, None] / 255
    labels = torch.from_numpy(training.labels).long()
    order = np.random.default_rng([0, 0]).permutation(500)
    for batch in range(10):
        which = order[20 * batch : 20 * batch + 20]
        shares = F.softmax(network(images[which]), 1)[torch.arange(20), labels[which]]
        grown = 0.8 * min(max((batch - 3) / 6, 0), 1)
        loss = (1 - grown) * -shares.log().mean() + grown * 4 * (1 - shares.mean())
        loss = loss - F.log_softmax(network(torch.zeros(1, 1, 28, 28)), 1).mean() / 20
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert run.history[-1]["loss"][0] == pytest.approx(loss.item(), 1e-3)
    for key, array in exported(PAIRED, network.state_dict()).weights.items():
        np.testing.assert_allclose(
            exported(run.wanted.architecture, run.ensemble.network(0)).weights[key],
            array,
            rtol=0,
            atol=1e-5,
            err_msg=key,
        )


def test_images_are_changed_anew_in_each_step(few: Labelled, tmp_path: Path) -> None:
    """Of a network that stays as it is, on batches of the same images; those that validate have eight copies."""
    still = replace(SHORT, steps=4, evaluate_every=1, learning_rate=1e-30)

    def history(augmented: bool) -> list[dict[str, Any]]:
        recipe = replace(still, augmented=augmented)
        return finished(run_of(SUMMED, recipe, [5], few[:120], tmp_path / f"{augmented}.pt")).history

    plain, changed = history(False), history(True)
    losses = [entry["loss"][0] for entry in plain]
    assert losses == pytest.approx(losses[:1] * 4, 1e-6)
    losses = [entry["loss"][0] for entry in changed]
    assert min(np.diff(np.sort(losses))) > 1e-4
    [plain_score], [score] = plain[-1]["validation"], changed[-1]["validation"]
    assert plain_score * 100 == pytest.approx(round(plain_score * 100))
    assert score * 900 == pytest.approx(round(score * 900))
    assert round(score * 900) % 9


def test_a_recipe_names_its_loss() -> None:
    assert PAPER.loss == "cross-entropy with the labels"
    assert replace(PAPER, error_rate_loss=0.5, neutral=True).loss == (
        "cross-entropy with the labels; from 30% of the steps on replaced by the error rate, 1 − the label's "
        "probability, up to 50% at 90% of them; in each batch, an empty image with equal probabilities for all classes"
    )


RESTARTS = replace(SHORT, restarts=5, rung=10)


@pytest.mark.parametrize("recipe", [SHORT, replace(RESTARTS, rung=15, batch_norm=True, augmented=True)])
def test_interrupted_and_resumed_it_ends_with_the_same_bits(recipe: Recipe, few: Labelled, tmp_path: Path) -> None:
    """Stopped before a rung's end and at it, while there are several starts, and where one is left."""
    whole = outcome(finished(run_of(PAIRED, recipe, [1, 2], few, tmp_path / "whole.pt")))
    for stop in (10, 20, 30):
        torch.rand(stop)  # what else drew random numbers must not matter
        for progress in run_of(PAIRED, recipe, [1, 2], few, tmp_path / "state.pt").train():
            if progress.step == stop:
                break
    resumed = run_of(PAIRED, recipe, [1, 2], few, tmp_path / "state.pt")
    assert resumed.step == 30
    assert outcome(finished(resumed)) == whole


def test_an_interruption_loses_what_came_after_the_last_validation(
    few: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "REPORT_EVERY", 1)
    whole = outcome(finished(run_of(SUMMED, SHORT, [1], few, tmp_path / "whole.pt")))
    for stop, kept in ((7, 0), (19, 10), (33, 30)):
        for progress in run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt").train():
            if progress.step == stop:
                break
        assert (tmp_path / "state.pt").exists() == (kept > 0)
        assert run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt").step == kept
    assert outcome(finished(run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt"))) == whole
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["state.pt", "whole.pt"]


def test_refuses_the_state_of_another_run(few: Labelled, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    next(iter(run_of(SUMMED, SHORT, [1], few, state).train()))
    identity = (
        "{'architecture': {'stages': '3k5,3k3', 'side': 28, 'channels': 1, 'hidden': [], 'classes': 10}, "
        "'recipe': {'steps': 40, 'batch': 20, "
        "'learning_rate': 0.01, 'held_out': 100, 'evaluate_every': 10, 'schedule': 'constant', "
        "'error_rate_loss': 0.0, 'neutral': False, 'augmented': False, 'restarts': 1, 'rung': 0, 'patience': 0, "
        "'batch_norm': False}, "
        f"'seeds': [1], 'images': '{few.sha256}'}}"
    )
    message = (
        f"{state} is a run of another architecture or recipe, or on other images: {identity}. "
        "Train under another name or delete the file"
    )
    for architecture, recipe, seed, images in (
        (PAIRED, SHORT, 1, few),
        (SUMMED, replace(SHORT, steps=50), 1, few),
        (SUMMED, SHORT, 2, few),
        (SUMMED, SHORT, 1, few[:599]),
    ):
        with refuses(RunError, message):
            run_of(architecture, recipe, [seed], images, state)
    assert run_of(SUMMED, SHORT, [1], few, state).step == 10


def test_refuses_a_state_that_is_damaged_incomplete_or_something_else(few: Labelled, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    next(iter(run_of(SUMMED, SHORT, [1], few, state).train()))
    whole, parts = state.read_bytes(), torch.load(state, weights_only=True)
    for content in (b"", b"not a state", whole[: len(whole) // 2], whole[:-1]):
        state.write_bytes(content)
        with pytest.raises(RunError) as caught:
            run_of(SUMMED, SHORT, [1], few, state)
        assert str(caught.value).startswith(f"{state} cannot be read (")
        assert str(caught.value).endswith("); delete it to start this run again")
    for part in set(parts) - {"identity", "finished"}:
        torch.save({name: value for name, value in parts.items() if name != part}, state)
        with refuses(RunError, f"{state} cannot be read (KeyError('{part}')); delete it to start this run again"):
            run_of(SUMMED, SHORT, [1], few, state)
    for other in ([1, 2], {"step": 3}):
        torch.save(other, state)
        with refuses(RunError, f"{state} holds no run; delete it to start this run again"):
            run_of(SUMMED, SHORT, [1], few, state)


def test_a_state_is_never_unpickled(few: Labelled, tmp_path: Path) -> None:
    """torch.load would run what is in it, were it not told to take weights only."""
    torch.save(Bomb(), tmp_path / "state.pt")
    with pytest.raises(RunError):
        run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt")
    assert Bomb.exploded == 0
    torch.load(tmp_path / "state.pt", weights_only=False)
    assert Bomb.exploded == 1


class Bomb:
    exploded = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _explode, ()


def _explode() -> None:
    Bomb.exploded += 1


def test_the_half_with_the_least_losses_goes_on_as_if_it_had_been_alone(
    few: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of five starts two are left after the first rung and one after the second; losses count from half of a rung on.

    A seed's own start is among them, and Adam's memory goes on as well. Of these seeds, whole rungs would leave others.
    """
    several = finished(run_of(SUMMED, RESTARTS, [11, 13], few, tmp_path / "several.pt"))
    assert [len(entry["validation"]) for entry in several.history] == [4, 2, 2, 2]
    monkeypatch.setattr(train, "REPORT_EVERY", 1)
    for which, seed in enumerate(several.seeds):
        torch.manual_seed(seed)
        starts = [at_random(SUMMED) for _ in range(5)]
        losses, ends = [], []
        for number, start in enumerate(starts):
            run = run_of(SUMMED, SHORT, [seed], few, tmp_path / f"{seed}-{number}.pt")
            run.ensemble.load_state_dict(Ensemble(SUMMED, [start]).state_dict())
            losses.append([progress.loss for progress in run.train()])
            ends.append(run.ensemble.network(0))
        two = sorted(range(5), key=lambda number: sum(losses[number][5:10]))[:2]
        one = min(two, key=lambda number: sum(losses[number][15:20]))
        for name, weights in several.ensemble.network(which).items():
            np.testing.assert_allclose(weights, ends[one][name], rtol=0, atol=1e-4, err_msg=name)


def test_a_run_no_longer_than_its_rung_has_one_network_a_seed(few: Labelled, tmp_path: Path) -> None:
    run = finished(run_of(SUMMED, replace(RESTARTS, restarts=2, rung=3_000), [4, 5], few, tmp_path / "state.pt"))
    assert run.ensemble.size == 2
    assert [best.step for best in run.best] == [40, 40]
