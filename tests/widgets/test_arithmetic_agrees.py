"""The browser's arithmetic is Python's, and both are torch's."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from visionlab import widgets
from visionlab.widgets import _numerics

CASES = 3000
MAPS = 1200
STACKS = 400

SCRIPT = """
import { readFileSync } from "node:fs";
import * as js from "./arithmetic.mjs";
const cases = JSON.parse(readFileSync(0, "utf8"));
const plain = (channels) => channels.map((values) => Array.from(values, (v) => (Number.isFinite(v) ? v : String(v))));
console.log(JSON.stringify({
  fits: cases.fits.map((s) => ({
    fit: js.fitWindows(s), unread: js.unread(s), formula: js.formula(s), verdict: js.verdict(s),
  })),
  maps: cases.maps.map(({ settings, channels, weights, divisor }) => {
    const maps = { side: settings.size, channels: channels.map((values) => Float64Array.from(values)) };
    const { side, channels: out } = js.slide(maps, settings, { weights, divisor });
    return { side, channels: plain(out) };
  }),
  pictures: cases.pictures.map(({ picture, size }) => plain(js.resize(picture, size).channels)),
  stacks: cases.stacks.map(({ layers, size, layer, unit }) => ({
    fields: js.fields(layers).map(({ r, j }) => [r, j]),
    sides: js.sides(size, layers),
    reads: js.reads(layers, layer, unit),
  })),
  numbers: cases.numbers.map((value) => js.number(Number(value))),
}));
"""


def settings(rng):
    return {
        "size": rng.randint(1, 14),
        "kernel": rng.randint(1, 6),
        "stride": rng.randint(1, 8),
        "padding": rng.randint(0, 5),
        "dilation": rng.choice([1, 1, 2, 3, 4]),
        "operation": rng.choice(_numerics.OPERATIONS),
        "convention": rng.choice(_numerics.CONVENTIONS),
    }


def stack(rng):
    layers = [
        (kind, 1 if kind == "subsample" else rng.randint(1, 7), rng.randint(1, 4))
        for kind in rng.choices(["conv", "pool", "subsample"], k=rng.randint(1, 6))
    ]
    return {
        "layers": layers,
        "size": rng.randint(1, 48),
        "layer": rng.randint(0, len(layers)),
        "unit": rng.randint(0, 9),
    }


def map_case(rng, values):
    """Settings with an output, a picture of 1 or 3 channels with ties in it, and a kernel."""
    while True:
        chosen = settings(rng)
        if _numerics._verdict(**chosen | {"convention": "floor"})[0]:
            break
    shape = (rng.choice([1, 3]), chosen["size"] ** 2)
    return {
        "settings": chosen,
        "channels": values.integers(-9, 10, shape).tolist(),
        "weights": values.integers(-4, 5, chosen["kernel"] ** 2).tolist(),
        "divisor": rng.choice([1, 1, 8, 9]),
    }


def numbers(rng):
    exact = [0.0, -0.0, 0.005, 0.125, 2.675, -0.004, 1e-12, 100.0, 1200.5, "Infinity", "-Infinity", "NaN"]
    return [*exact, *(rng.uniform(-50, 50) for _ in range(500)), *(rng.randint(-4000, 4000) / 8 for _ in range(500))]


@pytest.fixture(scope="module")
def cases():
    rng, values = random.Random(7), np.random.default_rng(7)
    return {
        "fits": [settings(rng) for _ in range(CASES)],
        "maps": [map_case(rng, values) for _ in range(MAPS)],
        "pictures": [
            {
                "picture": {
                    "side": side,
                    "count": count,
                    "values": values.integers(0, 256, side * side * count).tolist(),
                },
                "size": rng.randint(1, 30),
            }
            for side, count in [(rng.randint(1, 20), rng.choice([1, 3])) for _ in range(60)]
        ],
        "stacks": [stack(rng) for _ in range(STACKS)],
        "numbers": numbers(rng),
    }


@pytest.fixture(scope="module")
def browser(cases, tmp_path_factory):
    """What arithmetic.js answers to all cases, asked in one go."""
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed: the browser's arithmetic can't be run without it")
    folder = tmp_path_factory.mktemp("node")
    shutil.copy(Path(widgets.__file__).parent / "arithmetic.js", folder / "arithmetic.mjs")
    (folder / "ask.mjs").write_text(SCRIPT, encoding="utf-8")
    answer = subprocess.run(
        [node, folder / "ask.mjs"], input=json.dumps(cases), capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def python_maps(case):
    chosen = {name: case["settings"][name] for name in ("operation", "kernel", "stride", "padding", "dilation")}
    side, kernel = case["settings"]["size"], case["settings"]["kernel"]
    maps = np.array(case["channels"], float).reshape(-1, side, side)
    weights = np.array(case["weights"]).reshape(kernel, kernel)
    return _numerics._slide(maps, **chosen, weights=weights, divisor=case["divisor"])


def torch_maps(case):
    """The same with torch's functions alone; None for what torch does not have."""
    chosen = case["settings"]
    side, kernel, stride, padding, dilation = (
        chosen[name] for name in ("size", "kernel", "stride", "padding", "dilation")
    )
    maps = torch.tensor(case["channels"], dtype=torch.float64).reshape(1, -1, side, side)
    if chosen["operation"] != "convolution" and 2 * padding > kernel:
        return None
    if chosen["operation"] == "max pooling":
        return functional.max_pool2d(maps, kernel, stride, padding, dilation)[0].numpy()
    if chosen["operation"] == "average pooling":
        return functional.avg_pool2d(maps, kernel, stride, padding)[0].numpy() if dilation == 1 else None
    channels = maps.shape[1]
    weights = torch.tensor(case["weights"], dtype=torch.float64).reshape(1, 1, kernel, kernel)
    weights = (weights / case["divisor"] / channels).expand(-1, channels, -1, -1)
    return functional.conv2d(maps, weights, None, stride, padding, dilation)[0].numpy()


