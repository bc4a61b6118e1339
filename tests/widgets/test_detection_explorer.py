"""The detection explorer without a browser: its counts by hand, its averages by the module, its pictures."""

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

from visionlab import detection, widgets
from visionlab.detection import Found
from visionlab.widgets.detection_explorer import DetectionExplorer

SCRIPT = """
import { bestFromHere, steps } from "./detection_explorer.mjs";
console.log(JSON.stringify({
  best: bestFromHere([1, 0.5, 0.6, 0.75, 0.6]), none: bestFromHere([]),
  path: steps([0.25, 0.25, 0.5], [1, 0.5, 0.6], (x) => x, (y) => y), empty: steps([], [], (x) => x, (y) => y),
}));
"""


@pytest.fixture(scope="module")
def case():
    """40 scenes with one to three boxes, and detections that are shifted, wrong, doubled or made up."""
    rng = np.random.default_rng(0)
    found, truth = [], []
    for _ in range(40):
        corners = rng.integers(0, 44, (rng.integers(1, 4), 2))
        boxes = np.concatenate([corners, corners + 16], axis=1).astype(float)
        labels = rng.integers(0, 10, len(boxes))
        guesses = (
            np.repeat(boxes, 2, axis=0)
            + np.repeat(rng.integers(-4, 5, (2 * len(boxes), 2)), 2, axis=1)[:, [0, 2, 1, 3]]
        )
        guessed = np.where(rng.random(len(guesses)) < 0.8, np.repeat(labels, 2), rng.integers(0, 10, len(guesses)))
        found.append(Found(guesses, guessed, rng.random(len(guesses))))
        truth.append((boxes, labels))
    return rng.uniform(0, 0.5, (40, 64, 64)), found, truth


def by_hand(found, truth, least_score, most_overlap, least_overlap):
    """Hits, false alarms and missed, one box after the other."""
    hits = alarms = missed = 0
    for one, (boxes, labels) in zip(found, truth, strict=True):
        kept = []
        for i in sorted(range(len(one.scores)), key=lambda i: -one.scores[i]):
            if all(detection.iou(one.boxes[i], one.boxes[j])[0, 0] <= most_overlap for j in kept):
                kept.append(i)
        taken = set()
        for i in kept:
            if one.scores[i] < least_score:
                continue
            same = [j for j in range(len(labels)) if labels[j] == one.labels[i]]
            best = max(same, key=lambda j: detection.iou(one.boxes[i], boxes[j])[0, 0], default=None)
            if (
                best is not None
                and best not in taken
                and detection.iou(one.boxes[i], boxes[best])[0, 0] >= least_overlap
            ):
                taken.add(best)
                hits += 1
            else:
                alarms += 1
        missed += len(labels) - len(taken)
    return {"hits": hits, "false alarms": alarms, "missed": missed}


@pytest.mark.parametrize(
    ("least_score", "most_overlap", "least_overlap"),
    [(50, 30, 50), (0, 100, 50), (20, 50, 75), (90, 0, 30), (100, 30, 50)],
)
def test_counts_are_those_of_counting(case, least_score, most_overlap, least_overlap):
    images, found, truth = case
    explorer = DetectionExplorer(
        images, found, truth, least_score=least_score, most_overlap=most_overlap, least_overlap=least_overlap
    )
    expected = by_hand(found, truth, least_score / 100, most_overlap / 100, least_overlap / 100)
    assert explorer.counts == expected
    digits = {digit: DetectionExplorer(images, found, truth, least_score=least_score, most_overlap=most_overlap,
              least_overlap=least_overlap, digit=digit).counts for digit in range(10)}  # fmt: skip
    for what, number in expected.items():
        assert sum(counts[what] for counts in digits.values()) == number
    if expected["hits"] + expected["false alarms"]:
        assert explorer.precision == expected["hits"] / (expected["hits"] + expected["false alarms"])
    else:
        assert np.isnan(explorer.precision) and explorer._state["precision"] is None
    assert explorer.recall == expected["hits"] / (expected["hits"] + expected["missed"])


def test_averages_are_those_of_the_module(case):
    images, found, truth = case
    explorer = DetectionExplorer(images, found, truth)
    kept = [one.only(detection.suppress(one.boxes, one.scores, 0.3)) for one in found]
    mean, each = detection.mean_average_precision(kept, truth, range(10))
    assert explorer.mean_average_precision == pytest.approx(mean)
    explorer.digit = 4
    assert explorer.average_precision == pytest.approx(each[4])
    explorer.least_overlap = 95
    assert explorer.mean_average_precision < mean / 2


def test_the_score_moves_along_the_curve_and_the_curve_stays(case):
    explorer = DetectionExplorer(*case)
    curve, recalls = explorer._state["curve"], []
    for least_score in (90, 60, 30, 0):
        explorer.least_score = least_score
        recalls.append(explorer.recall)
        assert explorer._state["curve"] == curve
    assert recalls == sorted(recalls) and recalls[0] < recalls[-1] == pytest.approx(curve[0][-1], abs=1e-4)


def test_boxes_of_a_scene(case):
    explorer = DetectionExplorer(*case, least_score=0)
    kinds = dict.fromkeys(("hit", "false alarm", "missed", "truth", "dropped"), 0)
    for scene in range(40):
        explorer.scene = scene
        for *_, kind in explorer._state["boxes"]:
            kinds[kind] += 1
        assert explorer._state["scene"] == scene
    assert {
        name: kinds[kind] for name, kind in (("hits", "hit"), ("false alarms", "false alarm"), ("missed", "missed"))
    } == explorer.counts
    assert kinds["truth"] == kinds["hit"] and kinds["dropped"] > 10
    explorer.most_overlap = 100
    assert not any(kind == "dropped" for *_, kind in explorer._state["boxes"])


def test_a_digit_that_is_nowhere_and_scenes_without_detections():
    nothing = Found(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    explorer = DetectionExplorer(np.zeros((1, 64, 64)), [nothing], [([[0, 0, 5, 5]], [3])])
    assert explorer.counts == {"hits": 0, "false alarms": 0, "missed": 1} and explorer.average_precision == 0
    explorer.digit = 7
    assert (
        np.isnan(explorer.average_precision)
        and explorer._state["average"] is None
        and explorer._state["recall"] is None
    )
    json.dumps(explorer._state, allow_nan=False)
    explorer._repr_mimebundle_()


def test_the_browser_draws_the_curve(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "detection_explorer"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    done = subprocess.run([node, "main.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "best": [1, 0.75, 0.75, 0.75, 0.6], "none": [],
        "path": "M0 1L0.25 1L0.25 0.5L0.25 0.5L0.25 0.6L0.5 0.6", "empty": "",
    }  # fmt: skip


def test_what_does_not_fit_is_told(case):
    images, found, truth = case
    with pytest.raises(ValueError, match="must be"):
        DetectionExplorer(images * 255, found, truth)
    with pytest.raises(ValueError, match="40 images, detections in 39"):
        DetectionExplorer(images, found[1:], truth)
    with pytest.raises(traitlets.TraitError, match="scene is 40: there are 40"):
        DetectionExplorer(images, found, truth, scene=40)
    with pytest.raises(traitlets.TraitError, match="from 0 to 100"):
        DetectionExplorer(images, found, truth, least_score=0.5)


def test_a_picture_stands_in(case):
    explorer = DetectionExplorer(*case, scene=3)
    data, metadata = explorer._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 600
    assert f"{explorer.counts['hits']} hits" in metadata["image/png"]["alt"]
