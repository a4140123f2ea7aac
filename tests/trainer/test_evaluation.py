import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from konkyo.trainer.data import Digits
from konkyo.trainer.training.evaluation import Evaluation, evaluate
from tests.helpers.oracles import PAIRED, random_network


def test_counts_predictions_one_by_one(digits: Digits) -> None:
    network, some = random_network(PAIRED, 5, np.float32), digits[:300]
    exact = network.astype(np.float64)
    counted = [[0] * 10 for _ in range(10)]
    for image, label in zip(some.images, some.labels.tolist(), strict=True):
        logits = exact.logits(image / 255).tolist()
        counted[label][logits.index(max(logits))] += 1
    assert evaluate(network, some).confusion.tolist() == counted


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60))
def test_accuracy_is_the_share_of_right_predictions(pairs: list[tuple[int, int]]) -> None:
    confusion = np.zeros((10, 10), np.int64)
    for truth, predicted in pairs:
        confusion[truth, predicted] += 1
    evaluation = Evaluation(confusion)
    assert evaluation.accuracy == sum(truth == predicted for truth, predicted in pairs) / len(pairs)
    for digit, share in enumerate(evaluation.per_class):
        shown = [predicted for truth, predicted in pairs if truth == digit]
        assert share == (shown.count(digit) / len(shown) if shown else 0)
