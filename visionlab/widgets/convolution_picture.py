"""The static picture of the convolution explorer, drawn with matplotlib for readers without a kernel."""

import textwrap

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.patches import Polygon, Rectangle

from visionlab import plots
from visionlab.widgets import _numerics

_WINDOW = "#D07F00"
_MOST_TEXT = 14  # cells a side that still carry their numbers


def draw(
    *,
    size,
    kernel,
    stride,
    padding,
    dilation,
    operation,
    convention,
    image,
    kernel_name,
    maps,
    output,
    weights,
    divisor,
    row,
    column,
    formula,
    words,
    student,
    wrong,
):
    """Draw the state of a `ConvolutionExplorer`.

    Parameters
    ----------
    size, kernel, stride, padding, dilation, operation, convention, image, kernel_name, row, column, formula
        As in the explorer.
    maps : (C, W, W) array
        The input.
    output : (M, M) or (C, M, M) array or None
        The right output.
    weights, divisor
        The kernel.
    words, student : str
        What is said about the output, and about the student's function.
    wrong : (M, M) bool array or None
        The student's wrong outputs.

    Returns
    -------
    matplotlib.figure.Figure
    """
    fit = _numerics._fit(size, kernel, stride, padding, dilation)
    numbers = image == "numbers"
    overhang = stride - fit.remainder if convention == _numerics.EXACT and fit.remainder else 0
    extent = max(fit.padded + overhang, fit.reach)
    fig = plt.figure(figsize=(8.6, 4.7), layout="none")
    left = fig.add_axes((0.02, 0.3, 0.39, 0.62))
    middle = fig.add_axes((0.435, 0.3, 0.13, 0.62))
    right = fig.add_axes((0.59, 0.3, 0.39, 0.62))
    for ax in (left, middle, right):
        ax.axis("off")
    for ax in (left, right):
        ax.set(xlim=(-0.1, extent + 0.1), ylim=(extent + 0.1, -0.1), aspect="equal", anchor="NW")

    # Input
    padded = f", padded {fit.padded}×{fit.padded}" if padding else ""
    left.set_title(f"Input {size}×{size}{padded}", fontsize=10.5)
    if padding:
        left.add_patch(
            Rectangle((0, 0), fit.padded, fit.padded, fc="#F3F4F6", ec=plots.GREY, ls="--", lw=0.8, zorder=-1)
        )
    _show(left, maps, padding, "numbers" if numbers else "picture", 9)
    if numbers and extent <= _MOST_TEXT:
        _write(left, maps[0], padding)
        fill = "−∞" if operation == _numerics.MAX_POOLING else "0"
        for i, j in np.ndindex(fit.padded, fit.padded):
            if min(i, j) < padding or max(i, j) >= fit.padded - padding:
                left.text(j + 0.5, i + 0.5, fill, ha="center", va="center", fontsize=8, color=plots.GREY)
    if fit.windows:
        for at, lost in enumerate(_numerics._unread(size, kernel, stride, padding, dilation)):
            if lost:
                hatch = {"fc": (1, 1, 1, 0.55), "ec": plots.GREY, "hatch": "////", "lw": 0}
                left.add_patch(Rectangle((0, at), fit.padded, 1, **hatch))
                left.add_patch(Rectangle((at, 0), 1, fit.padded, **hatch))
    if fit.span < 0 or overhang:
        from_ = fit.windows * stride if overhang else 0
        frame = {"fc": "none", "ec": plots.VERMILLION, "ls": "--", "lw": 2}
        left.add_patch(Rectangle((from_, from_), fit.reach, fit.reach, **frame))

    # Output
    if output is None:
        right.set_title("No output", fontsize=10.5)
        side = min(extent, max(3, extent * 0.45))
        right.add_patch(Rectangle((0, 0), side, side, fc="none", ec=plots.GREY, ls="--"))
        say = "too small" if fit.span < 0 else "cannot apply"
        right.text(side / 2, side / 2, say, ha="center", va="center", color=plots.GREY, fontsize=10)
    else:
        results = output if output.ndim == 3 else output[None]
        side = results.shape[1]
        right.set_title(f"Output {side}×{side}", fontsize=10.5)
        signed = operation == _numerics.CONVOLUTION and (abs(np.sum(weights)) < 1e-9 or (numbers and results.min() < 0))
        kind = "signed" if signed else "numbers" if numbers else "picture"
        finite = np.sort(np.abs(results[np.isfinite(results)]))
        # A border of zeros makes a few edges in a picture that would pale all others.
        most = finite[int((1 if numbers else 0.98) * (finite.size - 1))] if finite.size else 1
        _show(right, results, 0, kind, most or 1)
        if numbers and extent <= _MOST_TEXT:
            _write(right, results[0], 0)
        if wrong is not None:
            for i, j in np.argwhere(wrong)[:400]:
                mark = Rectangle((j, i), 1, 1, fc=to_rgba(plots.VERMILLION, 0.25), ec=plots.VERMILLION, hatch="\\\\\\")
                right.add_patch(mark)
        low = np.array([column * stride, row * stride])
        _window(left, low, fit.reach)
        _window(right, (column, row), 1)
        _close_up(middle, maps, padding, low, kernel, dilation, operation, weights, divisor, results, row, column)

    caption = (
        "In JupyterLab this picture is live: sliders change input, kernel, stride, padding and dilation; the window "
        "slides with the arrow keys; the choices switch between convolution and pooling, numbers, digit and photo."
    )
    fig.text(0.02, 0.215, formula, fontsize=12.5, color=plots.BLACK)
    said = "\n".join(textwrap.wrap(f"{words} {student}".strip(), 112))
    fig.text(0.02, 0.185, said, fontsize=9, va="top", color=plots.BLACK)
    fig.text(0.02, 0.01, "\n".join(textwrap.wrap(caption, 128)), fontsize=8, va="bottom", color=plots.GREY)
    return fig


