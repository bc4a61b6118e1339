"""Move a digit and measure, stage by stage of a small network, what moves along and what stays the same."""

import math

import numpy as np
import traitlets
from matplotlib import pyplot as plt
from scipy import ndimage

from visionlab import datasets, plots
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

FIELD = 40
"""Side of the field that the digit moves in, in pixels."""
FARTHEST = 8
KERNELS = {
    "left–right edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "all edges": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
    "blur": [[1 / 16, 2 / 16, 1 / 16], [2 / 16, 4 / 16, 2 / 16], [1 / 16, 2 / 16, 1 / 16]],
}
STAGES = ("input", "convolution", "stride", "pooling", "global")

_CSS = """
.vl-shift {
  display: grid; grid-template-columns: auto repeat(5, minmax(64px, 1fr)); gap: 6px 12px; align-items: center;
  margin-top: 14px; font-variant-numeric: tabular-nums;
}
.vl-shift h4 {
  margin: 0; font-size: 12.5px; font-weight: 600; line-height: 1.3; color: var(--vl-ink); align-self: end;
  text-align: center;
}
.vl-shift h4 small { display: block; font-weight: 400; color: var(--vl-soft); }
.vl-shift > span { color: var(--vl-soft); font-size: 12px; max-width: 105px; line-height: 1.3; }
.vl-shift canvas {
  width: 100%; aspect-ratio: 1; image-rendering: pixelated; border: 1px solid var(--vl-rule);
  border-radius: 3px;
}
.vl-shift .vl-one { text-align: center; font-size: 20px; font-weight: 600; }
.vl-shift .vl-part-of { display: grid; gap: 3px; }
.vl-shift .vl-part-of b { font-size: 14px; text-align: center; }
.vl-shift .vl-part-of b[data-zero="true"] { color: var(--vl-right); }
.vl-shift .vl-part-of i {
  display: block; height: 6px; border-radius: 3px; background: var(--vl-rule); overflow: hidden;
}
.vl-shift .vl-part-of i::before {
  content: ""; display: block; height: 100%; width: var(--vl-part); background: var(--vl-accent);
}
@media (max-width: 560px) { .vl-shift { gap: 4px 6px; } .vl-shift > span { max-width: 64px; } }
"""


def field(digit, shift, paper="black"):
    """A digit of the test set in a larger field, moved to the right.

    Parameters
    ----------
    digit : int
        0 … 9.
    shift : int
        Pixels, −8 … 8.
    paper : {"black", "white"}
        White ink on black paper, as in MNIST, or the other way round.

    Returns
    -------
    numpy.ndarray
        Floats from 0 to 1, of shape (40, 40).
    """
    whole = np.zeros((FIELD, FIELD))
    margin = (FIELD - 28) // 2
    columns = np.arange(28) + margin + shift
    seen = (columns >= 0) & (columns < FIELD)
    whole[margin : margin + 28, columns[seen]] = (_digits()[digit] / 255)[:, seen]
    return whole if paper == "black" else 1 - whole


def _digits():
    return datasets.load("mnist", split="test", subset=10).images


def stages(picture, kernel, window):
    """What a picture becomes, stage by stage.

    Parameters
    ----------
    picture : numpy.ndarray
        (40, 40).
    kernel : str
        A key of `KERNELS`. It is laid on as it is, zeros beyond the border; negative results become 0 (ReLU).
    window : int
        Stride, and side of the pooling windows: 2, 4 or 8.

    Returns
    -------
    dict of str to numpy.ndarray
        'input' and 'convolution' (40, 40), 'stride' and 'pooling' (40/window, 40/window), 'global' (1, 1).
    """
    convolved = np.maximum(ndimage.correlate(picture, np.array(KERNELS[kernel]), mode="constant"), 0)
    count = FIELD // window
    blocks = convolved.reshape(count, window, count, window)
    return {
        "input": picture,
        "convolution": convolved,
        "stride": convolved[::window, ::window],
        "pooling": blocks.max(axis=(1, 3)),
        "global": convolved.max(keepdims=True),
    }


def change(before, after):
    """How unlike two maps are: the length of the difference, as a share of the length of the first.

    Examples
    --------
    >>> change(np.array([3.0, 4.0]), np.array([3.0, 3.0]))
    0.2
    """
    length = np.linalg.norm(before)
    difference = float(np.linalg.norm(after - before))
    return difference / float(length) if length else (0.0 if difference == 0 else 1.0)


def change_when_moved_along(before, after, shift):
    """`change` against the best moved copy, where the two overlap.

    Parameters
    ----------
    before, after : numpy.ndarray
        Maps of the same shape (H, W).
    shift : int
        What the picture was moved by, in pixels. In columns of the map that is shift · W / 40; where this isn't a whole
        number, both neighbours are tried.

    Returns
    -------
    float
    """
    width = before.shape[1]
    found = []
    for offset in {math.floor(shift * width / FIELD), math.ceil(shift * width / FIELD)}:
        kept = width - abs(offset)
        if kept:
            left, right = max(0, -offset), max(0, offset)
            found.append(change(before[:, left : left + kept], after[:, right : right + kept]))
    return min(found)


