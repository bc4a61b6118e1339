"""Overlap against counting cells, suppression against a slow one, average precision against hand and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from visionlab.detection import (
    RULES,
    Found,
    average_precision,
    iou,
    judge,
    mean_average_precision,
    ranking,
    suppress,
)


def random_boxes(rng, count, side=24):
    corner = rng.integers(0, side - 1, (count, 2))
    return np.concatenate([corner, corner + rng.integers(1, side // 2, (count, 2))], axis=1)


def cells(box):
    left, top, right, bottom = box
    return {(row, column) for row in range(top, bottom) for column in range(left, right)}


def test_overlap_is_what_counting_cells_gives():
    rng = np.random.default_rng(0)
    boxes, others = random_boxes(rng, 40), random_boxes(rng, 30)
    found = iou(boxes, others)
    assert found.shape == (40, 30) and (found == 0).any()
    for i, box in enumerate(boxes.tolist()):
        for j, other in enumerate(others.tolist()):
            assert found[i, j] == pytest.approx(len(cells(box) & cells(other)) / len(cells(box) | cells(other)))
    np.testing.assert_allclose(np.diag(iou(boxes, boxes)), 1)


def test_overlap_of_nothing_and_of_what_is_no_box():
    assert iou(np.zeros((0, 4)), [[0, 0, 1, 1]]).shape == (0, 1)
    assert iou([[1, 1, 1, 5]], [[1, 1, 1, 5]]).tolist() == [[0]], "a box without area overlaps nothing"
    with pytest.raises(ValueError, match="left, top, right, bottom"):
        iou([[3, 0, 1, 2]], [[0, 0, 1, 1]])


@pytest.mark.parametrize("most", [0, 0.3, 0.7])
def test_suppression_is_that_of_the_definition(most):
    rng = np.random.default_rng(1)
    boxes, scores = random_boxes(rng, 90, side=16), rng.random(90)
    kept = suppress(boxes, scores, most)
    left, expected = sorted(range(90), key=lambda i: -scores[i]), []
    while left:
        expected.append(left.pop(0))
        left = [i for i in left if iou(boxes[i], boxes[expected[-1]])[0, 0] <= most]
    assert kept == expected
    assert 0 < len(kept) < 90


def test_suppression_keeps_all_that_is_apart_and_the_first_of_equals():
    boxes = [[0, 0, 2, 2], [5, 5, 7, 7], [0, 0, 2, 2]]
    assert suppress(boxes, [0.5, 0.5, 0.5], 0.5) == [0, 1]
    assert suppress(np.zeros((0, 4)), [], 0.5) == []


def found(*rows):
    boxes, labels, scores = zip(*rows, strict=True)
    return Found(np.array(boxes, float), np.array(labels), np.array(scores))


def test_each_true_box_is_hit_once_by_the_surest_of_its_class():
    guess = found(
        ((0, 0, 10, 10), 3, 0.5),  # the same box, less sure: no hit
        ((0, 0, 10, 9), 3, 0.9),
        ((0, 0, 10, 10), 5, 0.99),  # another class
        ((30, 30, 40, 34), 3, 0.7),  # covers 40 % of the second
    )
    truth = ([(0, 0, 10, 10), (30, 30, 40, 40), (50, 50, 60, 60)], [3, 3, 5])
    hits, missed = judge([guess], [truth], label=3)
    assert hits[0].tolist() == [False, True, False, False] and missed[0].tolist() == [1]
    hits, missed = judge([guess], [truth], label=3, least=0.4)
    assert hits[0].tolist() == [False, True, False, True] and missed[0].tolist() == []
    hits, missed = judge([guess], [truth], label=5)
    assert not hits[0].any() and missed[0].tolist() == [2]
    scores, right = ranking([guess], judge([guess], [truth], label=3)[0], label=3)
    assert scores.tolist() == [0.9, 0.7, 0.5] and right.tolist() == [True, False, False]


def test_overlap_of_exactly_the_least_is_a_hit():
    hits, _ = judge([found(((0, 0, 5, 10), 1, 0.9))], [([(0, 0, 10, 10)], [1])], label=1, least=0.5)
    assert hits[0].tolist() == [True]


def test_a_picture_without_detections_or_without_digits():
    nothing = Found(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    hits, missed = judge([nothing, found(((0, 0, 1, 1), 2, 0.5))], [([(0, 0, 1, 1)], [2]), ([], [])], label=2)
    assert [h.tolist() for h in hits] == [[], [False]] and [m.tolist() for m in missed] == [[0], []]
    with pytest.raises(ValueError, match="1 pictures with detections"):
        judge([nothing], [], label=2)


def test_average_precision_by_hand():
    # precision 1, 1/2, 2/3, 3/4, 3/5 at recall 1/4, 1/4, 1/2, 3/4, 3/4
    right = [True, False, True, True, False]
    assert average_precision(right, 4) == pytest.approx((1 + 3 / 4 + 3 / 4) / 4)
    assert average_precision(right, 4, "11 points") == pytest.approx((3 * 1 + 5 * 3 / 4) / 11)
    assert average_precision(right, 4, "101 points") == pytest.approx((26 * 1 + 50 * 3 / 4) / 101)


@pytest.mark.parametrize("rule", RULES)
def test_average_precision_at_its_ends(rule):
    assert average_precision([True] * 7, 7, rule) == pytest.approx(1)
    assert average_precision([False] * 7, 7, rule) == 0
    assert average_precision([], 7, rule) == 0
    assert np.isnan(average_precision([], 0, rule))


def test_recall_levels_are_compared_without_rounding():
    # 3 of 10: recall 0.3 reaches the level 0.3, though 3 · 0.1 is larger than 0.3 in floating point
    assert average_precision([True] * 3, 10, "11 points") == pytest.approx(4 / 11)
    assert average_precision([True] * 29, 100, "101 points") == pytest.approx(30 / 101)


def test_many_detections_against_a_loop_and_scikit_learn():
    rng = np.random.default_rng(2)
    right = rng.random(500) < np.linspace(0.95, 0.2, 500)
    truths = int(right.sum())
    recall, precision = np.cumsum(right) / truths, np.cumsum(right) / np.arange(1, 501)
    levels = {"11 points": 11, "101 points": 101}
    for rule, count in levels.items():
        best = [max(precision[recall >= level - 1e-9], default=0) for level in np.linspace(0, 1, count)]
        assert average_precision(right, truths, rule) == pytest.approx(np.mean(best))
    not_smoothed = average_precision_score(right, -np.arange(500))
    assert not_smoothed <= average_precision(right, truths) < not_smoothed + 0.02


def test_the_mean_leaves_out_classes_that_are_not_there():
    guess = found(((0, 0, 4, 4), 1, 0.9), ((8, 8, 9, 9), 2, 0.8))
    mean, each = mean_average_precision([guess], [([(0, 0, 4, 4), (0, 0, 1, 1)], [1, 2])], labels=(1, 2, 3))
    assert each[:2].tolist() == [1, 0] and np.isnan(each[2]) and mean == 0.5


def test_an_unknown_rule_is_told():
    with pytest.raises(ValueError, match="'every point', '11 points', '101 points'"):
        average_precision([True], 1, "all")
