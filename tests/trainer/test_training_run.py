"""Runs: what they train, how they go on where they were, and several starts of a seed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

pytest.importorskip("torch")

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import DataError, RunError
from konkyo.trainer.training import run as train
from konkyo.trainer.training.augmentation import tensors
from konkyo.trainer.training.network import Ensemble, TrainableNetwork
from konkyo.trainer.training.recipe import PAPER, Recipe, Schedule
from konkyo.trainer.training.run import Run
from tests.helpers.oracles import PAIRED, SUMMED, title
from tests.helpers.refuse import refuses
from tests.helpers.runs import SHORT, finished, listed, outcome, run_of


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_is_adam_on_shuffled_batches(architecture: Architecture, few: Digits, tmp_path: Path) -> None:
    """The recipe once more, with Adam's formula written out (Kingma and Ba, algorithm 1)."""
    run = finished(run_of(architecture, SHORT, [5], few, tmp_path / "state.pt"))

    torch.manual_seed(5)
    network = TrainableNetwork(architecture)
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

    expected = network.export().weights
    last = run.ensemble.network(0).export()
    for name, array in last.weights.items():
        np.testing.assert_allclose(array, expected[name], rtol=0, atol=2e-6, err_msg=name)
    assert [entry["step"] for entry in run.history] == [10, 20, 30, 40]
    assert [entry["loss"][0] for entry in run.history] == pytest.approx(
        [losses[step - 1] for step in (10, 20, 30, 40)], 1e-3
    )
    right = (last.logits(validation.scaled(np.float32)).argmax(-1) == validation.labels).sum()
    assert run.history[-1]["validation"] == [right / 100]


def test_keeps_the_earliest_of_the_best(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.5, 0.7, 0.7, 0.6])
    monkeypatch.setattr(train, "accuracies", lambda *_: [next(scores)])
    run = run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt")
    for progress in run.train():
        if progress.step == 20:
            there = listed(run.ensemble.network(0).export().weights)
    assert [(best.validation, best.step) for best in run.best] == [(0.7, 20)]
    assert listed(run.reached.network(0).weights) == there
    assert listed(run.ensemble.network(0).export().weights) != there


def test_ends_when_no_seed_has_improved_for_some_validations(
    few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = [[0.5, 0.6], [0.7, 0.6], [0.7, 0.8], [0.6, 0.8], [0.7, 0.7], [0.9, 0.9]]
    given = iter(scores)
    monkeypatch.setattr(train, "accuracies", lambda *_: next(given))
    patient = replace(SHORT, steps=100, patience=2)
    run = finished(run_of(SUMMED, patient, [1, 2], few, tmp_path / "state.pt"))
    assert (run.step, run.finished) == (50, True)
    assert [(best.validation, best.step) for best in run.best] == [(0.7, 20), (0.8, 30)]
    assert finished(run_of(SUMMED, patient, [1, 2], few, tmp_path / "state.pt")).step == 50, "and is not resumed"
    # One cycle ends where it is best, and is not cut short.
    given = iter([[0.5]] * 4)
    cycle = replace(SHORT, patience=2, schedule=Schedule.ONE_CYCLE)
    assert finished(run_of(SUMMED, cycle, [1], few, tmp_path / "cycle.pt")).step == 40


def test_an_empty_image_is_the_background_of_one(few: Digits) -> None:
    """The median of its border in each channel: black for digits."""
    image = torch.rand(3, 9, 9, generator=torch.Generator().manual_seed(2))
    found = train._empty(image)
    inside = np.zeros((9, 9), bool)
    inside[1:-1, 1:-1] = True
    expected = [np.median(channel.numpy()[~inside]) for channel in image]
    np.testing.assert_allclose(found.numpy(), np.broadcast_to(np.array(expected)[:, None, None], (3, 9, 9)), rtol=1e-6)
    assert not train._empty(tensors(few)[0][0]).any()


def test_after_one_cycle_the_last_weights_are_kept(
    few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.5, 0.7, 0.9, 0.6])
    monkeypatch.setattr(train, "accuracies", lambda *_: [next(scores)])
    run = finished(run_of(SUMMED, replace(SHORT, schedule=Schedule.ONE_CYCLE), [1], few, tmp_path / "state.pt"))
    assert [(best.validation, best.step) for best in run.best] == [(0.6, 40)]
    assert listed(run.reached.network(0).weights) == listed(run.ensemble.network(0).export().weights)


