"""The convolution explorer without a browser: its traits, its verdict on a student's function, its static picture."""

import base64
import io

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image
from torch.nn import functional

from visionlab.widgets import ConvolutionExplorer


def correct(x, w, b, stride=1, pad=0):
    return functional.conv2d(*map(torch.tensor, (x, w, b)), stride, pad).numpy()


@pytest.mark.parametrize(
    ("settings", "size", "formula"),
    [
        ({"stride": 1}, 5, "(7 + 2·0 − 3)/1 + 1 = 5"),
        ({"stride": 2}, 3, "(7 + 2·0 − 3)/2 + 1 = 3"),
        ({"stride": 3}, 2, "⌊(7 + 2·0 − 3)/3⌋ + 1 = 2"),
        ({"stride": 3, "convention": "exact"}, None, "(7 + 2·0 − 3)/3 + 1 ≈ 2.33"),
        ({"padding": 1}, 7, "(7 + 2·1 − 3)/1 + 1 = 7"),
        ({"size": 9, "dilation": 2}, 5, "(9 + 2·0 − 2·(3 − 1) − 1)/1 + 1 = 5"),
        ({"operation": "max pooling", "kernel": 2, "stride": 2, "size": 4}, 2, "(4 + 2·0 − 2)/2 + 1 = 2"),
    ],
)
def test_output_size_and_formula(settings, size, formula):
    explorer = ConvolutionExplorer(**settings)
    assert explorer.output_size == size
    assert explorer.formula == formula


def test_a_kernel_larger_than_the_image_has_no_output_and_says_so():
    explorer = ConvolutionExplorer(size=2, kernel=3)
    assert explorer.output_size is None
    with pytest.raises(ValueError, match="kernel"):
        _ = explorer.output
    explorer.padding = 1
    assert explorer.output_size == 2


def test_the_window_stays_inside_when_the_output_shrinks():
    explorer = ConvolutionExplorer(size=7)
    explorer.row = explorer.column = 4
    explorer.stride = 2
    assert (explorer.row, explorer.column) == (2, 2)


def test_output_is_that_of_torch():
    numbers = np.arange(36).reshape(6, 6) % 7
    weights = np.array([[1, 0, -1], [2, 0, -2], [1, 0, 0]])
    explorer = ConvolutionExplorer(numbers=numbers, weights=weights, stride=2, padding=1)
    expected = functional.conv2d(torch.tensor(numbers)[None, None], torch.tensor(weights)[None, None], None, 2, 1)
    np.testing.assert_allclose(explorer.output, expected[0, 0])
    explorer.operation = "max pooling"
    expected = functional.max_pool2d(torch.tensor(numbers)[None, None].double(), 3, 2, 1)
    np.testing.assert_allclose(explorer.output, expected[0, 0])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"stride": 0}, "stride is 0: it must be a whole number from 1 to 8"),
        ({"kernel": 2.5}, "kernel is 2.5: it must be a whole number from 1 to 11"),
        ({"size": 33}, "size is 33: for image='numbers' it must be from 1 to 32"),
        ({"operation": "pooling"}, "operation is 'pooling': it must be one of 'convolution', 'max pooling'"),
        ({"image": "cat"}, "image is 'cat': it must be one of 'numbers', 'digit', 'photo'"),
        ({"kernel_name": "custom"}, "weights=… is missing"),
        ({"kernel": 5, "weights": np.eye(3)}, "weights is 3×3: leave kernel out"),
    ],
)
def test_wrong_settings_are_told(settings, said):
    with pytest.raises(traitlets.TraitError, match=said):
        ConvolutionExplorer(**settings)


@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ({"numbers": np.zeros((2, 3))}, ValueError, "numbers has shape"),
        ({"numbers": "abc"}, TypeError, "numbers must be a square array"),
        ({"weights": [[np.nan]]}, ValueError, "NaN"),
        ({"conv_forward": 3}, TypeError, "pass the function itself"),
    ],
)
def test_wrong_arrays_and_functions_are_told(settings, kind, said):
    with pytest.raises(kind, match=said):
        ConvolutionExplorer(**settings)


@pytest.mark.parametrize(
    "function",
    [
        correct,
        lambda *args: (correct(*args), "cache"),
        lambda *args: torch.tensor(correct(*args)),
        lambda *args: correct(*args).astype(np.float32),
    ],
    ids=["array", "with cache", "tensor", "float32"],
)
@pytest.mark.parametrize("image", ["numbers", "digit", "photo"])
def test_a_right_function_is_right_on_every_picture(function, image):
    explorer = ConvolutionExplorer(image=image, padding=1, stride=2, conv_forward=function)
    assert explorer.student_correct is True, explorer.student_message
    assert "right on all" in explorer.student_message


def stride_ignored_in_place(x, w, b, stride, pad):
    full = correct(x, w, b, 1, pad)
    side = correct(x, w, b, stride, pad).shape[-1]
    x[:] = 0
    print("noise")
    return full[..., :side, :side]


def shouts(*_):
    raise RuntimeError("not today")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (stride_ignored_in_place, "wrong in 7 of 9 outputs, first in row 0, column 1: right is"),
        (lambda x, w, b, stride, pad: correct(x, w[..., ::-1, ::-1].copy(), b, stride, pad), "wrong in"),
        (lambda x, w, b, stride, pad: correct(x, w, b, 1, pad), "returned shape (1, 1, 5, 5), the right shape"),
        (lambda *_: None, "returned None: is the return statement missing?"),
        (lambda *_: "text", "returned str, not an array of numbers"),
        (shouts, "raised RuntimeError: not today"),
        (lambda x: x, "raised TypeError"),
    ],
)
def test_a_wrong_function_is_told_and_marked(function, said, capsys):
    explorer = ConvolutionExplorer(stride=2, conv_forward=function)
    assert explorer.student_correct is False
    assert said in explorer.student_message
    assert capsys.readouterr().out == ""


def test_the_verdict_follows_the_sliders():
    explorer = ConvolutionExplorer(conv_forward=lambda x, w, b, stride, pad: correct(x, w, b, 1, pad))
    assert explorer.student_correct is True
    explorer.stride = 2
    assert explorer.student_correct is False
    explorer.dilation = 2
    assert explorer.student_correct is None and "no dilation" in explorer.student_message
    explorer.dilation, explorer.operation = 1, "max pooling"
    assert explorer.student_correct is None and "isn't compared for max pooling" in explorer.student_message


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"stride": 3},
        {"stride": 3, "convention": "exact"},
        {"size": 2},
        {"image": "digit", "kernel_name": "blur", "kernel": 5},
        {"image": "photo", "kernel_name": "edges", "padding": 1},
        {"image": "photo", "operation": "average pooling", "kernel": 4, "stride": 4},
        {"stride": 2, "conv_forward": stride_ignored_in_place},
    ],
)
def test_a_picture_stands_in_where_there_is_no_kernel(settings):
    data, metadata = ConvolutionExplorer(**settings)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width > 500 and picture.height > 250
    assert len(np.unique(np.asarray(picture.convert("L")))) > 10
    assert data["text/plain"] == metadata["image/png"]["alt"]
    assert "window" in metadata["image/png"]["alt"]


@pytest.mark.parametrize("padding", [0, 2])
def test_the_static_picture_shows_the_photo_padded_or_not(padding):
    data, _ = ConvolutionExplorer(image="photo", padding=padding)._repr_mimebundle_()
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")).astype(int)
    inside = picture[80:300, 60:260]  # within the input
    assert inside.std(axis=(0, 1)).mean() > 20
