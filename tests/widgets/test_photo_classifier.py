"""The photo classifier without a browser: the network gets the square that is shown, and photographs of one's own."""

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

from visionlab import datasets, widgets
from visionlab.nets import pretrained
from visionlab.nets.imagenet import Pretrained
from visionlab.widgets.photo_classifier import INPUTS, LARGEST, TOP, PhotoClassifier


class MeanColour(torch.nn.Module):
    """Six classes, scored by how red, green and blue a picture is; counts how often it is asked."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def forward(self, x):
        self.shapes.append(tuple(x.shape))
        return torch.cat([4 * x.mean((2, 3)), torch.tensor([[-5.0, -6.0, -7.0]])], 1)


@pytest.fixture
def network():
    half = (0.5, 0.5, 0.5)
    return Pretrained(MeanColour(), ("red", "green", "blue", "d", "e", "f"), "", "", "", half, half)


@pytest.fixture
def stripes():
    """A red, a green and a blue field of 100×100 side by side."""
    picture = np.zeros((100, 300, 3), np.uint8)
    for k in range(3):
        picture[:, 100 * k : 100 * (k + 1), k] = 255
    return picture


@pytest.fixture
def explorer(network, stripes):
    return PhotoClassifier(network, {"stripes": stripes, "grey": np.full((64, 48), 127, np.uint8)})


def test_it_begins_with_the_largest_square_in_the_middle(explorer):
    assert explorer.square == (0, 100, 100)
    assert explorer.answers[0][0] == "green" and len(explorer.answers) == TOP
    assert sum(p for _, p in explorer.answers) == pytest.approx(1, abs=1e-3)
    explorer.photo = "grey"
    assert explorer.square == (8, 0, 48)


@pytest.mark.parametrize(("left", "answer"), [(0, "red"), (20, "red"), (170, "blue"), (200, "blue")])
def test_the_network_gets_what_is_in_the_square(explorer, left, answer):
    explorer.square = (0, left, 100)
    assert explorer.answers[0][0] == answer
    seen = np.frombuffer(explorer._seen, np.uint8).reshape(224, 224, 3)
    assert seen.mean((0, 1)).argmax() == ("red", "green", "blue").index(answer)


def test_a_move_asks_once_and_a_new_photograph_too(explorer):
    shapes = explorer._network.network.shapes
    before = len(shapes)
    explorer.set_state({"square": [0, 0, 64]})  # as the page does
    assert len(shapes) == before + 1 and explorer._answer["square"] == [0, 0, 64]
    explorer.set_state({"size": 64})
    assert shapes[-1] == (1, 3, 64, 64) and len(shapes) == before + 2
    explorer.set_state({"photo": "grey"})
    assert len(shapes) == before + 3 and explorer._answer["photo"] == "grey"


def test_what_is_not_there_is_refused(explorer, network):
    for square in ((1, 0, 100), (0, 201, 100), (0, 0, 101)):
        with pytest.raises(traitlets.TraitError, match="100 rows and 300 columns"):
            explorer.square = square
    with pytest.raises(traitlets.TraitError, match="at least 32"):
        explorer.square = (0, 0, 20)
    with pytest.raises(traitlets.TraitError, match="'stripes', 'grey'"):
        explorer.photo = "zebra"
    with pytest.raises(traitlets.TraitError):
        explorer.size = 100
    assert explorer.square == (0, 100, 100)
    with pytest.raises(ValueError, match="no photograph"):
        PhotoClassifier(network, {})
    with pytest.raises(ValueError, match="uint8"):
        PhotoClassifier(network, {"floats": np.zeros((50, 50, 3))})


def test_a_photograph_of_ones_own(explorer):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[..., 2] = 255
    message = {"do": "add", "name": "mine.jpg", "height": 40, "width": 60}
    explorer._handle_custom_msg(message, [memoryview(picture.tobytes())])
    assert explorer.photo == "mine.jpg" and explorer._names[-1] == "mine.jpg"
    assert explorer.square == (0, 10, 40) and explorer.answers[0][0] == "blue"
    assert explorer._pixels == picture.tobytes()
    explorer._handle_custom_msg(message | {"name": "cut short"}, [memoryview(b"123")])
    assert explorer.photo == "mine.jpg"
    explorer.add("mine.jpg", np.roll(picture, 1, axis=2))  # the same name again, another photograph
    assert explorer.answers[0][0] == "red" and explorer._names.count("mine.jpg") == 1


def test_large_photographs_are_shrunk(network):
    explorer = PhotoClassifier(network, {"large": np.zeros((900, 1800, 3), np.uint8)})
    assert explorer._shape == [LARGEST // 2, LARGEST]
    assert len(explorer._pixels) == 3 * LARGEST * LARGEST // 2


def test_it_knows_what_a_real_network_says():
    lite = pretrained("efficientnet_lite0")
    explorer = PhotoClassifier(lite, {"coffee": datasets.photo("coffee")})
    said = dict(explorer.answers)
    for name, p in lite.classify(datasets.photo("coffee")):
        assert said[name] == pytest.approx(p, abs=1e-3)


def test_it_leaves_a_picture(explorer):
    explorer.square = (0, 0, 80)
    data, metadata = explorer._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width > 700
    alt = metadata["image/png"]["alt"]
    assert "'stripes'" in alt and "80×80" in alt and "red" in alt


SCRIPT = """
import { readFileSync } from "node:fs";
import { inside, moved, resized } from "./photo_classifier.mjs";
const { cases } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(({ square, shape, to, key, far }) => {
  const here = inside(square, shape);
  return [here, resized(here, to, shape), moved(here, key, far, shape)];
})));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_page_asks_only_for_squares_that_are_inside(tmp_path, network):
    folder = Path(widgets.__file__).parent
    source = (folder / "photo_classifier.js").read_text("utf-8").replace("./drawing.js", "./drawing.mjs")
    (tmp_path / "photo_classifier.mjs").write_text(source)
    shutil.copy(folder / "drawing.js", tmp_path / "drawing.mjs")
    (tmp_path / "run.mjs").write_text(SCRIPT)
    rng = np.random.default_rng(0)
    keys = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "+", "-", "a"]
    cases = [
        {
            "square": rng.uniform(-100, 700, 3).tolist(),
            "shape": rng.integers(32, LARGEST, 2).tolist(),
            "to": int(rng.integers(0, 700)),
            "key": keys[i % 7],
            "far": bool(rng.integers(2)),
        }
        for i in range(700)
    ]
    ran = subprocess.run(
        ["node", "run.mjs"],
        input=json.dumps({"cases": cases}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    for case, squares in zip(cases, json.loads(ran.stdout), strict=True):
        height, width = case["shape"]
        for square in squares[:3] if case["key"] != "a" else squares[:2]:
            top, left, side = square
            assert all(isinstance(value, int) for value in square)
            assert 32 <= side <= min(height, width)
            assert 0 <= top <= height - side and 0 <= left <= width - side
        assert (squares[2] is None) == (case["key"] == "a")


def test_the_page_offers_the_same_sizes():
    source = (Path(widgets.__file__).parent / "photo_classifier.js").read_text("utf-8")
    assert f"const INPUTS = {list(INPUTS)};" in source and f"const LARGEST = {LARGEST};" in source
