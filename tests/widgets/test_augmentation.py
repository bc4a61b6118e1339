"""The augmentation explorer without a browser: each slider does what it says, and the browser computes the same."""

import base64
import io
import json
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import traitlets
from PIL import Image

from visionlab import datasets, widgets
from visionlab.widgets.augmentation import LIMITS, MODEST, SIDE, AugmentationExplorer

SCRIPT = """
import { readFileSync } from "node:fs";
import { augmented } from "./augmentation.mjs";
const { photo, side, cases } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map((settings) => [...augmented(Uint8Array.from(photo), side, settings)])));
"""


@pytest.fixture(scope="module")
def cat():
    return datasets.photo("chelsea", size=SIDE).astype(float)


def made(**settings):
    return AugmentationExplorer(**settings).result


def test_in_the_middle_the_sliders_change_nothing(cat):
    np.testing.assert_allclose(made(), cat, atol=1e-9)


def test_geometry_is_numpys_and_pils(cat):
    np.testing.assert_allclose(made(flip=True), cat[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(made(rotation=180), cat[::-1, ::-1], atol=1e-9)
    np.testing.assert_allclose(made(rotation=90), np.rot90(cat), atol=1e-9)  # to the left
    np.testing.assert_allclose(made(flip=True, rotation=90), np.rot90(cat)[:, ::-1], atol=1e-9)
    whole = Image.fromarray(cat.astype(np.uint8))
    corner = whole.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(0, SIDE / 2, SIDE / 2, SIDE))
    inside = np.s_[2:-2, 2:-2]
    np.testing.assert_allclose(made(crop=0.5, x=-1, y=1)[inside], np.asarray(corner)[inside], atol=1)
    middle = whole.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(SIDE / 4, SIDE / 4, 3 * SIDE / 4, 3 * SIDE / 4))
    np.testing.assert_allclose(made(scale=2)[inside], np.asarray(middle)[inside], atol=1)


def test_shear_keeps_the_middle_row_and_moves_the_others_apart(cat):
    sheared = made(shear=45)
    np.testing.assert_allclose(sheared[SIDE // 2, 1:-1], (cat[SIDE // 2, 1:-1] + cat[SIDE // 2, 2:]) / 2, atol=1)
    assert (sheared[0, :60] == 0).all(), "beyond the border it is black"
    assert sheared[0, -30:].max() > 0


def test_colours(cat):
    assert made(brightness=0.5) == pytest.approx(cat / 2)
    assert made(contrast=0.5) == pytest.approx(63.75 + cat / 2)
    grey = made(saturation=0)
    assert np.ptp(grey, axis=-1).max() < 1e-9
    np.testing.assert_allclose(grey[..., 0], cat @ (0.299, 0.587, 0.114), atol=1e-9)
    turned = made(hue=120, contrast=0.5)  # a third of a turn: red becomes green, green blue, blue red
    np.testing.assert_allclose(turned, np.roll(made(contrast=0.5), 1, axis=-1), atol=1e-9)


def test_the_browser_computes_the_same(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "augmentation"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    rng = random.Random(0)
    cases = [{name: rng.uniform(low, high) for name, (_, low, high) in LIMITS.items()} for _ in range(12)]
    cases = [case | {"flip": i % 2 == 0} for i, case in enumerate(cases)]
    explorers = [AugmentationExplorer(**case) for case in cases]
    photo = datasets.photo("chelsea", size=SIDE).ravel().tolist()
    given = json.dumps({"photo": photo, "side": SIDE, "cases": cases})
    done = subprocess.run([node, "main.mjs"], input=given, cwd=tmp_path, capture_output=True, text=True, check=True)
    for explorer, found in zip(explorers, json.loads(done.stdout), strict=True):
        np.testing.assert_allclose(np.reshape(found, (SIDE, SIDE, 3)), explorer.result, atol=1e-6)


def test_random_ones_are_modest_repeatable_and_differ():
    one, two, other = (AugmentationExplorer() for _ in range(3))
    one.draw_random(seed=1)
    two.draw_random(seed=1)
    other.draw_random(seed=2)
    assert one.settings == two.settings != other.settings
    for name, (low, high) in MODEST.items():
        assert low <= one.settings[name] <= high
        assert LIMITS[name][1] <= low < high <= LIMITS[name][2]
    flips = set()
    for seed in range(20):
        one.draw_random(seed)
        flips.add(one.flip)
    assert flips == {True, False}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"crop": 0}, "crop is 0: it must be a number from 0.3 to 1"),
        ({"hue": "red"}, "a number from -180 to 180"),
        ({"photo": "dog"}, "'chelsea'"),
    ],
)
def test_what_is_not_allowed_is_told(settings, said):
    with pytest.raises(traitlets.TraitError, match=said):
        AugmentationExplorer(**settings)
    with pytest.raises(TypeError, match="there is no setting 'zoom'"):
        AugmentationExplorer(zoom=2)


def test_a_picture_stands_in():
    explorer = AugmentationExplorer("coffee", rotation=20, flip=True)
    data, metadata = explorer._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 600
    assert "rotation 20" in metadata["image/png"]["alt"] and "flipped" in metadata["image/png"]["alt"]
    assert explorer._pixels == datasets.photo("coffee", size=SIDE).tobytes()
    explorer.photo = "rocket"
    assert explorer._pixels == datasets.photo("rocket", size=SIDE).tobytes()