def test_reports_now_and_then_and_at_each_validation(
    few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.25, 0.5])
    monkeypatch.setattr(train, "accuracies", lambda *_: [next(scores)])
    recipe = Recipe(steps=130, batch=20, held_out=100, evaluate_every=80)
    seen = [
        (progress.step, progress.validation) for progress in run_of(SUMMED, recipe, [1], few, tmp_path / "s.pt").train()
    ]
    assert seen == [(50, None), (80, 0.25), (100, 0.25), (130, 0.5)]


def test_learns(digits: Digits, tmp_path: Path) -> None:
    recipe = Recipe(steps=400, batch=50, learning_rate=0.01, held_out=500, evaluate_every=100)
    run = finished(run_of(PAIRED, recipe, [1], digits[:3_000], tmp_path / "state.pt"))
    fresh = digits[5_000:6_000]
    right = (run.reached.network(0).logits(fresh.scaled(np.float32)).argmax(-1) == fresh.labels).sum()
    assert right > 900


def test_refuses_to_go_on_without_a_loss(few: Digits, tmp_path: Path) -> None:
    recipe = Recipe(steps=40, batch=20, learning_rate=1e30, held_out=100, evaluate_every=10)
    run = run_of(SUMMED, recipe, [1], few, tmp_path / "state.pt")
    with refuses(RunError, "the loss is nan at step 10: a smaller learning rate is needed"):
        finished(run)
    assert not (tmp_path / "state.pt").exists()


def test_refuses_too_few_images(few: Digits, tmp_path: Path) -> None:
    with refuses(RunError, "a batch of 20 needs as many images; 19 are left for training"):
        run_of(SUMMED, SHORT, [1], few[:119], tmp_path / "state.pt")
    with refuses(DataError, "validation takes from 1 to 99 of 100 images, not 100"):
        run_of(SUMMED, SHORT, [1], few[:100], tmp_path / "state.pt")


def test_seeds_trained_together_end_as_they_do_alone(few: Digits, tmp_path: Path) -> None:
    for architecture in (PAIRED, SUMMED):
        name = architecture.stages[-1].wiring
        together = finished(run_of(architecture, SHORT, [3, 4, 5], few, tmp_path / f"{name}.pt"))
        for which, seed in enumerate(together.seeds):
            alone = finished(run_of(architecture, SHORT, [seed], few, tmp_path / f"{name}-{seed}.pt"))
            for key, array in alone.ensemble.network(0).export().weights.items():
                other = together.ensemble.network(which).export().weights[key]
                np.testing.assert_allclose(other, array, rtol=0, atol=2e-5, err_msg=key)
            assert [entry["validation"][which] for entry in together.history] == pytest.approx(
                [entry["validation"][0] for entry in alone.history], abs=0.011
            )


def test_one_cycle_rises_and_falls_to_nothing() -> None:
    recipe = Recipe(steps=100, learning_rate=2.0, schedule=Schedule.ONE_CYCLE)
    sizes = [recipe.learning_rate_at(step) for step in range(100)]
    assert sizes[:10] == pytest.approx([2 * (step + 1) / 11 for step in range(10)])
    assert sizes[10] == 2
    assert sizes[55] == pytest.approx(1)
    assert sizes == sorted(sizes[:11]) + sorted(sizes[11:], reverse=True)
    assert 0 < sizes[-1] < 1e-3


def test_the_learning_rate_is_the_schedules(few: Digits, tmp_path: Path) -> None:
    """Adam's first step is as long as the learning rate, wherever the gradient is not tiny."""
    recipe = Recipe(steps=30, batch=20, learning_rate=0.03, held_out=100, schedule=Schedule.ONE_CYCLE)
    run = run_of(SUMMED, replace(recipe, evaluate_every=1), [1], few, tmp_path / "state.pt")
    before = run.ensemble.network(0).get_parameter("affine.bias").detach().clone()
    next(run.train())
    change = (run.ensemble.network(0).get_parameter("affine.bias") - before).abs()
    assert change.tolist() == pytest.approx([0.0075] * 10, rel=1e-3)


def test_the_error_rate_loss_grows_along_a_line() -> None:
    recipe = Recipe(steps=100, error_rate_loss=0.6)
    assert [recipe.error_rate_share(step) for step in (0, 30, 60, 90, 99)] == pytest.approx([0, 0, 0.3, 0.6, 0.6])
    assert PAPER.error_rate_share(99_999) == 0


