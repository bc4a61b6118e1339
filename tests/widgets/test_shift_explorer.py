"""The shift explorer without a browser: its stages are torch's, its measures right, and the browser's are the same."""

import base64
import io
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image
from torch.nn import functional

from visionlab import datasets, widgets
from visionlab.widgets import shift_explorer
from visionlab.widgets.shift_explorer import FIELD, KERNELS, STAGES, ShiftExplorer, field, stages

SCRIPT = """
import { readFileSync } from "node:fs";
import { field, measure, stages } from "./shift_explorer.mjs";
const { digits, kernels, cases } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(({ digit, shift, window, kernel, paper }) => {
  const [still, moved] = [0, shift].map((by) => stages(field(digits[digit], by, paper), kernels[kernel], window));
  return Object.fromEntries(Object.keys(still).map((name) => [name, measure(still[name], moved[name], shift)]));
})));
"""


@pytest.mark.parametrize("window", [2, 4, 8])
@pytest.mark.parametrize("kernel", KERNELS)
def test_stages_are_torchs(kernel, window):
    picture = field(7, -3, "white")
    found = stages(picture, kernel, window)
    weights = torch.tensor(KERNELS[kernel], dtype=torch.float64)[None, None]
    x = torch.tensor(picture)[None, None]
    convolved = functional.relu(functional.conv2d(x, weights, padding=1))
    expected = {
        "input": x,
        "convolution": convolved,
        "stride": functional.relu(functional.conv2d(x, weights, padding=1, stride=window)),
        "pooling": functional.max_pool2d(convolved, window),
        "global": functional.adaptive_max_pool2d(convolved, 1),
    }
    assert tuple(found) == STAGES
    for name in STAGES:
        np.testing.assert_allclose(found[name], expected[name][0, 0], atol=1e-12)


def test_the_digit_is_moved_and_the_paper_turned():
    still, moved = field(3, 0), field(3, 5)
    np.testing.assert_array_equal(moved[:, 5:], still[:, :-5])
    assert moved[:, :5].sum() == 0
    np.testing.assert_allclose(field(3, 5, "white"), 1 - moved)
    assert still[6:34, 6:34].tolist() == (datasets.load("mnist", split="test", subset=10).images[3] / 255).tolist()


@pytest.mark.parametrize("shift", range(-8, 9))
def test_convolution_moves_along_and_global_pooling_stays(shift):
    measured = ShiftExplorer(shift=shift).measured
    assert measured["convolution"][1] == 0
    assert measured["global"] == (0, 0)
    assert (measured["stride"][1] == 0) == (shift % 2 == 0)
    assert (measured["pooling"][1] == 0) == (shift % 2 == 0)
    assert (measured["pooling"][0] == 0) == (shift == 0), "pooling is not invariant"


def test_padding_breaks_what_a_convolution_promises():
    assert ShiftExplorer(shift=3, kernel="blur").measured["convolution"][1] == 0
    assert ShiftExplorer(shift=3, kernel="blur", paper="white").measured["convolution"][1] > 0.02


def test_a_wider_window_softens_a_move():
    changes = []
    for window in (2, 4, 8):
        explorer = ShiftExplorer(shift=1, window=window, kernel="blur")
        changes.append(explorer.measured["pooling"][0])
    assert changes == sorted(changes, reverse=True)


def test_the_browser_measures_the_same(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("arithmetic", "drawing", "shift_explorer"):
        source = (folder / f"{module}.js").read_text("utf-8")
        for other in ("arithmetic", "drawing"):
            source = source.replace(f'from "./{other}.js"', f'from "./{other}.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    every = itertools.product((2, 4, 8), KERNELS, ("black", "white"))
    cases = [
        {"digit": i % 10, "shift": shift, "window": window, "kernel": kernel, "paper": paper}
        for i, (window, kernel, paper) in enumerate(every)
        for shift in (-8, -3, 0, 1, 4)
    ]
    given = json.dumps(
        {"digits": shift_explorer._digits().reshape(10, -1).tolist(), "kernels": KERNELS, "cases": cases}
    )
    done = subprocess.run([node, "main.mjs"], input=given, cwd=tmp_path, capture_output=True, text=True, check=True)
    for case, found in zip(cases, json.loads(done.stdout), strict=True):
        measured = ShiftExplorer(**case).measured
        for name in STAGES:
            np.testing.assert_allclose(found[name], measured[name], atol=1e-12, err_msg=f"{name} of {case}")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"digit": 10}, "digit is 10: it must be a whole number from 0 to 9"),
        ({"shift": 9}, "shift is 9: it must be a whole number from -8 to 8"),
        ({"window": 3}, "window"),
        ({"kernel": "sobel"}, "kernel is 'sobel'"),
        ({"paper": "red"}, "paper is 'red'"),
    ],
)
def test_wrong_settings_are_told(wrong, said):
    with pytest.raises(traitlets.TraitError, match=said):
        ShiftExplorer(**wrong)


def test_a_picture_stands_in_where_there_is_no_kernel():
    data, metadata = ShiftExplorer(shift=-2)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert "moved by -2 pixels" in metadata["image/png"]["alt"]
    assert FIELD % 8 == 0, "every window divides the field"
