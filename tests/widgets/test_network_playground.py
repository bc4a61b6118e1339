"""The network playground without a browser; its browser side, run by node, takes the same steps."""

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

from visionlab.widgets import network_playground
from visionlab.widgets.network_playground import ACTIVATIONS, DATASETS, VIEWS, NetworkPlayground

SOURCE = Path(network_playground.__file__).parent
SCRIPT = """
import { readFileSync } from "node:fs";
import * as js from "./network_playground.js";
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map((settings) => {
  const points = js.makePoints(settings.dataset, settings.noise);
  const network = js.makeNetwork(settings);
  const before = js.judge(network, points.slice(0, 100));
  for (let epoch = 0; epoch < settings.epochs; epoch++) js.trainEpoch(network, points, settings, epoch);
  const weights = js.flatWeights(network);
  const again = js.makeNetwork(settings, weights);
  return { points, before, weights, test: js.judge(again, points.slice(100)) };
})));
"""


def cases():
    """One case for each data set and activation, of growing depth."""
    for number, (dataset, activation) in enumerate(
        (dataset, activation) for dataset in DATASETS for activation in ACTIVATIONS
    ):
        yield {
            "dataset": dataset,
            "noise": (0.0, 0.1, 0.4)[number % 3],
            "layers": number % 4,
            "units": 1 + number % 8,
            "activation": activation,
            "lam": (0.0, 0.03)[number % 2],
            "eta": 0.1,
            "seed": number,
        }


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_browser_takes_the_same_steps(tmp_path):
    for name in ("drawing.js", "network_playground.js"):
        shutil.copy(SOURCE / name, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.js").write_text(SCRIPT)
    sent = json.dumps([case | {"epochs": 3} for case in cases()])
    ran = subprocess.run(["node", "run.js"], cwd=tmp_path, input=sent, capture_output=True, text=True, check=True)
    for case, js in zip(cases(), json.loads(ran.stdout), strict=True):
        playground = NetworkPlayground(**case)
        places, labels = network_playground._points(case["dataset"], case["noise"])
        np.testing.assert_allclose(np.array(js["points"]), np.column_stack([places, labels]), atol=1e-12)
        assert js["before"]["loss"] == pytest.approx(playground.train_loss, abs=1e-10)
        assert js["before"]["accuracy"] == playground.train_accuracy
        playground.train(3)
        np.testing.assert_allclose(js["weights"], playground.weights, atol=1e-9, err_msg=str(case))
        assert js["test"]["loss"] == pytest.approx(playground.test_loss, abs=1e-9)
        assert js["test"]["accuracy"] == playground.test_accuracy


@pytest.mark.parametrize("dataset", DATASETS)
def test_points_are_the_same_each_time_and_within_the_picture(dataset):
    playground = NetworkPlayground(dataset, noise=0.1)
    places, labels = playground.points("train")
    assert places.shape == (100, 2) and labels.sum() == 50
    assert abs(places).max() < network_playground._REACH
    assert (places == NetworkPlayground(dataset, noise=0.1).points("train")[0]).all()
    assert not (places == playground.points("test")[0]).all()


def test_the_forward_pass_is_torchs():
    playground = NetworkPlayground("spiral", layers=2, units=5, activation="relu", seed=3)
    stack = []
    for W, b in playground._parameters():
        linear = torch.nn.Linear(W.shape[1], W.shape[0]).double()
        linear.weight.data, linear.bias.data = torch.tensor(W), torch.tensor(b)
        stack += [linear, torch.nn.ReLU()]
    points = torch.tensor(playground.points("test")[0])
    expected = torch.nn.Sequential(*stack[:-1])(points)[:, 0].sigmoid().detach()
    np.testing.assert_allclose(playground.predict(points), expected, atol=1e-12)
    np.testing.assert_allclose(
        playground.features(points), torch.nn.Sequential(*stack[:-2])(points).detach(), atol=1e-12
    )


def test_hidden_units_solve_what_a_line_cannot():
    line, network = NetworkPlayground("xor", layers=0), NetworkPlayground("xor", layers=1, units=4, eta=0.3)
    for playground in (line, network):
        playground.train(150)
    assert line.train_accuracy < 0.8 < 0.9 < network.test_accuracy


def test_linear_layers_stay_a_line():
    playground = NetworkPlayground("circles", layers=3, units=4, activation="linear")
    playground.train(30)
    origin, p, q = playground._score([[0, 0], [1, 0.5], [-1, -0.5]])
    assert p + q == pytest.approx(2 * origin)


def test_a_strong_price_makes_weights_small():
    sizes = []
    for lam in (0, 0.1):
        playground = NetworkPlayground("moons", layers=1, units=4, lam=lam)
        playground.train(60)
        sizes.append(sum((W**2).sum() for W, _ in playground._parameters()))
    assert sizes[1] < sizes[0] / 2


@pytest.mark.parametrize("change", [{"units": 5}, {"dataset": "xor"}, {"seed": 2}, {"activation": "relu"}])
def test_a_change_starts_again(change):
    playground = NetworkPlayground("circles", layers=1, units=3)
    playground.train(5)
    assert playground.epoch == 5 and playground.weights
    playground.set_trait(*change.copy().popitem())
    assert playground.epoch == 0 and playground.weights == []


def test_training_goes_on_where_it_stopped():
    once, twice = NetworkPlayground("moons"), NetworkPlayground("moons")
    once.train(12)
    twice.train(5)
    twice.train(7)
    np.testing.assert_allclose(once.weights, twice.weights)


def test_too_high_a_learning_rate_is_told():
    with pytest.raises(FloatingPointError, match="learning rate 3 is too high"):
        NetworkPlayground("spiral", layers=3, units=8, activation="linear", eta=3.0).train(100)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dataset": "circle"}, "'circles', 'xor'"),
        ({"layers": 4}, "from 0 to 3"),
        ({"units": 0}, "from 1 to 8"),
        ({"units": 2.5}, "whole number"),
        ({"activation": "Tanh"}, "'tanh', 'relu'"),
        ({"lam": 0.5}, "lam is 0.5: it must be one of 0, 0.001"),
        ({"eta": 0}, "eta is 0: it must be one of 0.003"),
        ({"noise": 2}, "noise is 2"),
        ({"view": "pca"}, "principal directions"),
    ],
)
def test_wrong_settings_are_told(settings, said):
    with pytest.raises(traitlets.TraitError, match=said):
        NetworkPlayground(**settings)


def test_an_unknown_setting_and_split_are_told():
    with pytest.raises(TypeError, match="no setting depth"):
        NetworkPlayground(depth=3)
    with pytest.raises(ValueError, match="'train' or 'test'"):
        NetworkPlayground().points("validation")


@pytest.mark.parametrize(
    ("layers", "units", "view"), [(0, 3, VIEWS[0]), (1, 1, VIEWS[0]), (1, 2, VIEWS[0]), *((2, 4, v) for v in VIEWS)]
)
def test_a_picture_stands_in_where_there_is_no_kernel(layers, units, view):
    playground = NetworkPlayground("moons", layers=layers, units=units, view=view)
    playground.train(2)
    data, metadata = playground._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width > 700
    assert "after 2 epochs" in metadata["image/png"]["alt"] and "decision boundary" in metadata["image/png"]["alt"]


def test_the_picture_of_a_new_network_shows_a_trained_copy():
    playground = NetworkPlayground("blobs", layers=1, units=2)
    assert "after 200 epochs" in playground._repr_mimebundle_()[1]["image/png"]["alt"]
    assert playground.weights == [] and playground.epoch == 0