@pytest.mark.parametrize("error_rate_loss", [0.0, 0.8])
@pytest.mark.parametrize("neutral", [False, True])
def test_the_loss_asks_for_the_label_and_then_for_few_errors(
    neutral: bool, error_rate_loss: float, few: Digits, tmp_path: Path
) -> None:
    """The loss once more, and gradients by autograd of it alone."""
    recipe = replace(SHORT, neutral=neutral, error_rate_loss=error_rate_loss, steps=10, evaluate_every=10)
    run = finished(run_of(PAIRED, recipe, [5], few, tmp_path / "state.pt"))

    torch.manual_seed(5)
    network = TrainableNetwork(PAIRED)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    training, _ = few.split(100)
    images = torch.from_numpy(training.images)[:, None] / 255
    labels = torch.from_numpy(training.labels).long()
    order = np.random.default_rng([0, 0]).permutation(500)
    for batch in range(10):
        which = order[20 * batch : 20 * batch + 20]
        shares = F.softmax(network(images[which]), 1)[torch.arange(20), labels[which]]
        grown = error_rate_loss * min(max((batch - 3) / 6, 0), 1)
        loss = (1 - grown) * -shares.log().mean() + grown * 4 * (1 - shares.mean())
        if neutral:
            loss = loss - F.log_softmax(network(torch.zeros(1, 1, 28, 28)), 1).mean() / 20
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert run.history[-1]["loss"][0] == pytest.approx(loss.item(), 1e-3)
    for key, array in network.export().weights.items():
        np.testing.assert_allclose(run.ensemble.network(0).export().weights[key], array, rtol=0, atol=1e-5, err_msg=key)


def test_images_are_changed_anew_in_each_step(few: Digits, tmp_path: Path) -> None:
    run = run_of(SUMMED, replace(SHORT, augmented=True), [5], few, tmp_path / "state.pt")
    training, held_out = few.split(100)
    own = torch.from_numpy(training.images[:20])[:, None] / 255
    batches = []
    for run.step in (3, 3, 4):
        images, labels = run._batch(torch.arange(20))
        assert labels.tolist() == training.labels[:20].tolist()
        assert ((images - own).abs().sum((1, 2, 3)) > 1).all()
        assert float(images.sum()) == pytest.approx(float(own.sum()), rel=0.1)
        batches.append(images)
    assert torch.equal(batches[0], batches[1]), "a function of the step"
    assert ((batches[0] - batches[2]).abs().sum((1, 2, 3)) > 1).all()
    assert len(run._validation[1]) == 9 * len(held_out)


@pytest.mark.parametrize(
    ("recipe", "loss"),
    [
        (PAPER, "cross-entropy with the labels"),
        (
            replace(PAPER, error_rate_loss=0.5, neutral=True),
            "cross-entropy with the labels; from 30% of the steps on replaced by the error rate, 1 − the label's "
            "probability, up to 50% at 90% of them; in each batch, an empty image with equal probabilities for all "
            "classes",
        ),
    ],
)
def test_a_recipe_names_its_loss(recipe: Recipe, loss: str) -> None:
    assert recipe.loss == loss


RESTARTS = replace(SHORT, restarts=5, rung=10)


@pytest.mark.parametrize(("architecture", "recipe"), [(PAIRED, SHORT), (SUMMED, SHORT), (PAIRED, RESTARTS)])
def test_interrupted_and_resumed_it_ends_with_the_same_bits(
    architecture: Architecture, recipe: Recipe, few: Digits, tmp_path: Path
) -> None:
    """With one start and with several, stopped once at each validation and at all of them."""
    whole = outcome(finished(run_of(architecture, recipe, [1, 2], few, tmp_path / "whole.pt")))
    for number, stops in enumerate(([20], [40], [10, 20, 30])):
        state = tmp_path / f"{number}.pt"
        for stop in stops:
            torch.rand(stop)  # what else drew random numbers must not matter
            for progress in run_of(architecture, recipe, [1, 2], few, state).train():
                if progress.step == stop:
                    break
        resumed = run_of(architecture, recipe, [1, 2], few, state)
        assert resumed.step == stops[-1]
        assert outcome(finished(resumed)) == whole


