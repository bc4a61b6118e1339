"""Edit a small kernel and see at once what it does to a photograph; or look at a kernel and say what it will do."""

import math

import numpy as np
import traitlets
from matplotlib import pyplot as plt
from scipy import ndimage

from visionlab import datasets, plots
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

SIDE = 160
"""Side of the photographs in pixels."""
PHOTOS = {"cat": "chelsea", "astronaut": "astronaut", "cup": "coffee", "rocket": "rocket"}
OPERATIONS = ("convolution", "cross-correlation")
VIEWS = ("as a picture", "zero is grey", "size only")
"""How outputs become brightness: 0 black and 1 white; 0 grey, negative darker; or black at 0, whatever the sign."""

PRESETS = {
    "leave alone": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "blur": [[0, 1, 0], [1, 4, 1], [0, 1, 0]],  # this and the next three: the slides of COMS 4995, lecture 5
    "sharpen": [[0, -1, 0], [-1, 8, -1], [0, -1, 0]],
    "edges": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
    "Sobel, left–right": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "Sobel, up–down": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "mean": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    "5.4 0.1 3.6 …": [[5.4, 0.1, 3.6], [1.8, 2.3, 4.5], [1.1, 3.4, 7.2]],  # the slides "Image recognition"
    "move": [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
    "relief": [[2, 1, 0], [1, 1, -1], [0, -1, -2]],
    "wide blur, 5×5": [[1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, 36, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1]],
    "shaky camera, 5×5": [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]],
}

ANSWERS = ("blurs", "sharpens", "finds edges of all directions", "finds upright edges", "finds lying edges", "moves",
           "leaves alone")  # fmt: skip
QUESTIONS = (
    ([[1, 2, 1], [2, 4, 2], [1, 2, 1]], "blurs",
     "All weights are positive: each result is a mean of nine pixels, and the middle counts most."),
    ([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], "finds lying edges",
     "It takes the row on one side from the row on the other. Along an upright edge the two are equal and cancel."),
    ([[0, 0, 0], [1, 0, 0], [0, 0, 0]], "moves",
     "One weight of 1, not in the middle: each result is a copy of a neighbour, so the whole picture moves."),
    ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], "finds edges of all directions",
     "Eight times the pixel minus its eight neighbours: 0 where all are alike, whichever way an edge runs."),
    ([[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]], "sharpens",
     "The edge finder plus the picture itself: the weights add up to 1, so flat areas keep their grey."),
    ([[1, 0, -1], [1, 0, -1], [1, 0, -1]], "finds upright edges",
     "It takes one column from the other: nothing is left unless brightness changes from left to right."),
    ([[0, 0, 0], [0, 3, 0], [0, 0, 0]], "leaves alone",
     "Each result is three times the pixel itself; dividing by the sum of the weights, 3, gives it back."),
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "blurs",
     "A mean of three pixels along a diagonal: the picture of a camera that shook that way."),
)  # fmt: skip
"""Kernel, answer, and why."""

_CSS = """
.vl-bar .vl-cell-count { flex: 0 0 76px; }
.vl-kernel {
  display: grid; grid-template-columns: minmax(150px, 1fr) auto minmax(150px, 1fr); gap: 6px 20px;
  align-items: start; margin-top: 12px;
}
.vl-kernel h4 { margin: 0 0 4px; font-size: 13px; font-weight: 600; color: var(--vl-ink); }
.vl-kernel .vl-stage { margin: 0; aspect-ratio: 1; }
.vl-kernel .vl-stage canvas { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 4px; }
.vl-kernel .vl-stage svg { position: absolute; inset: 0; height: 100%; overflow: hidden; }
.vl-kernel .vl-veiled canvas, .vl-kernel .vl-veiled svg { visibility: hidden; }
.vl-kernel .vl-veiled { border: 1px dashed var(--vl-soft); border-radius: 4px; }
.vl-kernel .vl-veiled::after {
  content: "?"; position: absolute; inset: 0; display: grid; place-items: center; font-size: 64px;
  color: var(--vl-soft);
}
.vl-cells { display: grid; gap: 3px; justify-content: center; }
.vl-explorer .vl-cells input {
  width: 56px; height: 40px; padding: 0 2px; border: 1px solid var(--vl-rule); border-radius: 4px;
  color: var(--vl-ink); background: transparent; font: inherit; font-size: 15px; text-align: center;
  font-variant-numeric: tabular-nums; appearance: textfield;
}
.vl-explorer .vl-cells[data-side="5"] input { width: 43px; height: 34px; font-size: 13px; }
.vl-cells input::-webkit-inner-spin-button { appearance: none; margin: 0; }
.vl-explorer .vl-cells input:invalid { border: 2px solid var(--vl-wrong); }
.vl-laid { margin-top: 10px; text-align: center; color: var(--vl-soft); font-size: 12px; }
.vl-laid table { margin: 4px auto 0; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.vl-explorer .vl-laid td {
  min-width: 34px; padding: 3px 5px; border: 1px solid var(--vl-rule); text-align: center;
  color: var(--vl-ink); background: transparent; font-size: 12px;
}
.vl-ramp {
  display: grid; grid-template-columns: auto 1fr auto; gap: 8px; align-items: center; margin-top: 6px;
  font-size: 12px; color: var(--vl-soft); font-variant-numeric: tabular-nums;
}
.vl-ramp i {
  height: 12px; border: 1px solid var(--vl-rule); border-radius: 3px;
  background: linear-gradient(to right, #000, #fff);
}
.vl-answers { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 10px; align-items: center; }
.vl-explorer .vl-answers button[data-right="true"] { border: 2px solid var(--vl-right); }
.vl-explorer .vl-answers button[data-right="false"] { border: 2px solid var(--vl-wrong); }
.vl-explorer [hidden] { display: none !important; }
@media (max-width: 640px) { .vl-kernel { grid-template-columns: 1fr; } }
"""


