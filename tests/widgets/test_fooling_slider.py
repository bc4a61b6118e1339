"""The fooling slider without a browser: directions, sizes, and what the classifier makes of the sum."""

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
from visionlab.widgets.fooling_slider import MOST, FoolingSlider

LABELS = ("a", "b", "c")


@pytest.fixture(scope="module")
def templates():
    return torch.randn(3, 192, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def slider(templates):
    picture = np.random.default_rng(0).integers(90, 160, (8, 8, 3)).astype(np.uint8)  # far from black and white
    return FoolingSlider(lambda x: x.flatten(1) @ templates.T, LABELS, {"one": picture, "grey": picture // 8 * 8})


def scores(slider, templates):
    return torch.tensor(slider.changed).permute(2, 0, 1).reshape(1, -1) @ templates.T


@pytest.mark.parametrize("target", LABELS)
def test_for_a_linear_classifier_w_is_the_template(slider, templates, target):
    slider.target = target
    before = scores(slider, templates)[0]
    slider.size = 5
    w = templates[LABELS.index(target)]
    alpha = slider._answer["alpha"]
    after = scores(slider, templates)[0]
    assert torch.allclose(after, before + alpha * templates @ w, atol=1e-4)
    rms = 255 * np.sqrt(np.mean((slider.changed - slider._x[0].permute(1, 2, 0).numpy()) ** 2))
    assert rms == pytest.approx(5, rel=1e-4)


def test_rules_have_the_same_size_and_w_is_best(slider, templates):
    target = LABELS[1]
    slider.target = target
    slider.size = 4
    gained = {}
    for rule in ("w", "sign of w", "ten steps", "random signs"):
        slider.rule = rule
        added = 255 * (slider.changed - slider._x[0].permute(1, 2, 0).numpy())
        assert np.sqrt(np.mean(added**2)) == pytest.approx(4, rel=1e-3)
        gained[rule] = float(scores(slider, templates)[0, 1])
    assert gained["w"] > gained["sign of w"] > gained["random signs"]
    slider.rule = "sign of w"
    assert slider._answer["largest"] == pytest.approx(4, rel=1e-3)


def test_the_label_flips_and_back(slider):
    slider.target = next(label for label in LABELS if label != slider.first)
    slider.size = MOST
    assert slider.label == slider.target != slider.first
    slider.size = 0
    assert slider.label == slider.first and slider.probabilities.sum() == pytest.approx(1)
    slider.image = "grey"
    assert len(slider._pixels) == 192 and len(np.frombuffer(slider._direction, np.float32)) == 192


def test_a_network_needs_more_than_one_gradient():
    lite = pretrained("efficientnet_lite0")
    cat = {"cat": datasets.photo("chelsea", size=224)}
    slider = FoolingSlider(lambda x: lite.network(lite.normalise(x)), lite.labels, cat, target="kit fox", size=2)
    cats = ("Egyptian Mau", "a cat having a striped coat", "tabby cat")
    for rule in ("w", "sign of w", "random signs"):
        slider.rule = rule
        assert slider.label in cats
    slider.rule = "ten steps"
    assert slider.label == "kit fox" and slider._answer["largest"] < 3.5
    names = [name for name, *_ in slider._answer["bars"]]
    assert names[:2] == [slider.first, "kit fox"] and len(names) == len(set(names)) == 9


def test_what_is_not_allowed_is_told(slider, templates):
    with pytest.raises(ValueError, match="no image"):
        FoolingSlider(lambda x: x, LABELS, {})
    with pytest.raises(ValueError, match="no class 'd'"):
        FoolingSlider(lambda x: x, LABELS, slider._images, target="d")
    with pytest.raises(traitlets.TraitError, match="'a', 'b', 'c'"):
        slider.target = "d"
    with pytest.raises(traitlets.TraitError, match="from 0 to 32"):
        slider.size = 40


def test_the_browser_adds_the_same(slider, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "fooling_slider"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    slider.size = 12.5
    pixels = np.frombuffer(slider._pixels, np.uint8).tolist()
    direction = np.frombuffer(slider._direction, np.float32).astype(float).tolist()
    (tmp_path / "main.mjs").write_text(
        'import { markOf, sizeOf, summed } from "./fooling_slider.mjs";\n'
        f"const [pixels, direction] = [{json.dumps(pixels)}, {json.dumps(direction)}];\n"
        "const sum = pixels.map((pixel, i) => summed(pixel, direction[i], 12.5));\n"
        "console.log(JSON.stringify([sum, [0, 1, 80, 160].map((mark) => markOf(sizeOf(mark)))]));\n"
    )
    done = subprocess.run([node, "main.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    found, marks = json.loads(done.stdout)
    np.testing.assert_allclose(found, 255 * slider.changed.ravel(), atol=1e-3)
    assert marks == [0, 1, 80, 160]


def test_a_picture_stands_in(slider):
    slider.size = 3
    data, metadata = slider._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 600
    assert "3.0 grey levels of w" in metadata["image/png"]["alt"]
