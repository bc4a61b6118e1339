"""The embedding explorer without a browser: neighbours as scikit-learn finds them, the triplet by brute force."""

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import traitlets
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from visionlab import datasets, widgets
from visionlab.widgets.embedding_explorer import EmbeddingExplorer

SCRIPT = """
import { readFileSync } from "node:fs";
import { nearest, towards, triplet } from "./embedding_explorer.mjs";
const { places, labels, anchors, margin } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(anchors.map((anchor) => ({
  near: nearest(places, anchor), three: triplet(places, labels, anchor, margin),
  walk: [[1, 0], [-1, 0], [0, 1], [0, -1]].map((way) => towards(places, anchor, way)),
}))));
"""


@pytest.fixture(scope="module")
def digits():
    return datasets.load("mnist", split="test", subset=60)


@pytest.fixture(scope="module")
def snapshots(digits):
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 5, (10, 2))
    return np.stack([rng.normal(size=(60, 2)), centres[digits.labels] + rng.normal(size=(60, 2))])


@pytest.fixture
def explorer(digits, snapshots):
    return EmbeddingExplorer(digits.images, digits.labels, snapshots, steps=[0, 50], unseen=[4, 9], margin=2.0)


@pytest.mark.parametrize("at", [0, 1])
def test_neighbours_are_those_of_scikit_learn(explorer, snapshots, at):
    explorer.at = at
    judge = NearestNeighbors(n_neighbors=7).fit(snapshots[at])
    for anchor in (0, 7, 59):
        explorer.anchor = anchor
        far, expected = judge.kneighbors(snapshots[at][anchor : anchor + 1])
        assert [i for i, _ in explorer.neighbours] == expected[0, 1:].tolist()
        np.testing.assert_allclose([d for _, d in explorer.neighbours], far[0, 1:], rtol=1e-4)


def test_the_triplet_is_the_hardest_of_all_with_this_anchor(explorer, digits, snapshots):
    for anchor in range(0, 60, 7):
        explorer.anchor = anchor
        squared = ((snapshots[1] - snapshots[1][anchor]) ** 2).sum(axis=1)
        losses = [
            max(0, squared[p] - squared[n] + 2.0)
            for p in range(60)
            for n in range(60)
            if p != anchor and digits.labels[p] == digits.labels[anchor] != digits.labels[n]
        ]
        assert explorer.triplet.loss == pytest.approx(max(losses), rel=1e-4)
        assert digits.labels[explorer.triplet.positive] == digits.labels[anchor]


def test_training_makes_neighbours_right_of_both_kinds(explorer, digits, snapshots):
    assert explorer.at == 1
    seen, unseen = explorer.right
    explorer.at = 0
    assert seen > explorer.right[0] + 0.3 and unseen > explorer.right[1]
    none = EmbeddingExplorer(digits.images, digits.labels, snapshots)
    assert np.isnan(none.right[1]) and none._about["right"][1][1] is None


def test_there_may_be_no_triplet():
    alone = EmbeddingExplorer(np.zeros((3, 28, 28)), [1, 2, 2], np.zeros((1, 3, 2)), anchor=0)
    assert alone.triplet is None
    alone.anchor = 1
    assert alone.triplet.loss == alone._about["margin"]


def test_the_browser_finds_the_same(explorer, digits, snapshots, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "embedding_explorer"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    given = {
        "places": snapshots[1].astype(np.float32).ravel().tolist(), "labels": digits.labels.tolist(),
        "anchors": list(range(60)), "margin": 2.0,
    }  # fmt: skip
    done = subprocess.run(
        [node, "main.mjs"], input=json.dumps(given), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    reached = set()
    for anchor, found in enumerate(json.loads(done.stdout)):
        explorer.anchor = anchor
        assert [i for i, _ in found["near"]] == [i for i, _ in explorer.neighbours]
        three = explorer.triplet
        assert (found["three"]["positive"], found["three"]["negative"]) == (three.positive, three.negative)
        assert found["three"]["loss"] == pytest.approx(three.loss)
        for i, (right, up) in zip(found["walk"], [(1, 0), (-1, 0), (0, 1), (0, -1)], strict=True):
            x, y = snapshots[1][i] - snapshots[1][anchor]
            assert i == anchor or x * right + y * up > 0
        reached |= set(found["walk"])
    assert len(reached) > 50, "nearly every digit can be reached with the arrow keys"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": np.zeros((5, 28))}, r"\(N, H, H\)"),
        ({"snapshots": np.zeros((2, 5, 3))}, r"\(T, 5, 2\)"),
        ({"labels": [1, 2, 3]}, r"labels of shape \(3,\)"),
        ({"labels": [1, 2, 3, 4, 10]}, "digits, 0 … 9"),
        ({"snapshots": np.full((1, 5, 2), np.nan)}, "diverged"),
        ({"steps": [0, 1, 2]}, "3 steps but 1 snapshots"),
    ],
)
def test_what_does_not_fit_is_told(change, said):
    given = {"images": np.zeros((5, 28, 28)), "labels": [0, 1, 2, 3, 4], "snapshots": np.zeros((1, 5, 2))} | change
    with pytest.raises(ValueError, match=said):
        EmbeddingExplorer(**given)


def test_there_is_no_digit_and_no_moment_beyond_the_last(explorer):
    with pytest.raises(traitlets.TraitError, match="anchor is 60: there are 60"):
        explorer.anchor = 60
    with pytest.raises(traitlets.TraitError, match="at is 2: there are 2"):
        explorer.at = 2


def test_a_picture_stands_in(explorer):
    explorer.anchor = 8
    data, metadata = explorer._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 700
    assert "The chosen digit is an 8; its nearest are" in metadata["image/png"]["alt"]
    assert "of those it has not, 4 and 9," in metadata["image/png"]["alt"]