def grey_photo(name):
    """One of the playground's photographs, in grey.

    Parameters
    ----------
    name : str
        A key of `PHOTOS`.

    Returns
    -------
    numpy.ndarray
        uint8, of shape (160, 160).
    """
    return datasets.photo(PHOTOS[name], size=SIDE).mean(axis=2).round().astype(np.uint8)


def signed_limit(values):
    """Size that stands for white where zero is grey: 99 % of the values are smaller, so that a few don't pale the rest.

    Parameters
    ----------
    values : numpy.ndarray

    Returns
    -------
    float
        1 if there is nothing but zeros.
    """
    sizes = np.sort(np.abs(values), axis=None)
    return float(sizes[math.floor(0.99 * (sizes.size - 1))]) or 1.0


def brightness(values, view):
    """Turn outputs into brightness.

    Parameters
    ----------
    values : numpy.ndarray
        The photograph's black is 0, its white 1.
    view : str
        One of `VIEWS`.

    Returns
    -------
    numpy.ndarray
        From 0 to 1, of the same shape.

    Examples
    --------
    >>> brightness(np.array([-1.0, 0.0, 0.5, 2.0]), "as a picture")
    array([0. , 0. , 0.5, 1. ])
    >>> brightness(np.array([-2.0, 0.0, 2.0]), "zero is grey")
    array([0. , 0.5, 1. ])
    """
    if view == "zero is grey":
        values = 0.5 + 0.5 * values / signed_limit(values)
    elif view == "size only":
        values = np.abs(values) / signed_limit(values)
    return np.clip(values, 0, 1)


class _Weights(traitlets.List):
    """A kernel as rows of numbers, 3×3 or 5×5."""

    def validate(self, obj, value):
        try:
            weights = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            weights = np.array(math.nan)
        if weights.shape not in ((3, 3), (5, 5)) or not np.isfinite(weights).all() or np.abs(weights).max() > 1000:
            raise traitlets.TraitError(
                f"{self.name} is {value!r}: it must be 3 rows of 3, or 5 rows of 5, numbers from −1000 to 1000"
            )
        return weights.tolist()


