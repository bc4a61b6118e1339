"""The overlap of two boxes without a browser: the module's, the browser's, and what is refused."""

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
from visionlab.widgets.box_overlap import BoxOverlap

SCRIPT = """
import { readFileSync } from "node:fs";
import { areas, moved, stretched } from "./box_overlap.mjs";
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(({ a, b, by, corner, to }) => ({
  areas: areas(a, b), moved: moved(a, ...by, 40, 30), stretched: stretched(a, corner, ...to, 40, 30),
}))));
"""


def random_box(rng):
    left, top = int(rng.integers(0, 39)), int(rng.integers(0, 29))
    return [left, top, int(rng.integers(left + 1, 41)), int(rng.integers(top + 1, 31))]


def test_it_agrees_with_the_module_for_detection():
    rng = np.random.default_rng(0)
    overlap = BoxOverlap()
    for _ in range(100):
        overlap.first, overlap.second = random_box(rng), random_box(rng)
        assert overlap.iou == pytest.approx(detection.iou(overlap.first, overlap.second)[0, 0])


def test_the_browser_computes_the_same_and_boxes_stay_in_the_picture(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "box_overlap"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    rng = np.random.default_rng(1)
    cases = [
        {
            "a": random_box(rng), "b": random_box(rng), "by": rng.integers(-50, 50, 2).tolist(),
            "corner": i % 4, "to": rng.integers(-10, 60, 2).tolist(),
        }
        for i in range(400)
    ]  # fmt: skip
    done = subprocess.run(
        [node, "main.mjs"], input=json.dumps(cases), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    for case, found in zip(cases, json.loads(done.stdout), strict=True):
        overlap = BoxOverlap(case["a"], case["b"])
        assert (found["areas"]["intersection"], found["areas"]["union"]) == (overlap.intersection, overlap.union)
        overlap.first = found["moved"]  # refused if it isn't within the picture
        assert np.subtract(found["moved"][2:], found["moved"][:2]).tolist() == [
            case["a"][2] - case["a"][0],
            case["a"][3] - case["a"][1],
        ]
        overlap.second = found["stretched"]
        fixed = [2 if case["corner"] % 2 == 0 else 0, 3 if case["corner"] < 2 else 1]
        assert [found["stretched"][side] for side in fixed] == [case["a"][side] for side in fixed]


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((5, 5, 5, 9), "right > left"),
        ((0, 0, 41, 5), "within a picture of 40×30"),
        ((0, 0, 4), "left, top, right, bottom"),
        ((0, 0, 4.5, 5), "whole numbers"),
        (7, "whole numbers"),
    ],
)
def test_what_is_no_box_is_told(box, said):
    with pytest.raises(traitlets.TraitError, match=said):
        BoxOverlap(first=box)


def test_a_picture_must_be_grey():
    with pytest.raises(ValueError, match=r"\(H, W\)"):
        BoxOverlap(picture=np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="from 0 to 1"):
        BoxOverlap(picture=np.full((64, 64), 200))


def test_a_picture_stands_in():
    data, metadata = BoxOverlap((0, 0, 20, 20), (10, 0, 30, 20), np.zeros((64, 48)))._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert "share 200 pixels and cover 600 together: intersection over union 0.33" in metadata["image/png"]["alt"]