def test_an_interruption_loses_what_came_after_the_last_validation(
    few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


def test_refuses_the_state_of_another_run(few: Digits, tmp_path: Path) -> None:
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
    longer = Recipe(steps=50, batch=20, learning_rate=0.01, held_out=100, evaluate_every=10)
    for architecture, recipe, seed in (
        (PAIRED, SHORT, 1),
        (two_stages(Wiring.SUMMED, 3, 3, bias=False), SHORT, 1),
        (SUMMED, longer, 1),
        (SUMMED, SHORT, 2),
        (SUMMED, replace(SHORT, schedule=Schedule.ONE_CYCLE), 1),
    ):
        with refuses(RunError, message):
            run_of(architecture, recipe, [seed], few, state)
    assert run_of(SUMMED, SHORT, [1], few, state).step == 10


def test_refuses_a_state_that_cannot_be_read(few: Digits, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    next(iter(run_of(SUMMED, SHORT, [1], few, state).train()))
    whole = state.read_bytes()
    for content in (b"", b"not a state", whole[: len(whole) // 2], whole[:-1]):
        state.write_bytes(content)
        with pytest.raises(RunError) as caught:
            run_of(SUMMED, SHORT, [1], few, state)
        assert str(caught.value).startswith(f"{state} cannot be read (")
        assert str(caught.value).endswith("); delete it to start this run again")


def test_refuses_a_state_without_a_part(few: Digits, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    next(iter(run_of(SUMMED, SHORT, [1], few, state).train()))
    whole = torch.load(state, weights_only=True)
    # Whether it is finished is for `trainer study consistency`, which takes networks from states.
    for part in set(whole) - {"identity", "finished"}:
        torch.save({name: value for name, value in whole.items() if name != part}, state)
        with refuses(RunError, f"{state} cannot be read (KeyError('{part}')); delete it to start this run again"):
            run_of(SUMMED, SHORT, [1], few, state)


@pytest.mark.parametrize("content", [{}, [1, 2], {"step": 3}, 7], ids=str)
def test_refuses_a_state_that_is_something_else(content: Any, few: Digits, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "state.pt")
    with refuses(RunError, f"{tmp_path / 'state.pt'} holds no run; delete it to start this run again"):
        run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt")


def test_a_state_is_never_unpickled(few: Digits, tmp_path: Path) -> None:
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


def test_the_half_with_the_least_losses_goes_on(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_EVERY", 1)
    run = run_of(SUMMED, RESTARTS, [4, 5], few, tmp_path / "state.pt")
    assert run.ensemble.size == 10
    torch.manual_seed(4)
    first = TrainableNetwork(SUMMED)
    assert listed(run.ensemble.network(0).state_dict()) == listed(first.state_dict()), "a seed's own is among them"

    losses: list[Any] = []
    known = Run._losses

    def noted(run: Run, images: Any, labels: Any, some: slice) -> Any:
        found = known(run, images, labels, some)
        if some.start:
            losses[-1] = torch.cat([losses[-1], found])
        else:
            losses.append(found)
        return found

    monkeypatch.setattr(Run, "_losses", noted)
    before = [[listed(run.ensemble.network(which).state_dict()) for which in range(10)]]
    for progress in run.train():
        before.append([listed(run.ensemble.network(which).state_dict()) for which in range(run.ensemble.size)])
        if progress.step == 21:
            break
    assert [len(loss) for loss in losses] == [10] * 10 + [4] * 10 + [2]
    for end, had, left in ((10, 5, 2), (20, 2, 1)):
        counted = torch.stack(losses[end - 5 : end]).sum(0).view(2, had)
        for seed in range(2):
            kept = sorted(counted[seed].argsort()[:left].tolist())
            # They are a step further than the ones that were chosen, and nearer to them than to any other.
            for which, place in enumerate(kept):
                now = before[end][seed * left + which]
                gaps = [
                    sum(float(np.abs(np.subtract(now[name], old[name])).sum()) for name in now)
                    for old in before[end - 1]
                ]
                assert int(np.argmin(gaps)) == seed * had + place
    assert [len(entry["validation"]) for entry in run.history] == [4, 2]
    assert [best.step for best in run.best] == [20, 20]


def test_a_run_no_longer_than_its_rung_has_one_network_a_seed(few: Digits, tmp_path: Path) -> None:
    run = finished(run_of(SUMMED, replace(RESTARTS, rung=3_000), [4, 5], few, tmp_path / "state.pt"))
    assert run.ensemble.size == 2
    assert [best.step for best in run.best] == [40, 40]


def test_what_goes_on_is_trained_as_if_it_had_been_alone(few: Digits, tmp_path: Path) -> None:
    """Adam's memory goes on as well."""
    several = finished(run_of(SUMMED, RESTARTS, [4], few, tmp_path / "several.pt"))
    matching = []
    torch.manual_seed(4)
    for start in range(5):
        network = TrainableNetwork(SUMMED)
        run = run_of(SUMMED, SHORT, [4], few, tmp_path / f"{start}.pt")
        run.ensemble.load_state_dict(Ensemble([network]).state_dict())
        alone = finished(run).ensemble.network(0).state_dict()
        gap = max(float((alone[name] - several.ensemble.network(0).state_dict()[name]).abs().max()) for name in alone)
        matching.append(gap < 1e-4)
    assert sorted(matching) == [False] * 4 + [True]