class ShiftExplorer(Explorer):
    """A digit moved by a slider, and five stages: input, convolution, every second value, pooling, global pooling.

    Below each stage are two measured numbers: how unlike its map is to the map of the digit that wasn't moved (0 %:
    *invariant*), and to the best moved copy of that map (0 %: *equivariant*).

    Parameters
    ----------
    digit : int
        0 … 9.
    shift : int
        Pixels to the right, −8 … 8.
    window : {2, 4, 8}
        Stride, and side of the pooling windows.
    kernel : {"left–right edges", "all edges", "blur"}
    paper : {"black", "white"}
        On white paper the zeros beyond the border make an edge that doesn't move.

    Attributes
    ----------
    digit, shift, window, kernel, paper
        As above; in step with the browser, readable and settable.
    measured : dict of str to (float, float)
        For each stage the change against the digit not moved, and against the best moved copy. Read only.

    Examples
    --------
    >>> explorer = ShiftExplorer(shift=2)
    >>> [round(100 * number) for number in explorer.measured["convolution"]], explorer.measured["global"]
    ([124, 0], (0.0, 0.0))
    """

    _esm = browser_module("arithmetic.js", "drawing.js", "shift_explorer.js")
    _css = style_sheet() + _CSS

    digit = Whole(4, 0, 9).tag(sync=True)
    shift = Whole(0, -FARTHEST, FARTHEST).tag(sync=True)
    window = traitlets.Enum((2, 4, 8), 2).tag(sync=True)
    kernel = Choice(tuple(KERNELS)).tag(sync=True)
    paper = Choice(("black", "white")).tag(sync=True)

    # What the browser needs and cannot know: never set from there.
    _pixels = traitlets.Bytes().tag(sync=True)  # ten digits of 28×28
    _kernels = traitlets.Dict().tag(sync=True)

    def __init__(self, digit=4, shift=3, window=2, kernel="left–right edges", paper="black"):
        super().__init__(digit=digit, shift=shift, window=window, kernel=kernel, paper=paper)
        self._pixels = _digits().tobytes()
        self._kernels = KERNELS

    def _both(self):
        """The stages of the digit that wasn't moved, and of the one that was."""
        return [stages(field(self.digit, shift, self.paper), self.kernel, self.window) for shift in (0, self.shift)]

    @property
    def measured(self):
        """For each stage the change against the digit not moved, and against the best moved copy."""
        still, moved = self._both()
        return {
            name: (change(still[name], moved[name]), change_when_moved_along(still[name], moved[name], self.shift))
            for name in STAGES
        }

    # For readers without a kernel

    def _names(self):
        window = self.window
        return ("input", "3×3 convolution\n+ ReLU", f"stride {window}", f"{window}×{window} max pooling", "global max")

    def _description(self):
        numbers = "; ".join(f"{name} {100 * a:.0f} and {100 * b:.0f} %" for name, (a, b) in self.measured.items())
        return (
            f"The digit {self.digit} on {self.paper} paper, moved by {self.shift} pixels, through a convolution "
            f"({self.kernel}). Change against the digit not moved, and against the best moved copy: {numbers}."
        )

    def _figure(self):
        still, moved = self._both()
        measured = self.measured
        fig, axes = plt.subplots(2, 5, figsize=(8.8, 4.4))
        for column, (stage, title) in enumerate(zip(STAGES, self._names(), strict=True)):
            most = max(still[stage].max(), moved[stage].max(), 1e-9)
            for row, maps in enumerate((still, moved)):
                ax = axes[row, column]
                if stage == "global":
                    ax.text(0.5, 0.5, f"{maps[stage].item():.2f}", fontsize=15, ha="center", va="center")
                else:
                    ax.imshow(maps[stage], vmin=0, vmax=most)
                ax.set(xticks=[], yticks=[])
                ax.grid(False)
                ax.spines[:].set_visible(True)
                ax.set_box_aspect(1)
            axes[0, column].set_title(title, loc="center", fontsize=10)
            unlike, along = measured[stage]
            axes[1, column].set_xlabel(
                f"stays? off by {100 * unlike:.0f} %\nmoves? off by {100 * along:.0f} %", fontsize=9
            )
        axes[0, 0].set_ylabel("not moved", fontsize=10)
        axes[1, 0].set_ylabel(f"moved by {self.shift}".replace("-", "−"), fontsize=10)
        fig.supxlabel(
            "In JupyterLab sliders move the digit and set the stride. Stays: change against the upper row; moves: "
            "against its best moved copy.",
            fontsize=8,
            color=plots.GREY,
            x=0.01,
            ha="left",
        )
        return fig