def test_sizes_formulas_and_words(cases, browser):
    for case, found in zip(cases["fits"], browser["fits"], strict=True):
        plain = {name: case[name] for name in ("size", "kernel", "stride", "padding", "dilation")}
        side, words = _numerics._verdict(**case)
        assert found == {
            "fit": _numerics._fit(**plain)._asdict(),
            "unread": _numerics._unread(**plain),
            "formula": _numerics._formula(**plain, convention=case["convention"]),
            "verdict": {"side": side, "words": words},
        }, case


def test_maps(cases, browser):
    for case, found in zip(cases["maps"], browser["maps"], strict=True):
        expected = python_maps(case)
        assert found["side"] == expected.shape[-1]
        channels = np.array([[float(value) for value in channel] for channel in found["channels"]])
        np.testing.assert_allclose(channels, expected.reshape(len(expected), -1), rtol=1e-12, atol=1e-12)


def test_pictures_resized(cases, browser):
    for case, found in zip(cases["pictures"], browser["pictures"], strict=True):
        side, count = case["picture"]["side"], case["picture"]["count"]
        image = np.array(case["picture"]["values"], float).reshape(side, side, count)
        expected = _numerics._resize(image, case["size"])
        np.testing.assert_allclose(found, expected.reshape(count, -1), rtol=1e-12)
        if side % case["size"] == 0:
            area = functional.adaptive_avg_pool2d(torch.tensor(image).permute(2, 0, 1)[None], case["size"])
            np.testing.assert_allclose(expected, area[0].numpy(), rtol=1e-12)


def test_stacks_of_layers(cases, browser):
    for case, found in zip(cases["stacks"], browser["stacks"], strict=True):
        layers = case["layers"]
        assert found == {
            "fields": [list(field) for field in _numerics._fields(layers)],
            "sides": _numerics._sides(case["size"], layers),
            "reads": [list(span) for span in _numerics._reads(layers, case["layer"], case["unit"])],
        }, case


def test_numbers_as_they_are_written(cases, browser):
    assert browser["numbers"] == [_numerics._number(float(value)) for value in cases["numbers"]]


def test_torch_agrees_on_values(cases):
    compared = 0
    for case in cases["maps"]:
        expected = torch_maps(case)
        if expected is not None:
            np.testing.assert_allclose(python_maps(case), expected, rtol=1e-12, atol=1e-12, err_msg=str(case))
            compared += 1
    assert compared > MAPS * 0.7


def test_torch_agrees_on_sizes_and_refusals(cases):
    """Where torch gives a map the floor convention gives its side; where torch refuses it says None."""
    sizes = set()
    for case in cases["fits"]:
        if case["operation"] == "average pooling" and case["dilation"] > 1:
            continue  # torch's has no dilation
        if case["operation"] != "convolution" and 2 * case["padding"] > case["kernel"]:
            continue  # torch's pooling pads by half a window at most
        side, _ = _numerics._verdict(**case | {"convention": "floor"})
        blank = {"channels": [[0] * case["size"] ** 2], "weights": [1] * case["kernel"] ** 2, "divisor": 1}
        try:
            expected = torch_maps({"settings": case} | blank).shape[-1]
        except RuntimeError:
            expected = None
        assert side == expected, case
        sizes.add(side)
    assert {None, 1, 2, 3} < sizes


def test_exact_convention_is_a_whole_division(cases):
    for case in cases["fits"]:
        room = case["size"] + 2 * case["padding"] - case["dilation"] * (case["kernel"] - 1) - 1
        floor, _ = _numerics._verdict(**case | {"convention": "floor"})
        exact, _ = _numerics._verdict(**case | {"convention": "exact"})
        assert exact == (floor if room % case["stride"] == 0 else None), case


def test_unread_pixels_have_no_gradient(cases):
    """A pixel is never read exactly where torch's gradient of the summed output is zero."""
    for case in cases["fits"][:600]:
        plain = {name: case[name] for name in ("size", "kernel", "stride", "padding", "dilation")}
        fit = _numerics._fit(**plain)
        if not fit.windows:
            continue
        line = torch.zeros(1, 1, fit.padded, requires_grad=True)
        weights = torch.ones(1, 1, case["kernel"])
        functional.conv1d(line, weights, None, case["stride"], 0, case["dilation"]).sum().backward()
        assert _numerics._unread(**plain) == (line.grad[0, 0] == 0).tolist(), case


@pytest.mark.parametrize("side", range(1, 12))
def test_kernels_do_what_their_names_say(side):
    def total(name):
        weights, divisor = _numerics._kernel(name, side)
        assert weights.shape == (side, side)
        return weights.sum() / divisor

    assert [total(name) for name in ("identity", "mean", "blur", "sharpen")] == pytest.approx([1, 1, 1, 1])
    assert total("edges") == 0
    if side > 1:
        ramp = np.tile(np.arange(side), (side, 1))
        sobel_x, sobel_y = _numerics._kernel("sobel x", side)[0], _numerics._kernel("sobel y", side)[0]
        assert sobel_x.sum() == 0
        assert (sobel_x * ramp).sum() > 0, "brighter to the right is positive"
        assert (sobel_x * ramp.T).sum() == 0
        assert (sobel_y == sobel_x.T).all()
    if side == 3:
        assert sobel_x.tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
