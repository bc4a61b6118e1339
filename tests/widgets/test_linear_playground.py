"""The linear playground without a browser: its numbers against torch's, and the browser's against Python's."""

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
from torch.nn.functional import cross_entropy, multi_margin_loss

from visionlab.widgets import linear_playground
from visionlab.widgets.linear_playground import LinearPlayground

HERE = Path(linear_playground.__file__).parent
SCRIPT = """
import { readFileSync } from "node:fs";
import * as js from "./linear_playground.mjs";
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(({ setting, rate, steps }) => {
  let now = { ...setting };
  let history = [[0, js.evaluateLinear(now).loss]];
  for (let step = 1; step <= steps; step++) {
    const { slope, biasSlope } = js.evaluateLinear(now);
    now.weights = now.weights.map((row, k) => row.map((w, d) => w - rate * slope[k][d]));
    now.biases = now.biases.map((b, k) => b - rate * biasSlope[k]);
    history = js.keep(history, step, js.evaluateLinear(now).loss);
  }
  const { loss, data, right } = js.evaluateLinear(now);
  return { loss, data, right, weights: now.weights, biases: now.biases, history };
})));
"""


@pytest.mark.parametrize("kind", ["softmax", "hinge"])
@pytest.mark.parametrize("names", ["ABC", "AB"])
def test_loss_and_gradient_are_torchs(kind, names):
    playground = LinearPlayground(loss_kind=kind, names=names, strength=0.05)
    rng = np.random.default_rng(0)
    playground.weights = rng.normal(size=(len(names), 2))
    playground.biases = rng.normal(size=len(names)).tolist()
    W, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (playground.weights, playground.biases))
    scores = torch.tensor(playground.points, dtype=torch.float64) @ W.T + b
    y = torch.tensor(playground.labels)
    data = cross_entropy(scores, y) if kind == "softmax" else len(names) * multi_margin_loss(scores, y)
    loss = data + 0.05 * (W**2).sum()
    loss.backward()
    assert playground.loss == pytest.approx(loss.item())
    assert playground.data_loss == pytest.approx(data.item())
    playground.rate = 0.1
    before, biases = np.array(playground.weights), np.array(playground.biases)
    playground.descend(1)
    assert np.allclose(playground.weights, before - 0.1 * W.grad.numpy())
    assert np.allclose(playground.biases, biases - 0.1 * b.grad.numpy())


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_browsers_arithmetic_is_pythons(tmp_path):
    for name in ("drawing", "linear_playground"):
        source = (HERE / f"{name}.js").read_text("utf-8").replace("./drawing.js", "./drawing.mjs")
        (tmp_path / f"{name}.mjs").write_text(source, "utf-8")
    (tmp_path / "run.mjs").write_text(SCRIPT, "utf-8")
    played, cases = [], []
    for kind in ("softmax", "hinge"):
        for strength in (0, 0.01, 1):
            playground = LinearPlayground(loss_kind=kind, strength=strength, rate=0.1)
            setting = {
                "points": playground.points, "labels": playground.labels, "weights": playground.weights,
                "biases": playground.biases, "kind": kind, "strength": strength,
            }  # fmt: skip
            cases.append({"setting": setting, "rate": 0.1, "steps": 500})
            playground.descend(500)
            played.append(playground)
    run = subprocess.run(
        ["node", "run.mjs"], cwd=tmp_path, input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    for playground, js in zip(played, json.loads(run.stdout), strict=True):
        assert js["loss"] == pytest.approx(playground.loss)
        assert js["data"] == pytest.approx(playground.data_loss)
        assert np.allclose(js["weights"], playground.weights) and np.allclose(js["biases"], playground.biases)
        assert np.allclose(js["history"], playground.history)
        assert js["right"] == round(playground.accuracy * len(playground.labels))


def test_it_starts_as_an_untrained_classifier_does():
    assert LinearPlayground().loss == pytest.approx(np.log(3))
    assert LinearPlayground(loss_kind="hinge").loss == pytest.approx(2)


def test_lambda_shrinks_the_weights():
    sizes = []
    for strength in (0, 0.1, 1):
        playground = LinearPlayground(strength=strength)
        playground.descend(800)
        sizes.append(np.square(playground.weights).sum())
    assert sizes[0] > 2 * sizes[1] > 8 * sizes[2]


def test_reset_and_changes():
    playground = LinearPlayground()
    playground.descend(600)
    assert playground.steps == 600 and len(playground.history) <= 240
    assert playground.accuracy > 0.8
    playground.points, playground.labels = [[0, 1], [1, 0]], [0, 1]
    assert playground.accuracy in (0, 0.5, 1)
    playground.reset()
    assert playground.steps == 0 and not np.any(playground.weights)


def test_no_points_at_all():
    playground = LinearPlayground(np.zeros((0, 2)), [])
    assert playground.loss == 0 and np.isnan(playground.accuracy)
    assert "image/png" in playground._repr_mimebundle_()[0]


def test_a_rate_that_is_too_large_stops():
    playground = LinearPlayground(strength=3, rate=3)
    playground.descend(1000)
    assert playground.steps < 1000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"strength": -1}, "strength is -1: it must be a number from 0 to 10"),
        ({"rate": "fast"}, "rate is 'fast'"),
        ({"loss_kind": "squared"}, "one of 'softmax', 'hinge'"),
        ({"points": [[0, 9]]}, "must lie between −3 and 3"),
        ({"points": [[0, 1, 2]]}, r"points\[0\] is \[0, 1, 2\]: it must be two numbers"),
        ({"labels": [0, 3]}, r"labels\[1\] is 3: it must be one of 0, 1, 2"),
    ],
)
def test_wrong_values_are_told(change, said):
    playground = LinearPlayground()
    with pytest.raises(traitlets.TraitError, match=said):
        playground.set_trait(*next(iter(change.items())))


def test_wrong_arguments_are_told():
    with pytest.raises(ValueError, match="2 points but 1 labels"):
        LinearPlayground([[0, 0], [1, 1]], [0])
    with pytest.raises(ValueError, match="together"):
        LinearPlayground([[0, 0]])
    with pytest.raises(ValueError, match="two or three"):
        LinearPlayground(names="ABCD")


def test_a_picture_stands_in_where_there_is_no_kernel():
    playground = LinearPlayground(names=("0", "1", "7"), strength=0.1)
    playground.descend(100)
    data, metadata = playground._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert "λ = 0.1: loss" in metadata["image/png"]["alt"]
