"""Composed scenes: the truth they tell is that of their pixels."""

import numpy as np
import pytest

from visionlab import datasets, scenes
from visionlab.detection import iou
from visionlab.scenes import BACKGROUND, FRAME, SIDE, compose, paint


@pytest.fixture(scope="module")
def some():
    return compose("test", 120, seed=3)


def test_shapes_and_limits(some):
    assert some.images.shape == some.labels.shape == (120, SIDE, SIDE)
    assert some.images.dtype == np.float32 and some.labels.dtype == np.int64
    assert some.images.min() >= 0 and some.images.max() <= 1
    assert set(np.unique(some.labels)) == {*range(11)}
    counts = [len(digits) for digits in some.digits]
    assert min(counts) == 1 and max(counts) >= 3
    assert all(len(a) == len(b) == len(c) for a, b, c in zip(*some[2:], strict=True))


def test_boxes_and_labels_agree(some):
    for image, labels, boxes, digits, frames in zip(*some, strict=True):
        rest = labels.copy()
        for (left, top, right, bottom), digit, (row, column) in zip(boxes.astype(int), digits, frames, strict=True):
            inside = labels[top:bottom, left:right] == digit
            assert inside.any(axis=1)[[0, -1]].all() and inside.any(axis=0)[[0, -1]].all(), "the box is tight"
            assert row <= top < bottom <= row + FRAME and column <= left < right <= column + FRAME
            assert (image[top:bottom, left:right][inside] > 0.5).all()
            rest[top:bottom, left:right][inside] = BACKGROUND
        assert (rest == BACKGROUND).all(), "no ink outside the boxes"


def test_digits_hardly_overlap_and_are_those_of_the_data_set(some):
    test = datasets.load("mnist", split="test").images
    for boxes in some.boxes:
        assert (iou(boxes, boxes) - np.eye(len(boxes))).max() < 0.1
    image, (row, column) = some.images[0], some.frames[0][0]
    written = image[row : row + FRAME, column : column + FRAME]
    ink = test / np.float32(255) * (test > 127)
    assert (np.where(written > 0.5, written, 0) == ink).all(axis=(1, 2)).any()


def test_a_seed_gives_the_same_and_another_gives_others(some):
    again, other = compose("test", 120, seed=3), compose("test", 120, seed=4)
    assert (again.images == some.images).all() and (again.labels == some.labels).all()
    assert not (other.images == some.images).all()
    assert not (compose("train", 5, seed=3).images == some.images[:5]).all()


def test_there_are_things_that_are_no_digits(some):
    plain = [((image > 0.5) & (labels == BACKGROUND)).sum() for image, labels in zip(*some[:2], strict=True)]
    assert 0.2 < np.mean(np.array(plain) > 30) < 0.8


def test_colours():
    picture = paint(np.full((2, 3), 0.5), np.array([[0, 9, BACKGROUND]] * 2))
    assert picture.shape == (2, 3, 3) and picture.dtype == np.uint8
    assert len(set(picture[0, 2].tolist())) == 1, "background stays grey"
    assert len(set(scenes.COLOURS)) == 10
    with pytest.raises(ValueError, match="must be the same"):
        paint(np.zeros((2, 3)), np.zeros((3, 2), int))