def _show(ax, maps, offset, kind, most):
    side = maps.shape[1]
    extent = (offset, offset + side, offset + side, offset)
    if kind == "signed":
        ax.imshow(maps[0], cmap=plots.SIGNED, vmin=-most, vmax=most, extent=extent, alpha=0.75)
    elif kind == "numbers":
        ax.imshow(np.where(np.isfinite(maps[0]), maps[0], 0), cmap="Blues", vmin=0, vmax=2.4 * most, extent=extent)
    else:
        picture = np.clip(np.where(np.isfinite(maps), maps, 0), 0, 1).transpose(1, 2, 0)
        ax.imshow(np.broadcast_to(picture, (side, side, 3)), extent=extent)
    if side <= 32:
        for at in range(side + 1):
            ax.plot([offset + at] * 2, [offset, offset + side], color="#D5D9DF", lw=0.7)
            ax.plot([offset, offset + side], [offset + at] * 2, color="#D5D9DF", lw=0.7)
    ax.add_patch(Rectangle((offset, offset), side, side, fc="none", ec=plots.GREY, lw=1))


def _write(ax, values, offset):
    for (i, j), value in np.ndenumerate(values):
        word = _numerics._number(value)
        size = 9 if len(word) < 4 else 7.5
        ax.text(offset + j + 0.5, offset + i + 0.5, word, ha="center", va="center", fontsize=size)


def _window(ax, low, side):
    ax.add_patch(Rectangle(low, side, side, fc="none", ec="white", lw=4, zorder=5))
    ax.add_patch(Rectangle(low, side, side, fc="none", ec=_WINDOW, lw=2.4, zorder=6))


def _close_up(ax, maps, padding, low, kernel, dilation, operation, weights, divisor, results, row, column):
    """Draw the window's values, the kernel below them, and what comes out."""
    fill = -np.inf if operation == _numerics.MAX_POOLING else 0
    around = np.pad(maps.mean(axis=0), padding, constant_values=fill)
    taps = dilation * np.arange(kernel)
    window = around[np.ix_(low[1] + taps, low[0] + taps)]
    picture = results.ndim == 3 and maps.max() <= 1 and maps.dtype.kind == "f" and not (maps % 1 == 0).all()
    ax.set(xlim=(0, 1), ylim=(2.75, -0.02), aspect="equal", anchor="N")
    ax.text(0, -0.04, "window", fontsize=8.5, color=plots.GREY, va="bottom")
    _grid(ax, window, 0, "gray" if picture else "Blues", (0, 1) if picture else (0, 21.6))
    end = 1.24
    if operation == _numerics.CONVOLUTION:
        label = "kernel" if divisor == 1 else f"kernel ÷ {divisor}"
        ax.text(0, 1.26, f"⊙  {label}", fontsize=8.5, color=plots.GREY, va="bottom")
        most = np.abs(weights).max() or 1
        _grid(ax, np.asarray(weights, float), 1.3, plots.SIGNED, (-2 * most, 2 * most))
        end = 2.54
    sign = {"convolution": "=", "max pooling": "max =", "average pooling": "mean ="}[operation]
    values = ", ".join(_numerics._number(value) for value in results[:, row, column])
    size = 11 if len(values) < 8 else 8
    ax.text(0.5, end, f"{sign} {values}", ha="center", va="center", fontsize=size, weight="bold", color=_WINDOW)


def _grid(ax, values, top, cmap, limits):
    side = len(values)
    shown = np.where(np.isfinite(values), values, limits[0])
    ax.imshow(shown, cmap=cmap, vmin=limits[0], vmax=limits[1], extent=(0, 1, top + 1, top))
    if side <= 4:
        for (i, j), value in np.ndenumerate(values):
            word = _numerics._number(value)
            dark = cmap == "gray" and value < 0.5
            x, y = (j + 0.5) / side, top + (i + 0.5) / side
            color = "white" if dark else plots.BLACK
            ax.text(x, y, word, ha="center", va="center", fontsize=8 if len(word) < 4 else 6.5, color=color)
    ax.add_patch(Polygon([(0, top), (1, top), (1, top + 1), (0, top + 1)], fc="none", ec=plots.GREY, lw=1))
