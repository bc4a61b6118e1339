"""The charts with sliders without a browser: schedules against torch's, differences, and the browser's schedules."""

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
from visionlab.widgets.schedules import DifferenceExplorer, ScheduleExplorer

SCRIPT = """
import { readFileSync } from "node:fs";
import { rates } from "./schedules.mjs";
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(rates)));
"""


def torch_rates(make, epochs=100):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimiser)
    rates = []
    for _ in range(epochs + 1):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return rates


def test_schedules_are_torchs():
    rates, schedulers = ScheduleExplorer(drop=0.1, every=30, decay=0.97, warm_up=0).rates(), torch.optim.lr_scheduler
    by_epochs = torch_rates(lambda o: schedulers.ExponentialLR(o, 0.97))
    np.testing.assert_allclose(rates["step"], torch_rates(lambda o: schedulers.StepLR(o, 30, 0.1)))
    np.testing.assert_allclose(rates["exponential, by epochs"], by_epochs)
    np.testing.assert_allclose(rates["root"], torch_rates(lambda o: schedulers.PolynomialLR(o, 100, 0.5)), atol=1e-7)
    np.testing.assert_allclose(rates["cosine"], torch_rates(lambda o: schedulers.CosineAnnealingLR(o, 100)), atol=1e-12)


def test_constants_change_the_curves_and_the_words():
    explorer = ScheduleExplorer(warm_up=10)
    before = explorer.rates()
    explorer.k, explorer.warm_up = 0.5, 20
    after = explorer.rates()
    assert after["inverse"][2] == pytest.approx(0.5)
    assert after["exponential"][2] == pytest.approx(np.exp(-1))
    assert after["cosine"][10] == pytest.approx(0.5)
    assert after["cosine"][20] == pytest.approx(1) == before["cosine"][10]
    explorer.epoch = 36
    assert "at epoch 36" in explorer._description() and "root 0.8," in explorer._description()


def test_the_browser_has_the_same_schedules(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "schedules"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    rng = random.Random(0)
    cases = [
        {
            "drop": rng.uniform(0.1, 0.9),
            "every": rng.randint(5, 60),
            "decay": rng.uniform(0.9, 0.999),
            "k": rng.uniform(0.01, 1),
            "warm_up": rng.choice([0, rng.randint(1, 40)]),
        }
        for _ in range(200)
    ]
    done = subprocess.run(
        [node, "main.mjs"], input=json.dumps(cases), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    for case, browser in zip(cases, json.loads(done.stdout), strict=True):
        expected = ScheduleExplorer(**case).rates()
        assert list(browser) == list(expected)
        for name, shares in expected.items():
            np.testing.assert_allclose(browser[name], shares, rtol=1e-9, atol=1e-15, err_msg=f"{name} {case}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 7}, "k is 7: it must be a number from 0.01 to 1"),
        ({"drop": "half"}, "drop is 'half': it must be a number from 0.1 to 0.9"),
        ({"warm_up": 2.5}, "warm_up is 2.5: it must be a whole number from 0 to 40"),
        ({"epoch": 101}, "epoch is 101: it must be a whole number from 0 to 100"),
    ],
)
def test_wrong_constants_are_told(change, message):
    with pytest.raises(traitlets.TraitError, match=message):
        ScheduleExplorer(**change)


def error(explorer, **values):
    for name, value in values.items():
        setattr(explorer, name, value)
    return abs(explorer.estimate() - 1)


def test_truncation_and_round_off():
    explorer = DifferenceExplorer(np.exp, 1.0, at=0.0)
    assert error(explorer, exponent=-2) == pytest.approx(0.005, rel=0.01)  # half the curvature times h
    assert error(explorer, exponent=-2, formula="central") == pytest.approx(1e-4 / 6, rel=0.01)
    assert error(explorer, exponent=-5) < 1e-9
    assert error(explorer, exponent=-14) > 1e-4
    assert error(explorer, exponent=-8, precision="float32") > 1e-2
    assert "about 0 digits right" in explorer._description()


def test_what_the_browser_draws_is_what_was_computed():
    explorer = DifferenceExplorer(np.exp, 1.0, at=0.0)
    table = explorer._table
    json.dumps(table, allow_nan=False)
    for row, exponent in enumerate(np.arange(0, -14.5, -0.5)):
        h = 10.0**exponent
        for name, slopes in table["slopes"].items():
            assert slopes[row] == explorer.estimate(exponent, *name.split()), (name, exponent)
        np.testing.assert_allclose(table["ends"][row], np.exp([-h, h]))
        reach = float(table["reaches"][row])
        assert reach > h  # both points are in the picture
        np.testing.assert_allclose(table["curves"][table["reaches"][row]], np.exp(np.linspace(-reach, reach, 81)))


@pytest.mark.parametrize("exponent", [0.5, -14.5, -0.3, "small", float("nan"), float("inf"), True])
def test_wrong_steps_are_told(exponent):
    explorer = DifferenceExplorer(np.exp, 1.0, at=0.0)
    with pytest.raises(traitlets.TraitError, match="a number from -14 to 0 in steps of a half"):
        explorer.exponent = exponent


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (ScheduleExplorer, "at epoch 50"),
        (lambda: ScheduleExplorer(log=True, warm_up=0), "at epoch 50"),
        (lambda: DifferenceExplorer(np.sin, 1.0, at=0.0), "about 1 digit right"),
        (lambda: DifferenceExplorer(np.sin, 1.0, at=0.0, formula="central", exponent=-5), "Central difference"),
    ],
)
def test_a_picture_stands_in_where_there_is_no_kernel(make, said):
    data, metadata = make()._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert said in metadata["image/png"]["alt"]
    assert "application/vnd.jupyter.widget-view+json" in data
