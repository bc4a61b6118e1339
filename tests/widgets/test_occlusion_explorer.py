"""The occlusion explorer without a browser: what it covers, what it follows, and a map that can be stopped."""

import base64
import io
import json
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image
from skimage import data

from visionlab import datasets, widgets
from visionlab.nets import pretrained
from visionlab.nets.imagenet import Pretrained
from visionlab.widgets.occlusion_explorer import SIDE, STEP, OcclusionExplorer


class Bright(torch.nn.Module):
    """Two classes: how bright the upper left quarter is, and how dark; in steps that a test can count."""

    def __init__(self):
        super().__init__()
        self.asked = 0

    def forward(self, x):
        self.asked += 1
        mean = x[:, :, :112, :112].mean((1, 2, 3))
        return torch.stack([mean, -mean, torch.full_like(mean, -9)], 1)


@pytest.fixture
def bright():
    half = (0.5, 0.5, 0.5)
    return Pretrained(Bright(), ("bright", "dark", "neither"), "", "", "", half, half)


@pytest.fixture
def explorer(bright):
    return OcclusionExplorer(bright, {"white": np.full((224, 224, 3), 255, np.uint8)}, side=112)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "visionlab job"]


def wait(explorer):
    explorer._job.wait()


def sigmoid(margin):
    return 1 / (1 + np.exp(-margin))


@pytest.mark.parametrize(
    ("place", "fill", "left"),
    [((56, 56), "grey", 0.0), ((56, 56), "black", -1.0), ((168, 168), "grey", 1.0), ((112, 112), "grey", 0.75),
     ((0, 0), "grey", 0.75), ((56, 56), "blur", 1.0)],
)  # fmt: skip
def test_the_square_covers_what_it_should(explorer, place, fill, left):
    """`left` is what remains of the quarter's brightness, on the network's scale."""
    explorer.place, explorer.fill = place, fill
    assert explorer.whole == pytest.approx(sigmoid(2.0), abs=1e-3)
    assert explorer.probability == pytest.approx(sigmoid(2 * left), abs=2e-3)


def test_the_map_is_the_probability_by_place(explorer):
    found = explorer.compute()
    assert found.shape == (14, 14) and explorer.status == "done"
    for row, column in ((0, 0), (3, 3), (7, 2), (13, 13)):
        explorer.place = (STEP * row + STEP // 2, STEP * column + STEP // 2)
        assert found[row, column] == pytest.approx(explorer.probability)
    assert found[3, 3] == found.min() and found[13, 13] == pytest.approx(explorer.whole)


def test_the_map_runs_in_the_background_and_can_be_stopped(explorer):
    explorer._handle_custom_msg({"do": "map"}, [])
    assert explorer.status == "running" and len(threads()) == 1
    explorer._handle_custom_msg({"do": "stop"}, [])
    wait(explorer)
    assert explorer.status in ("stopped", "done") and not threads()
    kept = np.isfinite(explorer.map).sum()
    explorer.start()
    wait(explorer)
    assert explorer.status == "done" and np.isfinite(explorer.map).all() and kept <= 196
    assert np.frombuffer(explorer._map, np.float32).reshape(14, 14) == pytest.approx(explorer.map, abs=1e-6)
    explorer.side = 64
    assert explorer.status == "ready" and np.isnan(explorer.map).all(), "another square, another map"
    explorer.start()
    explorer.close()
    assert not threads()


def test_going_on_computes_only_what_is_missing(explorer):
    places = explorer._places()
    for _ in range(50):
        next(places)
    asked = explorer._network.network.asked
    explorer.compute()
    assert explorer._network.network.asked == asked + 196 - 50


def test_a_move_asks_the_network_once(explorer):
    before = explorer._network.network.asked
    explorer.set_state({"place": [10, 200]})  # as the page does
    assert explorer._network.network.asked == before + 1
    assert explorer._answer["place"] == [10, 200]


def test_classes_are_added(bright):
    photos = {"white": np.full((224, 224, 3), 255, np.uint8)}
    explorer = OcclusionExplorer(bright, photos, {"white": ["bright", "dark"]})
    assert explorer.followed == "bright + dark" and explorer.whole == pytest.approx(1, abs=1e-3)


def test_on_a_real_photograph():
    explorer = OcclusionExplorer(pretrained("efficientnet_lite0"), {"man": data.camera()}, side=72, place=(170, 130))
    assert explorer.followed == "tripod" and explorer.whole > 0.9 and explorer.probability < 0.6
    explorer.place = (60, 60)  # his head
    assert explorer.probability > 0.85


def test_what_is_not_allowed_is_told(bright, explorer):
    with pytest.raises(ValueError, match="no photograph"):
        OcclusionExplorer(bright, {})
    with pytest.raises(ValueError, match="no class 'cat'"):
        OcclusionExplorer(bright, {"cat": datasets.photo("chelsea")}, {"cat": "cat"})
    with pytest.raises(traitlets.TraitError, match="one of 'white'"):
        explorer.photo = "black"
    with pytest.raises(traitlets.TraitError, match="from 8 to 160"):
        explorer.side = 4


def test_the_browser_covers_the_same_part(explorer, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "occlusion_explorer"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    cases = [[[0, 0], 64], [[112, 50], 63], [[223, 223], 160], [[100, 7], 8]]
    (tmp_path / "main.mjs").write_text(
        'import { covered } from "./occlusion_explorer.mjs";\n'
        f"console.log(JSON.stringify({json.dumps(cases)}.map(([place, side]) => covered(place, side))));\n"
    )
    done = subprocess.run([node, "main.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    for (place, side), edges in zip(cases, json.loads(done.stdout), strict=True):
        explorer.side, explorer.place = side, tuple(place)
        changed = (explorer._covered(place) != explorer._image).any(0).nonzero()
        assert edges == [*changed.min(0).values.tolist(), *(changed.max(0).values + 1).tolist()]


def test_a_picture_stands_in(explorer):
    data, metadata = explorer._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 600
    assert "probability of bright" in metadata["image/png"]["alt"]
    explorer.compute()
    assert "Map of all places: from" in explorer._repr_mimebundle_()[1]["image/png"]["alt"]
    assert len(explorer._pixels) == 2 * 3 * SIDE * SIDE