class KernelPlayground(Explorer):
    """A photograph, a kernel with cells to edit, and what the kernel makes of the photograph.

    Click a picture, or focus it and use the arrow keys, to look at one place. Beyond its border the photograph goes on
    with its outermost pixels, so that no kernel finds an edge there.

    Parameters
    ----------
    preset : str, optional
        A key of `PRESETS`: its weights, and the view that suits them. By default "blur".
    photo : {"cat", "astronaut", "cup", "rocket"}
    weights : (3, 3) or (5, 5) array, optional
        A kernel of one's own.
    operation : {"convolution", "cross-correlation"}
        Whether the kernel is turned by half a turn before it is laid on the photograph.
    divide : bool
        Divide by the sum of the weights, unless that is 0: flat areas then keep their grey.
    view : {"as a picture", "zero is grey", "size only"}, optional
        How negative results are shown.
    quiz : bool
        Whether the playground asks what a kernel will do, and hides the result until it is told.

    Attributes
    ----------
    photo, weights, operation, divide, view, quiz
        As above; in step with the browser, readable and settable.
    row, column : int
        The place looked at.
    question : int
        Which of `QUESTIONS` the quiz asks.
    answer : str
        What has been answered, one of `ANSWERS`; empty before.
    result : numpy.ndarray
        The result, of shape (160, 160). Read only.

    Examples
    --------
    >>> playground = KernelPlayground("blur")
    >>> playground.divisor
    8.0
    >>> playground.weights = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    >>> bool(np.allclose(playground.result * 255, grey_photo("cat")))
    True
    """

    _esm = browser_module("arithmetic.js", "drawing.js", "kernel_playground.js")
    _css = style_sheet() + _CSS

    photo = Choice(tuple(PHOTOS)).tag(sync=True)
    weights = _Weights([[0.0] * 3] * 3).tag(sync=True)
    operation = Choice(OPERATIONS).tag(sync=True)
    divide = traitlets.Bool(True).tag(sync=True)
    view = Choice(VIEWS).tag(sync=True)
    row = Whole(62, 0, SIDE - 1).tag(sync=True)
    column = Whole(57, 0, SIDE - 1).tag(sync=True)
    quiz = traitlets.Bool(False).tag(sync=True)
    question = Whole(0, 0, len(QUESTIONS) - 1).tag(sync=True)
    answer = Choice(("", *ANSWERS)).tag(sync=True)

    # What the browser needs and cannot know: never set from there.
    _pixels = traitlets.Dict().tag(sync=True)  # photo → grey bytes
    _offer = traitlets.Dict().tag(sync=True)  # presets, questions, answers

    def __init__(
        self,
        preset="blur",
        photo="cat",
        *,
        weights=None,
        operation="convolution",
        divide=True,
        view=None,
        quiz=False,
    ):
        if preset not in PRESETS:
            raise traitlets.TraitError(
                f"preset is {preset!r}: it must be one of {', '.join(map(repr, PRESETS))}; or give weights=…"
            )
        if weights is None:
            weights = QUESTIONS[0][0] if quiz else PRESETS[preset]
        super().__init__(photo=photo, weights=weights, operation=operation, divide=divide, quiz=quiz)
        balanced = abs(np.sum(self.weights)) < 1e-9  # the results are then as often negative as positive
        self.view = view or ("zero is grey" if balanced else "as a picture")
        self._pixels = {name: grey_photo(name).tobytes() for name in PHOTOS}
        self._offer = {"presets": PRESETS, "questions": QUESTIONS, "answers": ANSWERS}

    @property
    def divisor(self):
        """What each sum of products is divided by."""
        total = float(np.sum(self.weights))
        return total if self.divide and abs(total) > 1e-9 else 1.0

    @property
    def result(self):
        """What the kernel makes of the photograph, whose black is 0 and white 1."""
        slide = ndimage.convolve if self.operation == "convolution" else ndimage.correlate
        return slide(grey_photo(self.photo) / 255, np.array(self.weights), mode="nearest") / self.divisor

    @property
    def correct(self):
        """Whether the quiz's question has been answered rightly; None before an answer."""
        return self.answer == QUESTIONS[self.question][1] if self.answer else None

    # For readers without a kernel

    def _description(self):
        kernel = " / ".join(" ".join(f"{weight:g}" for weight in row) for row in self.weights)
        if self.quiz and not self.answer:
            return f"A photograph ({self.photo}) and the kernel {kernel}; the result is hidden: what does it do?"
        result = self.result
        return (
            f"A photograph ({self.photo}), the kernel {kernel}, and their {self.operation}, shown {self.view}: results "
            f"from {result.min():.2f} to {result.max():.2f}, where the photograph's black is 0 and its white 1."
        )

    def _figure(self):
        fig, axes = plt.subplots(1, 3, figsize=(7.6, 2.9), width_ratios=(1, 0.72, 1))
        asks = self.quiz and not self.answer
        part = np.s_[20:116, 12:108]  # a part of it shows more, and takes less room in a notebook
        shown = np.full((96, 96), 0.93) if asks else brightness(self.result, self.view)[part]
        axes[0].imshow(grey_photo(self.photo)[part], vmin=0, vmax=255)
        axes[2].imshow(shown, vmin=0, vmax=1)
        if asks:
            axes[2].text(47.5, 47.5, "?", fontsize=48, ha="center", va="center", color=plots.GREY)
        side, most = len(self.weights), np.abs(self.weights).max() or 1
        for (i, j), weight in np.ndenumerate(np.array(self.weights)):
            colour = plots.BLUE if weight < 0 else plots.VERMILLION
            axes[1].add_patch(plt.Rectangle((j, i), 1, 1, fc=colour, alpha=0.42 * abs(weight) / most, lw=0))
            axes[1].add_patch(plt.Rectangle((j, i), 1, 1, fc="none", ec=plots.GREY, lw=0.8))
            word = f"{weight:g}".replace("-", "−")
            axes[1].text(j + 0.5, i + 0.5, word, ha="center", va="center", fontsize=12 if side == 3 else 9)
        axes[1].set(xlim=(-0.1, side + 0.1), ylim=(side + 0.1, -0.1), aspect="equal")
        divided = f", divided by {self.divisor:g}" if self.divisor != 1 else ""
        for ax, title in zip(axes, ("photograph (a part)", f"kernel{divided}", self.operation), strict=True):
            ax.set_title(title, loc="center", fontsize=11)
            ax.axis("off")
        words = "In JupyterLab the nine cells can be edited, and the result follows at once; there are presets too."
        if self.quiz:
            words = "In JupyterLab this is a quiz of eight kernels: say what each one does, then see it."
        fig.supxlabel(words, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig
