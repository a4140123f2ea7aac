from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from models.architecture import Architecture, Wiring  # noqa: E402
from tests.oracles import PAIRED, SUMMED, title  # noqa: E402
from tests.refuse import refuses  # noqa: E402
from trainer import train  # noqa: E402
from trainer.data import Digits  # noqa: E402
from trainer.errors import DataError, RunError  # noqa: E402
from trainer.lesson import Lesson  # noqa: E402
from trainer.network import TrainableNetwork  # noqa: E402
from trainer.recipe import BEST, PAPER, Recipe, Schedule  # noqa: E402
from trainer.stack import Stack  # noqa: E402
from trainer.train import Run  # noqa: E402

# 500 pictures to train on are 25 batches: the second epoch begins within the run.
SHORT = Recipe(steps=40, batch=20, learning_rate=0.01, held_out=100, evaluate_every=10)


@pytest.fixture(scope="module")
def few(digits: Digits) -> Digits:
    return digits[:600]


def finished(run: Run) -> Run:
    for _ in run.train():
        pass
    return run


def outcome(run: Run) -> dict[str, Any]:
    """Everything that a run leaves, but for the time it took: weights to the bit."""
    return {
        "step": run.step,
        "history": run.history,
        "best": [(best.validation, best.step) for best in run.best],
        "best weights": [listed(best.weights) for best in run.best],
        "last weights": listed(run.stack.state_dict()),
        "result": [listed(run.result(which).weights) for which in range(len(run.seeds))],
    }


def listed(weights: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values.tolist() for name, values in weights.items()}


def test_the_papers_recipe() -> None:
    assert PAPER == Recipe() == Recipe(100_000, 100, 1e-3, 5_000, 1_000, Schedule.CONSTANT, 0.0, 1.0, 0, 1, 0)
    assert {PAPER.step_size(step) for step in (0, 5, 99_999)} == {1e-3}


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
@pytest.mark.parametrize("stops", [[10], [20], [30], [40], [10, 20, 30]], ids=str)
def test_interrupted_and_resumed_it_ends_with_the_same_bits(
    architecture: Architecture, stops: list[int], few: Digits, tmp_path: Path
) -> None:
    whole = outcome(finished(Run(architecture, SHORT, [3], few, tmp_path / "whole.pt")))
    for stop in stops:
        torch.rand(stop)  # what else drew random numbers must not matter
        run = Run(architecture, SHORT, [3], few, tmp_path / "state.pt")
        for progress in run.train():
            if progress.step == stop:
                break
    resumed = Run(architecture, SHORT, [3], few, tmp_path / "state.pt")
    assert resumed.step == stops[-1]
    assert outcome(finished(resumed)) == whole


def test_an_interruption_loses_what_came_after_the_last_validation(
    few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "REPORT_EVERY", 1)
    whole = outcome(finished(Run(SUMMED, SHORT, [1], few, tmp_path / "whole.pt")))
    for stop, kept in ((7, 0), (19, 10), (33, 30)):
        for progress in Run(SUMMED, SHORT, [1], few, tmp_path / "state.pt").train():
            if progress.step == stop:
                break
        assert (tmp_path / "state.pt").exists() == (kept > 0)
        assert Run(SUMMED, SHORT, [1], few, tmp_path / "state.pt").step == kept
    assert outcome(finished(Run(SUMMED, SHORT, [1], few, tmp_path / "state.pt"))) == whole
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["state.pt", "whole.pt"]


def test_the_seed_decides_and_nothing_else(few: Digits, tmp_path: Path) -> None:
    one, again, other = (
        outcome(finished(Run(SUMMED, SHORT, [seed], few, tmp_path / f"{number}.pt")))
        for number, seed in enumerate((1, 1, 2))
    )
    assert one == again
    assert one["last weights"] != other["last weights"]
    assert one["history"] != other["history"]


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_is_adam_on_shuffled_batches(architecture: Architecture, few: Digits, tmp_path: Path) -> None:
    """The recipe once more, with Adam's formula written out (Kingma and Ba, algorithm 1)."""
    run = finished(Run(architecture, SHORT, [5], few, tmp_path / "state.pt"))

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
    last = run.stack.network(0).export()
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
    run = Run(SUMMED, SHORT, [1], few, tmp_path / "state.pt")
    for progress in run.train():
        if progress.step == 20:
            there = listed(run.stack.network(0).state_dict())
    assert [(best.validation, best.step) for best in run.best] == [(0.7, 20)]
    assert listed(run.result(0).weights) == there
    assert listed(run.stack.network(0).state_dict()) != there


def test_after_one_cycle_the_last_weights_are_kept(
    few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.5, 0.7, 0.9, 0.6])
    monkeypatch.setattr(train, "accuracies", lambda *_: [next(scores)])
    run = finished(Run(SUMMED, replace(SHORT, schedule=Schedule.ONE_CYCLE), [1], few, tmp_path / "state.pt"))
    assert [(best.validation, best.step) for best in run.best] == [(0.6, 40)]
    assert listed(run.result(0).weights) == listed(run.stack.network(0).state_dict())


def test_reports_now_and_then_and_at_each_validation(
    few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.25, 0.5])
    monkeypatch.setattr(train, "accuracies", lambda *_: [next(scores)])
    recipe = Recipe(steps=130, batch=20, held_out=100, evaluate_every=80)
    seen = [
        (progress.step, progress.validation) for progress in Run(SUMMED, recipe, [1], few, tmp_path / "s.pt").train()
    ]
    assert seen == [(50, None), (80, 0.25), (100, 0.25), (130, 0.5)]


def test_learns(digits: Digits, tmp_path: Path) -> None:
    recipe = Recipe(steps=400, batch=50, learning_rate=0.01, held_out=500, evaluate_every=100)
    run = finished(Run(PAIRED, recipe, [1], digits[:3_000], tmp_path / "state.pt"))
    fresh = digits[5_000:6_000]
    right = (run.result(0).logits(fresh.scaled(np.float32)).argmax(-1) == fresh.labels).sum()
    assert right > 900


