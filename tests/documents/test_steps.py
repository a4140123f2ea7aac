"""Every command and block of the documents is run, or it is said why not."""

import pytest

from support.folders import ROOT
from tests.documents import contributing, operations, own_data, own_network, readme, scaling, start, training
from tests.documents.reader import By, Followed

DOCUMENTS = [
    module.FOLLOWED for module in (readme, start, contributing, own_data, own_network, training, scaling, operations)
]


@pytest.mark.parametrize("followed", DOCUMENTS, ids=lambda one: one.document)
def test_there_is_a_step_for_each_piece_in_the_documents_order(followed: Followed) -> None:
    assert list(followed.steps) == list(followed.pieces())


@pytest.mark.parametrize("followed", DOCUMENTS, ids=lambda one: one.document)
def test_what_runs_elsewhere_runs_there(followed: Followed) -> None:
    for name, step in followed.steps.items():
        if isinstance(step, By):
            assert (step.names or name) in (ROOT / step.file).read_text(), name
