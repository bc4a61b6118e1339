"""The stored runs of the lecture on understanding networks: they hold what the lecture says, and can be had again."""

import json

import numpy as np
import pytest
import torch

from experiments import class_images, top_patches
from visionlab.nets import pretrained
from visionlab.widgets.class_maximiser import TARGETS


@pytest.fixture(scope="module")
def lite():
    return pretrained("efficientnet_lite0")


@pytest.fixture(scope="module")
def depths():
    return json.loads(top_patches.RESULT.read_text("utf-8"))["depths"]


def test_there_are_nine_places_for_each_unit(depths):
    assert [int(depth) for depth in depths] == [depth for group in top_patches.DEPTHS.values() for depth in group]
    photos = top_patches.photographs()
    for depth, units in depths.items():
        assert len(units) == top_patches.UNITS
        for places in units.values():
            assert len(places) == top_patches.PLACES
            values = [value for *_, value in places]
            assert values == sorted(values, reverse=True)
            for image, row, column, _ in places:
                height, width = photos[image].shape[:2] if int(depth) < 10 else (top_patches.SIDE, top_patches.SIDE)
                assert 0 <= row < height and 0 <= column < width


def test_no_photograph_fills_a_row(depths):
    for depth in top_patches.DEPTHS["photographs"]:
        for places in depths[str(depth)].values():
            names = [name for name, *_ in places]
            assert max(names.count(name) for name in names) <= top_patches.PER_PHOTO and len(set(names)) > 3


@pytest.mark.parametrize("depth", [10, 18])
def test_units_answer_there_as_stored(lite, depths, depth):
    images = top_patches.small_images()
    for unit, places in list(depths[str(depth)].items())[:2]:
        for image, row, column, value in places[:3]:
            kept = top_patches.maps(lite, lite.prepare(images[image], size=top_patches.SIDE), (depth,))[depth]
            jump = top_patches.SIDE / kept.shape[-1]
            assert kept[0, int(unit), int(row / jump), int(column / jump)] == pytest.approx(value, rel=0.01)


def test_places_lie_apart():
    near = [
        (9.0, "a", 10, 10),
        (8.0, "a", 12, 14),
        (7.0, "a", 90, 10),
        (6.0, "a", 10, 90),
        (5.0, "a", 90, 90),
        (4.0, "b", 0, 0),
    ]
    chosen = top_patches.places(near, apart=24)
    assert chosen == [("a", 10, 10, 9.0), ("a", 90, 10, 7.0), ("a", 10, 90, 6.0), ("b", 0, 0, 4.0)]


def test_the_network_sees_the_classes_in_the_stored_images(lite):
    found = json.loads(class_images.RESULT.read_text("utf-8"))
    assert list(found) == list(TARGETS)
    again = class_images.judged(lite, class_images.stored())
    np.testing.assert_allclose(again, list(found.values()), rtol=0.02, atol=0.02)
    assert all(probability > 0.9 for _, probability in again)
    assert class_images.RESULT.with_suffix(".jpg").stat().st_size < 150_000


def test_an_image_begins_again_in_the_same_way(lite):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        one, two = (class_images.picture(lite, "daisy", steps=3) for _ in range(2))
    finally:
        torch.set_num_threads(threads)
    assert one.shape == (class_images.SIDE, class_images.SIDE, 3) and np.array_equal(one, two)
