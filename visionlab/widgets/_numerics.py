"""The arithmetic of the explorers. arithmetic.js repeats it in the browser; tests/widgets compares the two."""

import math
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

CONVOLUTION, MAX_POOLING, AVERAGE_POOLING = OPERATIONS = ("convolution", "max pooling", "average pooling")
FLOOR, EXACT = CONVENTIONS = ("floor", "exact")


class _Fit(NamedTuple):
    """How windows lie along one axis of the padded input."""

    padded: int  # length of the padded input
    reach: int  # length a (dilated) kernel covers, from its first to its last weight
    span: int  # room to slide: padded − reach; negative where the kernel is larger than the input
    windows: int  # whole windows, 0 where none fits
    remainder: int  # what the last stride leaves over; 0 where everything fits


def _fit(size, kernel, stride=1, padding=0, dilation=1):
    padded, reach = size + 2 * padding, dilation * (kernel - 1) + 1
    span = padded - reach
    return _Fit(padded, reach, span, span // stride + 1 if span >= 0 else 0, span % stride if span >= 0 else 0)


def _unread(size, kernel, stride, padding, dilation):
    """Say for each row (or column) of the padded input whether no window ever reads it."""
    fit = _fit(size, kernel, stride, padding, dilation)
    read = {stride * i + dilation * k for i in range(fit.windows) for k in range(kernel)}
    return [at not in read for at in range(fit.padded)]


def _formula(size, kernel, stride, padding, dilation, convention):
    fit = _fit(size, kernel, stride, padding, dilation)
    reach = f"− {kernel}" if dilation == 1 else f"− {dilation}·({kernel} − 1) − 1"
    room = f"({size} + 2·{padding} {reach})/{stride}"
    if convention == FLOOR and fit.remainder:
        return f"⌊{room}⌋ + 1 = {fit.windows}"
    exact = 1000 * fit.span % stride == 0
    value = f"{fit.span / stride + 1:.{3 if exact else 2}f}"
    value = (value.rstrip("0").rstrip(".") if exact else value).replace("-", "−")
    return f"{room} + 1 {'=' if exact else '≈'} {value}"


def _verdict(size, kernel, stride, padding, dilation, operation, convention):
    """Side of the output (None where there is none), and what is to be said about it."""
    fit = _fit(size, kernel, stride, padding, dilation)
    if fit.span < 0:
        covers = f"{fit.reach}×{fit.reach}"
        dilated = f" with dilation {dilation}" if dilation > 1 else ""
        whole = "padded input" if padding else "input"
        return None, (
            f"The {kernel}×{kernel} kernel{dilated} covers {covers} pixels, "
            f"the {whole} has only {fit.padded}×{fit.padded}: there is no output."
        )
    if operation != CONVOLUTION and 2 * padding > fit.reach:
        return None, (
            f"Frameworks refuse to pool with padding {padding} here: padding may be at most half of what the kernel "
            f"covers ({fit.reach}), lest a window hold nothing but padding."
        )
    if fit.remainder and convention == EXACT:
        return None, (
            f"It does not fit: after {fit.windows} window{'s' * (fit.windows > 1)} the next one would stick out by "
            f"{stride - fit.remainder}. By the exact convention this filter cannot be applied with stride {stride}."
        )
    words = f"The output is {fit.windows}×{fit.windows}."
    if fit.remainder:
        lost = "row and column" if fit.remainder == 1 else f"{fit.remainder} rows and columns"
        whole = "padded input" if padding else "input"
        words += f" It does not fit exactly; frameworks round down, and the last {lost} of the {whole} are never read."
    if any(_unread(size, kernel, stride, padding, dilation)[: fit.padded - fit.remainder]):
        words += f" With stride {stride} there are pixels between the windows that are never read."
    return fit.windows, words


def _slide(maps, operation, kernel, stride, padding, dilation, weights=None, divisor=1):
    """Maps (C, W, W) → (1, M, M) for a convolution, the channels averaged; (C, M, M) for pooling."""
    fill = -math.inf if operation == MAX_POOLING else 0
    padded = np.pad(maps, ((0, 0), (padding, padding), (padding, padding)), constant_values=fill)
    reach = dilation * (kernel - 1) + 1
    windows = sliding_window_view(padded, (reach, reach), axis=(1, 2))
    windows = windows[:, ::stride, ::stride, ::dilation, ::dilation]
    if operation == MAX_POOLING:
        return windows.max(axis=(3, 4))
    if operation == AVERAGE_POOLING:
        return windows.mean(axis=(3, 4))
    return np.tensordot(windows.mean(axis=0, keepdims=True), weights, axes=2) / divisor


def _resize(image, size):
    """Bring an image (M, M, C) to (C, size, size): each pixel is the mean of the pixels that it overlaps."""
    side = len(image)
    edges = [(i * side // size, -(-(i + 1) * side // size)) for i in range(size)]
    rows = np.stack([image[low:high].mean(axis=0) for low, high in edges])
    return np.stack([rows[:, low:high].mean(axis=1) for low, high in edges], axis=1).transpose(2, 0, 1)


def _kernel(name, side):
    """Whole weights (side, side) and the divisor that scales them."""
    centre = np.zeros((side, side), int)
    centre[(side - 1) // 2, (side - 1) // 2] = 1
    binomial = np.array([math.comb(side - 1, k) for k in range(side)])
    if side == 3:  # the lecture's own blur; sharpen and edges below then are the lecture's too
        blur, scale = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]), 8
    else:
        blur, scale = np.outer(binomial, binomial), 4 ** (side - 1)
    if name == "identity":
        return centre, 1
    if name == "mean":
        return np.ones((side, side), int), side * side
    if name == "blur":
        return blur, scale
    if name == "sharpen":
        return _reduced(3 * scale * centre - 2 * blur, scale)
    if name == "edges":
        return _reduced(8 * (scale * centre - blur), scale)
    smaller = [math.comb(side - 2, k) for k in range(side - 1)] if side > 1 else []
    difference = np.array([a - b for a, b in pairwise([0, *smaller, 0])])
    sobel = np.outer(binomial, difference)
    return (sobel if name == "sobel x" else sobel.T), 1


def _reduced(weights, divisor):
    common = math.gcd(divisor, *weights.ravel().tolist())
    return weights // common, divisor // common


KERNEL_NAMES = ("identity", "mean", "blur", "sharpen", "edges", "sobel x", "sobel y")


def _fields(layers):
    """Receptive field and jump of each layer, the input first: r += (K − 1)·j; j *= S."""
    fields = [(1, 1)]
    for _, kernel, stride in layers:
        r, j = fields[-1]
        fields.append((r + (kernel - 1) * j, j * stride))
    return fields


def _sides(size, layers):
    """Side of each layer's map, the input first; 0 where nothing is left."""
    sides = [size]
    for _, kernel, stride in layers:
        sides.append(_fit(sides[-1], kernel, stride).windows if sides[-1] else 0)
    return sides


def _reads(layers, layer, unit):
    """First and last unit, along one axis, of each layer from `layer` down to the input that `unit` depends on."""
    spans = [(unit, unit)]
    for _, kernel, stride in reversed(layers[:layer]):
        low, high = spans[-1]
        spans.append((low * stride, high * stride + kernel - 1))
    return spans


def _number(value):
    """Write a number as the widgets do: at most two decimals, a true minus sign."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if math.isnan(value):
        return "NaN"
    hundredths = math.floor(abs(Fraction(value)) * 100 + Fraction(1, 2))
    text = f"{hundredths / 100:.2f}".rstrip("0").rstrip(".")
    return f"−{text}" if value < 0 and hundredths else text
