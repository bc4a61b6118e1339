"""The kernel playground without a browser: its results against scipy and torch, and the browser's against its."""

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
from scipy import signal

from visionlab import widgets
from visionlab.widgets.kernel_playground import (
    ANSWERS,
    OPERATIONS,
    PHOTOS,
    PRESETS,
    QUESTIONS,
    SIDE,
    VIEWS,
    KernelPlayground,
    brightness,
    grey_photo,
    signed_limit,
)

SCRIPT = """
import { readFileSync } from "node:fs";
import { divisorOf, laid, layEverywhere, signedLimit, toBrightness } from "./kernel_playground.mjs";
const { photo, side, cases } = JSON.parse(readFileSync(0, "utf8"));
const values = Float64Array.from(photo, (value) => value / 255);
console.log(JSON.stringify(cases.map(({ weights, operation, divide, view }) => {
  const divisor = divisorOf(weights, divide);
  const result = layEverywhere(values, side, laid(weights, operation), divisor);
  const bright = toBrightness(view, signedLimit(result));
  return { divisor, result: [...result], shades: [...result].map((value) => Math.min(1, Math.max(0, bright(value)))) };
})));
"""


@pytest.mark.parametrize("preset", PRESETS)
def test_convolution_is_scipys_and_correlation_is_torchs(preset):
    playground = KernelPlayground(preset, "rocket", divide=False)
    photo, weights = grey_photo("rocket") / 255, np.array(PRESETS[preset], float)
    inside = len(weights) - 1
    middle = slice(inside // 2, SIDE - inside // 2)  # places where the kernel lies wholly on the photograph
    expected = signal.convolve2d(photo, weights, mode="valid")
    np.testing.assert_allclose(playground.result[middle, middle], expected, atol=1e-12)
    playground.operation = "cross-correlation"
    layer = torch.nn.functional.conv2d(torch.tensor(photo)[None, None], torch.tensor(weights)[None, None])
    np.testing.assert_allclose(playground.result[middle, middle], layer[0, 0], atol=1e-12)


def test_the_browser_computes_the_same(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("arithmetic", "drawing", "kernel_playground"):
        source = (folder / f"{module}.js").read_text("utf-8")
        for other in ("arithmetic", "drawing"):
            source = source.replace(f'from "./{other}.js"', f'from "./{other}.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    rng = np.random.default_rng(0)
    kernels = [*PRESETS.values(), *(rng.normal(size=(side, side)).round(2).tolist() for side in (3, 5, 3))]
    cases = [
        {"weights": weights, "operation": OPERATIONS[i % 2], "divide": bool(i % 3), "view": VIEWS[i % len(VIEWS)]}
        for i, weights in enumerate(kernels)
    ]
    given = json.dumps({"photo": grey_photo("cup").ravel().tolist(), "side": SIDE, "cases": cases})
    done = subprocess.run([node, "main.mjs"], input=given, cwd=tmp_path, capture_output=True, text=True, check=True)
    for case, found in zip(cases, json.loads(done.stdout), strict=True):
        playground = KernelPlayground(photo="cup", **case)
        assert found["divisor"] == pytest.approx(playground.divisor)
        np.testing.assert_allclose(found["result"], playground.result.ravel(), atol=1e-9)
        np.testing.assert_allclose(found["shades"], brightness(playground.result, case["view"]).ravel(), atol=1e-9)


def test_the_slides_kernels_add_up_to_8_4_0_and_0():
    sums = {name: float(np.sum(weights)) for name, weights in PRESETS.items()}
    assert [sums[name] for name in ("blur", "sharpen", "edges", "Sobel, left–right")] == [8, 4, 0, 0]
    assert sums["5.4 0.1 3.6 …"] == pytest.approx(29.4)


def test_dividing_keeps_flat_areas_and_nothing_is_divided_by_zero():
    playground = KernelPlayground("sharpen")
    assert playground.divisor == 4
    playground.divide = False
    assert playground.divisor == 1
    playground.divide, playground.weights = True, PRESETS["edges"]
    assert playground.divisor == 1


def test_the_view_suits_the_kernel_unless_one_is_given():
    assert KernelPlayground("blur").view == "as a picture"
    assert KernelPlayground("edges").view == "zero is grey"
    assert KernelPlayground("edges", view="size only").view == "size only"


def test_zero_is_grey_and_few_values_are_cut_off():
    values = np.array([*np.linspace(-1, 1, 1001), 50.0])
    assert signed_limit(values) <= 1
    shades = brightness(values, "zero is grey")
    assert shades[500] == 0.5
    assert shades[0] == pytest.approx(0, abs=0.01)
    assert shades[-1] == 1
    assert (brightness(np.zeros((3, 3)), "size only") == 0).all()


def response(weights, picture):
    return np.abs(signal.convolve2d(picture, weights, mode="valid")).max()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[1])
def test_the_quiz_tells_the_truth(question):
    weights, answer, why = question
    weights = np.array(weights, float)
    assert answer in ANSWERS and why
    upright = np.tile([0.0, 0, 0, 1, 1, 1], (6, 1))
    finds = {"upright": response(weights, upright), "lying": response(weights, upright.T)}
    flat = response(weights, np.ones((6, 6)))
    only_middle = np.count_nonzero(weights) == 1 and weights[1, 1] != 0
    assert (flat == 0) == answer.startswith("finds")
    if answer == "finds edges of all directions":
        assert finds["upright"] and finds["lying"]
    elif answer.startswith("finds"):
        assert [name for name, found in finds.items() if found] == [answer.split()[1]]
    assert only_middle == (answer == "leaves alone")
    assert (answer == "moves") == (np.count_nonzero(weights) == 1 and not only_middle)
    assert (answer == "sharpens") == (weights.min() < 0 < weights.sum())
    assert (answer == "blurs") == (weights.min() >= 0 and np.count_nonzero(weights) > 1)


def test_every_answer_but_one_is_once_the_right_one():
    assert {question[1] for question in QUESTIONS} == set(ANSWERS)


def test_the_quiz_hides_the_result_until_it_is_answered():
    quiz = KernelPlayground(quiz=True)
    assert quiz.weights == QUESTIONS[0][0]
    assert quiz.correct is None
    assert "hidden" in quiz._description()
    quiz.answer = "moves"
    assert quiz.correct is False
    quiz.answer = QUESTIONS[0][1]
    assert quiz.correct is True
    assert "hidden" not in quiz._description()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"preset": "blurr"}, "preset is 'blurr': it must be one of 'leave alone'"),
        ({"photo": "dog"}, "photo is 'dog'"),
        ({"weights": [[1, 2], [3, 4]]}, "3 rows of 3, or 5 rows of 5"),
        ({"weights": [[1, 2, "x"]] * 3}, "3 rows of 3"),
        ({"weights": [[float("nan")] * 3] * 3}, "3 rows of 3"),
        ({"operation": "pooling"}, "operation is 'pooling'"),
        ({"view": "pretty"}, "view is 'pretty'"),
    ],
)
def test_wrong_settings_are_told(wrong, said):
    with pytest.raises(traitlets.TraitError, match=said):
        KernelPlayground(**wrong)


def test_photographs_are_those_of_the_course():
    assert all(grey_photo(name).shape == (SIDE, SIDE) and grey_photo(name).dtype == np.uint8 for name in PHOTOS)


@pytest.mark.parametrize("settings", [{"preset": "wide blur, 5×5"}, {"preset": "edges"}, {"quiz": True}])
def test_a_picture_stands_in_where_there_is_no_kernel(settings):
    data, metadata = KernelPlayground(**settings)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert "kernel" in metadata["image/png"]["alt"]
