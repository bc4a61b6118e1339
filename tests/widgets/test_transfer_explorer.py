"""The transfer explorer without a browser: its classifiers are ridge regression, and the page shows their answers."""

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
from sklearn.linear_model import Ridge

from visionlab import widgets
from visionlab.widgets.transfer_explorer import SHOWN, STRENGTH, ProbeTask, TransferExplorer, _least_squares

DEPTHS = ["low", "middle", "top"]


def make_task(seed, classes=4, train=80, test=50, colour=False, telling=1):
    """Random features, but for those of one depth, which tell the classes apart."""
    rng = np.random.default_rng(seed)
    shape = (6, 5, 3) if colour else (6, 5)
    labels, test_labels = np.arange(train) % classes, rng.integers(0, classes, test)
    features, test_features = [], []
    for depth, width in enumerate((12, 30, 7)):
        known, new = rng.normal(size=(train, width)), rng.normal(size=(test, width))
        if depth == telling:
            known[:, :classes] += 6 * np.eye(classes)[labels]
            new[:, :classes] += 6 * np.eye(classes)[test_labels]
        features.append(known.astype(np.float32))
        test_features.append(new.astype(np.float32))
    images, test_images = (rng.integers(0, 256, (n, *shape), dtype=np.uint8) for n in (train, test))
    names = tuple("abcdefg"[:classes])
    return ProbeTask(images, labels, test_images, test_labels, names, features, test_features)


@pytest.fixture(scope="module")
def tasks():
    return {"grey": make_task(0), "coloured": make_task(1, classes=3, test=40, colour=True, telling=2)}


@pytest.fixture
def explorer(tasks):
    return TransferExplorer(tasks, DEPTHS, per_class=(1, 5, 20), depth=1, images=2)


@pytest.mark.parametrize("count", [5, 20, 60])
def test_the_classifier_is_ridge_regression(count):
    rng = np.random.default_rng(count)
    known, new = rng.normal(3, 2, (count, 9)), rng.normal(3, 2, (200, 9))
    labels = np.arange(count) % 5
    centred = known - known.mean(axis=0)
    ridge = Ridge(alpha=STRENGTH * (centred**2).sum() / count).fit(known, np.eye(5)[labels])
    expected = ridge.predict(new).argmax(axis=1)
    assert (_least_squares(known @ known.T, new @ known.T, labels) == expected).all()


def test_where_the_features_tell_the_classes_apart_it_is_right(explorer):
    assert explorer.accuracy > 0.95
    table = explorer.accuracies["grey"]
    assert table.shape == (3, 3) and table[1, 2] == explorer.accuracy
    assert table[[0, 2]].max() < 0.6
    assert explorer.accuracies["coloured"][2, 2] > 0.95 > 0.7 > explorer.accuracies["coloured"][:2].max()


def test_a_classifier_of_ones_own(tasks):
    asked = []

    def nearest_mean(features, labels, new):
        asked.append((len(features), np.bincount(labels).tolist()))
        means = np.stack([features[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
        return ((new[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)

    explorer = TransferExplorer({"grey": tasks["grey"]}, DEPTHS, per_class=(1, 5), classifier=nearest_mean, depth=1)
    assert asked == 3 * [(4, [1] * 4), (20, [5] * 4)]
    explorer.images = 1
    assert explorer.accuracy > 0.95


def test_what_is_not_there_is_refused(tasks, explorer):
    with pytest.raises(ValueError, match="20 images of one class, and 50"):
        TransferExplorer(tasks, DEPTHS, per_class=(1, 50))
    with pytest.raises(ValueError, match="features of 3 depths, and there are 2"):
        TransferExplorer(tasks, DEPTHS[:2], per_class=(1,))
    for name, value in (("task", "sounds"), ("depth", 3), ("images", 3), ("depth", -1)):
        with pytest.raises(traitlets.TraitError):
            setattr(explorer, name, value)


def test_it_leaves_a_picture(tasks):
    reference = {"coloured": {5: 0.7, 20: 0.9}}
    explorer = TransferExplorer(
        tasks, DEPTHS, per_class=(1, 5, 20), reference=reference, task="coloured", depth=2, images=2
    )
    data, metadata = explorer._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width > 700
    alt = metadata["image/png"]["alt"]
    assert "coloured" in alt and "20 images" in alt and f"{explorer.accuracy:.0%}" in alt
    assert explorer._about["tasks"][1]["reference"] == [[5, 0.7], [20, 0.9]]


SCRIPT = """
import { readFileSync } from "node:fs";
import { along, answersAt, picturesOf } from "./transfer_explorer.mjs";
const { about, said, pixels } = JSON.parse(readFileSync(0, "utf8"));
const [answers, pictures] = [Uint8Array.from(said), Uint8Array.from(pixels)];
console.log(JSON.stringify({
  accuracy: about.tasks.map((one, t) => about.depths.map((_, d) => about.per_class.map((_, n) => {
    const found = answersAt(answers, about, t, d, n);
    return one.labels.filter((label, i) => label === found[i]).length / one.labels.length;
  }))),
  pictures: about.tasks.map((_, t) => [...picturesOf(pictures, about, t)]),
  along: about.per_class.map((n) => along(n, about.per_class, [100])),
}));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_page_finds_the_same_answers_and_the_right_pictures(tmp_path, tasks, explorer):
    folder = Path(widgets.__file__).parent
    source = (folder / "transfer_explorer.js").read_text("utf-8").replace("./drawing.js", "./drawing.mjs")
    (tmp_path / "transfer_explorer.mjs").write_text(source)
    shutil.copy(folder / "drawing.js", tmp_path / "drawing.mjs")
    (tmp_path / "run.mjs").write_text(SCRIPT)
    sent = {"about": explorer._about, "said": list(explorer._said), "pixels": list(explorer._pixels)}
    ran = subprocess.run(
        ["node", "run.mjs"], input=json.dumps(sent), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    found = json.loads(ran.stdout)
    for accuracy, table, one in zip(
        found["accuracy"], explorer.accuracies.values(), sent["about"]["tasks"], strict=True
    ):
        np.testing.assert_allclose(accuracy, table)
        np.testing.assert_allclose(one["accuracy"], table, atol=1e-4)
    for pixels, task in zip(found["pictures"], tasks.values(), strict=True):
        first = [task.images[task.labels == k][0] for k in range(len(task.classes))]
        expected = np.concatenate([np.ravel(first), np.ravel(task.test_images[:SHOWN])])
        assert pixels == expected.tolist()
    np.testing.assert_allclose(found["along"], np.log([1, 5, 20]) / np.log(100))
