"""The descent explorer without a browser: its walks against torch's optimisers, and the browser's walks against its."""

import base64
import io
import json
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

from visionlab import widgets
from visionlab.widgets import descent
from visionlab.widgets.descent import LANDSCAPES, DescentExplorer, _walk

RULES = descent.METHODS[:-1]
SCRIPT = """
import { readFileSync } from "node:fs";
import { LANDSCAPES, walk } from "./descent.mjs";
const { walks, inked } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify({
  places: walks.map((settings) => walk(settings, inked)),
  heights: walks.map(({ loss, x, y }) => LANDSCAPES[loss].at(x, y, inked)),
  views: Object.entries(LANDSCAPES).map(([name, { view, start }]) => [name, view, start]),
}));
"""


@pytest.mark.parametrize("name", LANDSCAPES)
def test_slopes_are_those_of_the_loss(name):
    rng = np.random.default_rng(0)
    left, right, low, high = LANDSCAPES[name][1]
    x, y, h = rng.uniform(left, right, 20), rng.uniform(low, high, 20), 1e-5
    _, slope_x, slope_y = descent.loss_and_slopes(name, x, y)

    def height(x, y):
        return descent.loss_and_slopes(name, x, y)[0]

    np.testing.assert_allclose(slope_x, (height(x + h, y) - height(x - h, y)) / (2 * h), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(slope_y, (height(x, y + h) - height(x, y - h)) / (2 * h), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("method", "make"),
    [
        ("gradient descent", lambda w: torch.optim.SGD([w], lr=0.03)),
        ("momentum", lambda w: torch.optim.SGD([w], lr=0.03, momentum=0.8)),
        ("RMSProp", lambda w: torch.optim.RMSprop([w], lr=0.03, alpha=0.9)),
        ("Adam", lambda w: torch.optim.Adam([w], lr=0.03, betas=(0.8, 0.999))),
    ],
)
def test_walks_are_torchs(method, make):
    w = torch.tensor([-1.4, 2.2], dtype=torch.float64, requires_grad=True)
    optimiser = make(w)
    expected = [w.tolist()]
    for _ in range(40):
        optimiser.zero_grad()
        loss = 0.5 * (1 - w[0]) ** 2 + 2.5 * (w[1] - w[0] ** 2) ** 2
        loss.backward()
        optimiser.step()
        expected.append(w.tolist())
    places = _walk("curved valley", method, (-1.4, 2.2), 40, eta=0.03, momentum=0.8)
    np.testing.assert_allclose(places, expected, rtol=1e-6, atol=1e-7)


def test_the_browser_walks_the_same_way(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "descent"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    rng = random.Random(0)
    cases = []
    for _ in range(60):
        name = rng.choice(list(LANDSCAPES))
        left, right, low, high = LANDSCAPES[name][1]
        cases.append(
            {
                "loss": name,
                "method": rng.choice(RULES),
                "x": rng.uniform(left, right),
                "y": rng.uniform(low, high),
                "steps": rng.randint(0, 30),
                "eta": 10 ** rng.uniform(-3, -1.3),
                "momentum": rng.uniform(0, 0.9),
                "noise": rng.choice([0, 0.5]),
                "seed": rng.randrange(2**32),
            }
        )
    given = json.dumps({"walks": cases, "inked": descent.inked_digits().tolist()})
    done = subprocess.run([node, "main.mjs"], input=given, cwd=tmp_path, capture_output=True, text=True, check=True)
    browser = json.loads(done.stdout)
    for case, places, height in zip(cases, browser["places"], browser["heights"], strict=True):
        options = {name: case[name] for name in ("eta", "momentum", "noise", "seed")}
        expected = _walk(case["loss"], case["method"], (case["x"], case["y"]), case["steps"], **options)
        np.testing.assert_allclose(places, expected, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(height, descent.loss_and_slopes(case["loss"], case["x"], case["y"]), atol=1e-9)
    assert browser["views"] == [[name, list(view), list(start)] for name, (_, view, start) in LANDSCAPES.items()]


def test_settings_determine_the_walk():
    explorer = DescentExplorer("narrow valley", eta=0.07, steps=40)
    assert len(explorer.path) == 41
    assert explorer.losses[-1] < 0.02 < explorer.losses[0]
    explorer.eta = 0.09  # above 2/25
    assert explorer.losses[-1] > explorer.losses[0]
    explorer.eta, explorer.noise = 0.03, 1
    first = explorer.path
    explorer.seed += 1
    assert explorer.path[0] == first[0] and explorer.path[-1] != first[-1]


def test_a_saddle_holds_those_without_noise():
    explorer = DescentExplorer("saddle", eta=0.1, steps=300)
    assert explorer.losses[-1] == pytest.approx(1)
    explorer.noise = 0.1
    assert explorer.losses[-1] < 0.2


def test_walking_by_hand():
    explorer = DescentExplorer("digits", "by hand", fog=True)
    start = explorer.losses[0]
    explorer.moves = [(2, 0), (1, 3.5)]
    assert explorer.path == [(3, -2), (2, 0), (1, 3.5)]
    assert explorer.losses[-1] < 0.35 < start


@pytest.mark.parametrize("name", LANDSCAPES)
def test_a_walk_that_leaves_ends(name):
    explorer = DescentExplorer(name, eta=10, steps=500, start=(2.9, 2.7))
    assert all(np.isfinite(place).all() for place in explorer.path[:-1])
    assert explorer._repr_mimebundle_()[0]["image/png"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"loss": "hill"}, "loss is 'hill': it must be one of 'bowl'"),
        ({"method": "sgd"}, "method is 'sgd'"),
        ({"eta": 0}, "eta is 0: it must be a number from 0.0001 to 10"),
        ({"eta": "fast"}, "eta is 'fast'"),
        ({"momentum": 1}, "momentum is 1: it must be a number from 0 to 0.99"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"steps": 501}, "steps is 501: it must be a whole number from 0 to 500"),
        ({"start": (1, 2, 3)}, "start is"),
    ],
)
def test_wrong_settings_are_told(wrong, said):
    with pytest.raises(traitlets.TraitError, match=said):
        DescentExplorer(**wrong)


@pytest.mark.parametrize("moves", [[1, 2], [(1, float("inf"))], [("a", "b")], [(0, 0)] * 501])
def test_wrong_moves_are_told(moves):
    with pytest.raises(traitlets.TraitError, match="pairs of numbers"):
        DescentExplorer("bowl", "by hand").moves = moves


@pytest.mark.parametrize("settings", [{"steps": 12, "method": "Adam"}, {"method": "by hand", "fog": True}])
def test_a_picture_stands_in_where_there_is_no_kernel(settings):
    data, metadata = DescentExplorer("digits", **settings)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert "Contour map of the loss 'digits'" in metadata["image/png"]["alt"]