def test_refuses_the_state_of_another_run(few: Digits, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    next(iter(Run(SUMMED, SHORT, [1], few, state).train()))
    identity = (
        "{'architecture': {'wiring': 'summed', 'conv1_filters': 3, 'conv2_filters': 3, 'conv1_kernel': 5, "
        "'conv2_kernel': 3, 'conv2_bias': True}, 'recipe': {'steps': 40, 'batch': 20, 'learning_rate': 0.01, "
        "'held_out': 100, 'evaluate_every': 10, 'schedule': 'constant', 'distillation': 0.0, 'temperature': 1.0, "
        "'copies': 0, 'starts': 1, 'trial': 0}, 'seeds': [1]}"
    )
    message = (
        f"{state} is a run of another architecture or recipe: {identity}. Train under another name or delete the file"
    )
    longer = Recipe(steps=50, batch=20, learning_rate=0.01, held_out=100, evaluate_every=10)
    for architecture, recipe, seed in (
        (PAIRED, SHORT, 1),
        (Architecture(Wiring.SUMMED, 3, 3, conv2_bias=False), SHORT, 1),
        (SUMMED, longer, 1),
        (SUMMED, SHORT, 2),
        (SUMMED, replace(SHORT, schedule=Schedule.ONE_CYCLE), 1),
    ):
        with refuses(RunError, message):
            Run(architecture, recipe, [seed], few, state)
    assert Run(SUMMED, SHORT, [1], few, state).step == 10


def test_refuses_a_state_that_cannot_be_read(few: Digits, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    next(iter(Run(SUMMED, SHORT, [1], few, state).train()))
    whole = state.read_bytes()
    for content in (b"", b"not a state", whole[: len(whole) // 2], whole[:-1]):
        state.write_bytes(content)
        with pytest.raises(RunError) as caught:
            Run(SUMMED, SHORT, [1], few, state)
        assert str(caught.value).startswith(f"{state} cannot be read (")
        assert str(caught.value).endswith("); delete it to start this run again")


@pytest.mark.parametrize("content", [{}, [1, 2], {"step": 3}, 7], ids=str)
def test_refuses_a_state_that_is_something_else(content: Any, few: Digits, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "state.pt")
    with refuses(RunError, f"{tmp_path / 'state.pt'} holds no run; delete it to start this run again"):
        Run(SUMMED, SHORT, [1], few, tmp_path / "state.pt")


def test_a_state_is_never_unpickled(few: Digits, tmp_path: Path) -> None:
    """torch.load would run what is in it, were it not told to take weights only."""
    torch.save(Bomb(), tmp_path / "state.pt")
    with pytest.raises(RunError):
        Run(SUMMED, SHORT, [1], few, tmp_path / "state.pt")
    assert Bomb.exploded == 0
    torch.load(tmp_path / "state.pt", weights_only=False)
    assert Bomb.exploded == 1


class Bomb:
    exploded = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _explode, ()


def _explode() -> None:
    Bomb.exploded += 1


def test_refuses_to_go_on_without_a_loss(few: Digits, tmp_path: Path) -> None:
    recipe = Recipe(steps=40, batch=20, learning_rate=1e30, held_out=100, evaluate_every=10)
    run = Run(SUMMED, recipe, [1], few, tmp_path / "state.pt")
    with refuses(RunError, "the loss is nan at step 10: a smaller learning rate is needed"):
        finished(run)
    assert not (tmp_path / "state.pt").exists()


def test_refuses_too_few_pictures(few: Digits, tmp_path: Path) -> None:
    with refuses(RunError, "a batch of 20 needs as many pictures; 19 are left for training"):
        Run(SUMMED, SHORT, [1], few[:119], tmp_path / "state.pt")
    with refuses(DataError, "validation takes from 1 to 99 of 100 pictures, not 100"):
        Run(SUMMED, SHORT, [1], few[:100], tmp_path / "state.pt")


def test_seeds_trained_together_end_as_they_do_alone(few: Digits, tmp_path: Path) -> None:
    for architecture in (PAIRED, SUMMED):
        name = architecture.wiring
        together = finished(Run(architecture, SHORT, [3, 4, 5], few, tmp_path / f"{name}.pt"))
        for which, seed in enumerate(together.seeds):
            alone = finished(Run(architecture, SHORT, [seed], few, tmp_path / f"{name}-{seed}.pt"))
            for key, array in alone.stack.network(0).export().weights.items():
                other = together.stack.network(which).export().weights[key]
                np.testing.assert_allclose(other, array, rtol=0, atol=2e-5, err_msg=key)
            assert [entry["validation"][which] for entry in together.history] == pytest.approx(
                [entry["validation"][0] for entry in alone.history], abs=0.011
            )


def test_each_seed_keeps_its_own_best(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([[0.5, 0.9], [0.7, 0.8], [0.6, 0.9], [0.7, 0.1]])
    monkeypatch.setattr(train, "accuracies", lambda *_: next(scores))
    run = finished(Run(SUMMED, SHORT, [1, 2], few, tmp_path / "state.pt"))
    assert [(best.validation, best.step) for best in run.best] == [(0.7, 20), (0.9, 10)]


STARTS = replace(SHORT, starts=3, trial=20)


@pytest.mark.parametrize("stops", [[10], [20], [30], [10, 20, 30]], ids=str)
def test_with_several_starts_too_it_ends_with_the_same_bits(stops: list[int], few: Digits, tmp_path: Path) -> None:
    whole = outcome(finished(Run(PAIRED, STARTS, [1, 2], few, tmp_path / "whole.pt")))
    for stop in stops:
        for progress in Run(PAIRED, STARTS, [1, 2], few, tmp_path / "state.pt").train():
            if progress.step == stop:
                break
    assert outcome(finished(Run(PAIRED, STARTS, [1, 2], few, tmp_path / "state.pt"))) == whole


def test_the_start_with_the_least_loss_goes_on(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_EVERY", 1)
    run = Run(SUMMED, STARTS, [4, 5], few, tmp_path / "state.pt")
    assert run.stack.size == 6
    torch.manual_seed(4)
    first = TrainableNetwork(SUMMED)
    assert listed(run.stack.network(0).state_dict()) == listed(first.state_dict()), "a seed's own network is among them"

    losses: list[Any] = []
    known = Run._losses

    def noted(run: Run, which: Any) -> Any:
        losses.append(known(run, which))
        return losses[-1]

    monkeypatch.setattr(Run, "_losses", noted)
    before: list[dict[str, Any]] = []
    for progress in run.train():
        if progress.step == 19:
            before = [listed(run.stack.network(which).state_dict()) for which in range(6)]
        if progress.step == 20:
            break
    assert [len(loss) for loss in losses] == [6] * 20
    counted = torch.stack(losses[10:20]).sum(0).view(2, 3)
    kept = counted.argmin(1).tolist()
    assert run.stack.size == 2
    # They are a step further than the ones that were chosen, and nearer to them than to any other.
    for which, place in enumerate(kept):
        now = run.stack.network(which).state_dict()
        distances = [sum(float((now[name] - torch.tensor(old[name])).abs().sum()) for name in now) for old in before]
        assert int(np.argmin(distances)) == 3 * which + place
    assert len(run.history[-1]["validation"]) == 2
    assert [best.step for best in run.best] == [20, 20]


def test_a_run_no_longer_than_its_trial_has_one_network_a_seed(few: Digits, tmp_path: Path) -> None:
    run = finished(Run(SUMMED, replace(STARTS, trial=3_000), [4, 5], few, tmp_path / "state.pt"))
    assert run.stack.size == 2
    assert [best.step for best in run.best] == [40, 40]


def test_what_goes_on_is_trained_as_if_it_had_been_alone(few: Digits, tmp_path: Path) -> None:
    """Adam's memory goes on as well."""
    several = finished(Run(SUMMED, STARTS, [4], few, tmp_path / "several.pt"))
    matching = []
    torch.manual_seed(4)
    for start in range(3):
        network = TrainableNetwork(SUMMED)
        run = Run(SUMMED, SHORT, [4], few, tmp_path / f"{start}.pt")
        run.stack.load_state_dict(Stack([network]).state_dict())
        alone = finished(run).stack.network(0).state_dict()
        gap = max(float((alone[name] - several.stack.network(0).state_dict()[name]).abs().max()) for name in alone)
        matching.append(gap < 1e-4)
    assert sorted(matching) == [False, False, True]


def test_one_cycle_rises_and_falls_to_nothing() -> None:
    recipe = Recipe(steps=100, learning_rate=2.0, schedule=Schedule.ONE_CYCLE)
    sizes = [recipe.step_size(step) for step in range(100)]
    assert sizes[:10] == pytest.approx([2 * (step + 1) / 11 for step in range(10)])
    assert sizes[10] == 2
    assert sizes[55] == pytest.approx(1)
    assert sizes == sorted(sizes[:11]) + sorted(sizes[11:], reverse=True)
    assert 0 < sizes[-1] < 1e-3


def test_the_step_size_is_the_schedules(few: Digits, tmp_path: Path) -> None:
    """Adam's first step is as long as the step size, wherever the gradient is not tiny."""
    recipe = Recipe(steps=30, batch=20, learning_rate=0.03, held_out=100, schedule=Schedule.ONE_CYCLE)
    run = Run(SUMMED, replace(recipe, evaluate_every=1), [1], few, tmp_path / "state.pt")
    before = run.stack.network(0).affine.bias.detach().clone()
    next(run.train())
    moved = (run.stack.network(0).affine.bias - before).abs()
    assert moved.tolist() == pytest.approx([0.0075] * 10, rel=1e-3)


def lesson(digits: Digits, seed: int = 1) -> Lesson:
    """Made-up answers to 300 pictures."""
    answers = torch.randn(300, 10, generator=torch.Generator().manual_seed(seed)) * 4
    images, labels = torch.tensor(digits.images[:300])[:, None], torch.tensor(digits.labels[:300]).long()
    return Lesson(images, labels, answers)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_distillation_asks_for_the_teachers_answer(share: float, few: Digits, tmp_path: Path) -> None:
    """The loss once more, as Hinton, Vinyals and Dean write it, and gradients by autograd of it alone."""
    recipe = replace(SHORT, distillation=share, temperature=3.0, steps=10, evaluate_every=10)
    given = lesson(few)
    run = finished(Run(PAIRED, recipe, [5], few, tmp_path / "state.pt", given))

    torch.manual_seed(5)
    network = TrainableNetwork(PAIRED)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    images = given.images / 255
    order = np.random.default_rng([0, 0]).permutation(300)
    for batch in range(10):
        which = order[20 * batch : 20 * batch + 20]
        logits = network(images[which])
        hard = -F.log_softmax(logits, 1)[torch.arange(20), given.labels[which]].mean()
        soft = -(F.softmax(given.answers[which] / 3, 1) * F.log_softmax(logits / 3, 1)).sum(1).mean()
        loss = (1 - share) * hard + share * 9 * soft
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert run.history[-1]["loss"][0] == pytest.approx(loss.item(), 1e-3)
    for key, array in network.export().weights.items():
        np.testing.assert_allclose(run.stack.network(0).export().weights[key], array, rtol=0, atol=1e-5, err_msg=key)


def test_a_recipe_with_distillation_and_no_other_has_a_lesson(few: Digits, tmp_path: Path) -> None:
    message = "a recipe with distillation, and no other, needs a lesson from a teacher"
    with refuses(RunError, message):
        Run(SUMMED, replace(SHORT, distillation=1.0), [1], few, tmp_path / "state.pt")
    with refuses(RunError, message):
        Run(SUMMED, SHORT, [1], few, tmp_path / "state.pt", lesson(few))


def test_refuses_the_state_of_another_lesson(few: Digits, tmp_path: Path) -> None:
    recipe = replace(SHORT, distillation=1.0)
    next(iter(Run(SUMMED, recipe, [1], few, tmp_path / "state.pt", lesson(few)).train()))
    assert Run(SUMMED, recipe, [1], few, tmp_path / "state.pt", lesson(few)).step == 10
    with pytest.raises(RunError, match="is a run of another architecture or recipe"):
        Run(SUMMED, recipe, [1], few, tmp_path / "state.pt", lesson(few, seed=2))


def test_the_best_recipe_has_a_teacher_and_one_cycle() -> None:
    assert BEST.distillation > 0
    assert BEST.schedule is Schedule.ONE_CYCLE
