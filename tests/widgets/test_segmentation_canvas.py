"""The segmentation canvas without a browser: what it composes, what it asks the network, and the browser's same."""

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

from visionlab import datasets, widgets
from visionlab.scenes import BACKGROUND, FRAME, SIDE
from visionlab.widgets.segmentation_canvas import MOST_THINGS, SegmentationCanvas

SCRIPT = """
import { readFileSync } from "node:fs";
import { composeScene, freePlace, stroke } from "./segmentation_canvas.mjs";
const { backdrops, digits, cases, lines } = JSON.parse(readFileSync(0, "utf8"));
const blank = new Uint8Array(64 * 64);
console.log(JSON.stringify({
  scenes: cases.map(({ backdrop, ink, things }) => [...composeScene(backdrops[backdrop], ink, things, digits)]),
  strokes: lines.map(([from, to]) => [...stroke(blank, from, to, false)]),
  erased: [...stroke(blank.map(() => 200), [10, 10], [50, 10], true)],
  places: [0, 1, 2, 3].reduce((things) => [...things, [0, ...freePlace(things)]], []),
}));
"""


@pytest.fixture(scope="module")
def digits():
    return datasets.load("mnist", split="test", subset=20)


@pytest.fixture(scope="module")
def backdrops():
    rng = np.random.default_rng(0)
    return np.stack([np.zeros((SIDE, SIDE)), rng.uniform(0, 0.5, (SIDE, SIDE))])


def bright(picture):
    """A network that takes all that is bright for a 3, and knows which pictures it has seen."""
    bright.seen = picture
    return np.where(picture > 0.5, 3, BACKGROUND)


@pytest.fixture
def canvas(digits, backdrops):
    return SegmentationCanvas(bright, digits.images, digits.labels, backdrops, things=[[0, 2, 4], [15, 30, 36]])


def test_the_network_sees_what_is_composed(canvas, digits, backdrops):
    assert bright.seen.dtype == np.float32 and bright.seen.shape == (SIDE, SIDE)
    canvas.backdrop = 1
    expected = np.round(255 * backdrops[1])
    for which, row, column in canvas.things:
        place = np.s_[row : row + FRAME, column : column + FRAME]
        expected[place] = np.maximum(expected[place], digits.images[which])
    np.testing.assert_array_equal(canvas.picture, (expected / 255).astype(np.float32))
    np.testing.assert_array_equal(bright.seen, canvas.picture)
    assert ((canvas.found == 3) == (canvas.picture > 0.5)).all()


def test_moving_and_writing_ask_again(canvas):
    before = canvas.found
    canvas.things = [[0, 30, 4]]
    assert (canvas.found != before).any() and (canvas.found[:30] == BACKGROUND).all()
    ink = np.zeros((SIDE, SIDE), np.uint8)
    ink[:3, :5] = 255
    canvas.ink = ink.tobytes()
    assert (canvas.found[:3, :5] == 3).all()


def test_what_the_browser_sends_as_ink_is_taken(canvas):
    canvas.set_state({"ink": memoryview(bytes([255]) * SIDE * SIDE)})
    assert (canvas.found == 3).all()


def test_the_browser_composes_the_same(digits, backdrops, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "segmentation_canvas"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    rng = np.random.default_rng(1)
    cases = [
        {
            "backdrop": i % 2,
            "ink": (rng.integers(0, 256, SIDE * SIDE) * (rng.random(SIDE * SIDE) < 0.1)).tolist(),
            "things": [[int(rng.integers(20)), *rng.integers(0, 37, 2).tolist()] for _ in range(i)],
        }
        for i in range(5)
    ]
    lines = [[[10, 20], [40, 20]], [[32.5, 32.5], [32.5, 32.5]], [[-5, -5], [5, 5]]]
    given = {
        "backdrops": np.round(255 * backdrops).astype(int).reshape(2, -1).tolist(),
        "digits": digits.images.ravel().tolist(), "cases": cases, "lines": lines,
    }  # fmt: skip
    done = subprocess.run(
        [node, "main.mjs"], input=json.dumps(given), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    for case, scene in zip(cases, found["scenes"], strict=True):
        canvas = SegmentationCanvas(bright, digits.images, digits.labels, backdrops, things=case["things"])
        canvas.backdrop, canvas.ink = case["backdrop"], bytes(case["ink"])
        np.testing.assert_array_equal(np.round(255 * canvas.picture).ravel(), scene)
    line, dot, corner = (np.array(one).reshape(SIDE, SIDE) for one in found["strokes"])
    assert (line[19:21, 10:40] > 200).all() and (line[[16, 23]] == 0).all(), "about three pixels wide"
    assert dot[32, 32] == 255 and 0 < (dot > 0).sum() < 16
    assert corner[0, 0] == 255 and corner[8:].sum() == 0
    erased = np.array(found["erased"]).reshape(SIDE, SIDE)
    assert (erased[9:12, 10:50] == 0).all() and (erased[20:] == 200).all()
    corners = np.array(found["places"])[:, 1:]
    far = np.abs(corners[:, None] - corners).max(axis=2)[~np.eye(4, dtype=bool)]
    assert far.min() >= 16, "a new digit lies where there is room"


@pytest.mark.parametrize(
    ("things", "said"),
    [
        ([[20, 0, 0]], "there are 20 digits"),
        ([[0, 37, 0]], "from 0 to 36"),
        ([[0, 0]], r"\[digit, row, column\]"),
        ([[0, 0, 1.5]], r"\[digit, row, column\]"),
        ([[0, 0, 0]] * (MOST_THINGS + 1), "at most 9"),
    ],
)
def test_things_that_cannot_be_are_told(canvas, things, said):
    with pytest.raises(traitlets.TraitError, match=said):
        canvas.things = things


def test_what_does_not_fit_is_told(canvas, digits, backdrops):
    with pytest.raises(traitlets.TraitError, match="ink has 3 bytes"):
        canvas.ink = b"abc"
    with pytest.raises(traitlets.TraitError, match="backdrop is 2: there are 2"):
        canvas.backdrop = 2
    with pytest.raises(ValueError, match="uint8"):
        SegmentationCanvas(bright, digits.images / 255, digits.labels, backdrops)
    with pytest.raises(ValueError, match="backdrops"):
        SegmentationCanvas(bright, digits.images, digits.labels, backdrops * 255)


@pytest.mark.parametrize(
    "segment",
    [lambda picture: picture, lambda picture: np.zeros((3, 3), int), lambda picture: np.full((SIDE, SIDE), 11)],
)
def test_a_network_that_gives_no_labels_is_told(segment, digits, backdrops):
    with pytest.raises(ValueError, match="whole numbers from 0 to 10"):
        SegmentationCanvas(segment, digits.images, digits.labels, backdrops)


def test_a_picture_stands_in(canvas):
    data, metadata = canvas._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    pixels = (canvas.found == 3).sum()
    assert "A scene with 0, 5 on it" in metadata["image/png"]["alt"]
    assert f"3: {pixels}" in metadata["image/png"]["alt"]
