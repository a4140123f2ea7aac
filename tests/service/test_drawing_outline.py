import numpy as np

from konkyo.service.drawing.primitives.outline import NONE, around, edges


def test_edges_run_inside_a_group() -> None:
    groups = np.full((28, 28), NONE)
    groups[3:5, 4:6] = 0
    found = edges(groups, 6, 2)
    expected = np.zeros((168, 168), bool)
    expected[18:30, 24:36] = True
    expected[20:28, 26:34] = False
    assert (found == expected).all()


def test_edges_between_two_groups_run_in_the_higher_one() -> None:
    groups = np.zeros((28, 28), int)
    groups[:, 14:] = 7
    found = edges(groups, 4, 1)[20:-20]
    assert found[:, 56].all()
    assert not found[:, 55].any()


def test_edges_follow_the_edge_of_the_picture() -> None:
    found = edges(np.zeros((28, 28), int), 4, 1)
    assert found[0].all()
    assert found[:, -1].all()
    assert not found[1:-1, 1:-1].any()


def test_around_runs_outside_and_leaves_every_point_inside_alone() -> None:
    inside = np.zeros((28, 28), bool)
    inside[3, 4] = inside[3, 5] = True
    found = around(inside, 4, 2)
    expected = np.zeros((112, 112), bool)
    expected[10:18, 14:26] = True
    expected[12:16, 16:24] = False
    assert (found == expected).all()


def test_around_does_not_leave_the_picture() -> None:
    inside = np.zeros((28, 28), bool)
    inside[0, 0] = inside[27, 27] = True
    found = around(inside, 3, 1)
    assert found.sum() == 2 * 7
    assert not around(np.ones((28, 28), bool), 3, 1).any()


def test_any_side_of_an_image() -> None:
    groups = np.full((8, 8), NONE)
    groups[2:4, 5:7] = 1
    expected = np.zeros((24, 24), bool)
    expected[6:12, 15:21] = True
    expected[7:11, 16:20] = False
    assert (edges(groups, 3, 1) == expected).all()
    assert around(groups != NONE, 3, 1).sum() == 4 * 7
