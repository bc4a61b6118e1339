"""The neighbours explorer without a browser: neighbours as scikit-learn finds them, features as scikit-image does."""

import base64
import io

import numpy as np
import pytest
import traitlets
from PIL import Image
from skimage.feature import hog
from sklearn.neighbors import NearestNeighbors

from visionlab import datasets
from visionlab.widgets.neighbours import NeighboursExplorer, hog_features, vote


@pytest.mark.parametrize("cell", [4, 5, 7])
def test_features_of_digits_are_those_of_skimage(cell):
    images = datasets.load("mnist", split="test", subset=10).images
    expected = [hog(image, 9, (cell, cell), (2, 2)) for image in images]
    np.testing.assert_allclose(hog_features(images, cell=cell), expected, atol=1e-6)


def test_features_of_photos_are_those_of_skimage():
    images = datasets.load("cifar10", split="test", subset=10).images
    expected = [hog(image, 9, (8, 8), (2, 2), channel_axis=-1) for image in images]
    np.testing.assert_allclose(hog_features(images), expected, atol=1e-6)


def test_images_of_another_shape_are_told():
    with pytest.raises(ValueError, match="expected"):
        hog_features(np.zeros((28, 28)))
    with pytest.raises(ValueError, match="a block needs 2×2"):
        hog_features(np.zeros((1, 28, 28)), cell=20)


@pytest.mark.parametrize("features", ["pixels", "HOG"])
@pytest.mark.parametrize(("distance", "metric"), [("L2", "euclidean"), ("L1", "manhattan"), ("cosine", "cosine")])
def test_neighbours_are_those_of_scikit_learn(distance, metric, features):
    train, test = datasets.load("mnist"), datasets.load("mnist", split="test")
    rows = [hog_features(data.images) if features == "HOG" else data.images.reshape(-1, 784) for data in (train, test)]
    judge = NearestNeighbors(n_neighbors=25, metric=metric).fit(rows[0].astype(float))
    explorer = NeighboursExplorer(k=25, distance=distance, features=features)
    for index in (0, 14, 999):
        explorer.index = index
        expected = judge.kneighbors(rows[1][index : index + 1].astype(float), return_distance=False)[0]
        assert [one["index"] for one in explorer.neighbours] == expected.tolist()
        assert [one["label"] for one in explorer.neighbours] == [str(label) for label in train.labels[expected]]
        assert sum(explorer.votes) == 25


def test_a_tie_goes_to_the_nearest():
    assert vote([3, 5, 5, 3], 10)[0] == 3
    assert vote([8, 5, 5, 3, 3], 10)[0] == 5
    assert vote([1], 10) == (1, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0])


def test_settings_change_what_is_found():
    explorer = NeighboursExplorer("cifar10", index=8, k=10)
    assert explorer.label == "ship"
    assert not explorer.right
    seen = [one["index"] for one in explorer.neighbours]
    explorer.features = "HOG"
    assert explorer.right
    assert [one["index"] for one in explorer.neighbours] != seen
    explorer.k = 1
    assert len(explorer.neighbours) == sum(explorer.votes) == 1


def test_what_the_browser_gets():
    explorer = NeighboursExplorer("cifar10", k=3)
    state = explorer._state
    assert len(state["neighbours"]) == 3
    assert state["prediction"] == explorer.prediction
    head, encoded = state["neighbours"][0]["image"].split(",")
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    assert head == "data:image/png;base64"
    train = datasets.load("cifar10")
    np.testing.assert_array_equal(picture, train.images[state["neighbours"][0]["index"]])


def test_next_mistake_goes_round():
    explorer = NeighboursExplorer(k=5)
    explorer.next_mistake()
    first = explorer.index
    assert explorer.prediction != explorer.label
    explorer.index = 999
    explorer._asked(explorer, "next mistake", [])
    assert explorer.index == first


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"k": 0}, "from 1 to 25"),
        ({"k": 2.5}, "whole number"),
        ({"index": 1000}, "from 0 to 999"),
        ({"distance": "L3"}, "'L2', 'L1', 'cosine'"),
        ({"features": "SIFT"}, "'pixels', 'HOG'"),
        ({"data": "imagenet"}, "'mnist', 'cifar10', 'fashion_mnist'"),
    ],
)
def test_wrong_settings_are_told(settings, said):
    with pytest.raises(traitlets.TraitError, match=said):
        NeighboursExplorer(**settings)


@pytest.mark.parametrize("settings", [{"index": 14, "k": 7}, {"data": "cifar10", "k": 25, "features": "HOG"}])
def test_a_picture_stands_in_where_there_is_no_kernel(settings):
    data, metadata = NeighboursExplorer(**settings)._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width > 500
    assert f"its {settings['k']} nearest training images" in metadata["image/png"]["alt"]
