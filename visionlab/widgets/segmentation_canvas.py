"""A scene to compose and to write on, and what a segmentation network makes of it while you do."""

import operator

import numpy as np
import traitlets
from matplotlib import pyplot as plt
from matplotlib.patches import Patch

from visionlab import plots
from visionlab.scenes import BACKGROUND, COLOURS, FRAME, SIDE, paint
from visionlab.widgets.explorer import Explorer, Whole, browser_module, style_sheet

MOST_THINGS = 9
_CSS = """
.vl-canvases { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 6px 22px; }
.vl-canvases > div { max-width: 430px; }
.vl-canvases h4 { margin: 10px 0 4px; font-size: 13px; font-weight: 600; color: var(--vl-ink); }
.vl-canvases .vl-stage { aspect-ratio: 1; margin: 0; touch-action: none; background: #000; border-radius: 4px; }
.vl-canvases .vl-stage canvas, .vl-canvases .vl-stage svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.vl-canvases svg rect { fill: none; vector-effect: non-scaling-stroke; }
.vl-found-pixels { display: flex; flex-wrap: wrap; gap: 2px 12px; align-content: flex-start; align-items: center;
  min-height: 3.2em; margin-top: 8px; font-variant-numeric: tabular-nums; }
.vl-found-pixels span { display: inline-flex; gap: 5px; align-items: center; }
.vl-found-pixels i { width: 12px; height: 12px; border-radius: 2px; }
.vl-ten { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; }
.vl-explorer .vl-ten button { min-width: 28px; padding: 2px 6px; justify-content: center; }
.vl-explorer button[aria-pressed="true"] {
  border-color: var(--vl-accent); box-shadow: inset 0 0 0 1px var(--vl-accent);
}
"""


class _Things(traitlets.List):
    """What lies on the scene: which digit, row and column of its frame."""

    def validate(self, obj, value):
        expected = f"a list of at most {MOST_THINGS} [digit, row, column]"
        try:
            things = [[operator.index(number) for number in thing] for thing in value]
        except TypeError:
            raise traitlets.TraitError(f"things is {value!r}: it must be {expected}") from None
        if len(things) > MOST_THINGS or any(len(thing) != 3 for thing in things):
            raise traitlets.TraitError(f"things is {value!r}: it must be {expected}")
        for which, row, column in things:
            if not (0 <= which < obj.stamps and 0 <= row <= SIDE - FRAME and 0 <= column <= SIDE - FRAME):
                raise traitlets.TraitError(
                    f"things holds {[which, row, column]}: there are {obj.stamps} digits, counted from 0, and rows and "
                    f"columns go from 0 to {SIDE - FRAME}"
                )
        return things


class _Ink(traitlets.Bytes):
    """What has been written by hand: a byte a pixel."""

    def validate(self, obj, value):
        ink = super().validate(obj, value)
        if len(ink) != SIDE * SIDE:
            raise traitlets.TraitError(f"ink has {len(ink)} bytes: it must have {SIDE}·{SIDE}")
        return ink


class SegmentationCanvas(Explorer):
    """Put digits on a photograph, move them, write your own: a network labels every pixel at once.

    Parameters
    ----------
    segment : function
        From a picture, float32 (64, 64) from 0 to 1, to labels, int (64, 64), 0 … 9 or 10 for background.
    digits : numpy.ndarray
        Digits to put on the scene: uint8, of shape (M, 28, 28).
    labels : array of int
        What they are, of shape (M,).
    backdrops : array
        Backgrounds to choose from: float from 0 to 1, of shape (B, 64, 64).
    things : list of [int, int, int]
        What lies on it at the beginning: which of the digits, and row and column of its frame.

    Attributes
    ----------
    things : list of [int, int, int]
    ink : bytes
        What has been written by hand, 64·64.
    backdrop : int
        Which background. These three are in step with the browser, readable and settable.
    stamps : int
        How many digits there are to choose from. Read only.
    picture : numpy.ndarray
        The scene, float32 (64, 64). Read only.
    found : numpy.ndarray
        Its labels by `segment`, int (64, 64). Read only.

    Raises
    ------
    ValueError
        If a shape is wrong, or `segment` doesn't give labels of the right shape.

    Examples
    --------
    >>> white, black = np.full((1, 28, 28), 255, np.uint8), np.zeros((1, 64, 64))
    >>> canvas = SegmentationCanvas(
    ...     lambda picture: np.where(picture > 0.5, 8, BACKGROUND), white, [8], black, things=[[0, 2, 3]]
    ... )
    >>> int((canvas.found == 8).sum()) == 28 * 28
    True
    """

    _esm = browser_module("drawing.js", "segmentation_canvas.js")
    _css = style_sheet() + _CSS

    stamps = traitlets.Int(0, read_only=True)
    things = _Things().tag(sync=True)
    ink = _Ink(bytes(SIDE * SIDE)).tag(sync=True, from_json=lambda value, _: bytes(value))
    backdrop = Whole(0, 0).tag(sync=True)

    # For the browser: never set from there.
    _digits = traitlets.Bytes().tag(sync=True)
    _labels = traitlets.List().tag(sync=True)
    _backdrops = traitlets.Bytes().tag(sync=True)
    _colours = traitlets.List().tag(sync=True)
    _found = traitlets.Bytes().tag(sync=True)

    def __init__(self, segment, digits, labels, backdrops, *, things=()):
        digits, backdrops = np.asarray(digits), np.asarray(backdrops, float)
        if digits.dtype != np.uint8 or digits.shape[1:] != (FRAME, FRAME) or len(labels) != len(digits):
            raise ValueError(
                f"digits: {digits.dtype} of shape {digits.shape}, with {len(labels)} labels. They must be uint8 of "
                f"shape (M, {FRAME}, {FRAME}), with M labels"
            )
        if backdrops.shape[1:] != (SIDE, SIDE) or not (backdrops.min() >= 0 and backdrops.max() <= 1):
            raise ValueError(f"backdrops of shape {backdrops.shape}: must be (B, {SIDE}, {SIDE}), from 0 to 1")
        self._segment, self._stamps = segment, digits
        self._papers = np.round(255 * backdrops).astype(np.uint8)
        super().__init__()
        self.set_trait("stamps", len(digits))
        self._digits, self._labels = digits.tobytes(), [int(label) for label in labels]
        self._backdrops, self._colours = self._papers.tobytes(), list(COLOURS)
        self.things = [list(thing) for thing in things]
        self._look()
        self.observe(self._look, ["things", "ink", "backdrop"])

    @traitlets.validate("backdrop")
    def _there(self, proposal):
        if proposal["value"] >= len(self._papers):
            raise traitlets.TraitError(
                f"backdrop is {proposal['value']}: there are {len(self._papers)}, counted from 0"
            )
        return proposal["value"]

    def _bytes(self):
        """The scene as the browser composes it too: the brightest of background, digits and ink."""
        scene = np.maximum(self._papers[self.backdrop], np.frombuffer(self.ink, np.uint8).reshape(SIDE, SIDE))
        for which, row, column in self.things:
            place = np.s_[row : row + FRAME, column : column + FRAME]
            scene[place] = np.maximum(scene[place], self._stamps[which])
        return scene

    @property
    def picture(self):
        """The scene, float32 (64, 64), from 0 to 1."""
        return self._bytes() / np.float32(255)

    @property
    def found(self):
        """The labels that `segment` gives, int (64, 64)."""
        return np.frombuffer(self._found, np.uint8).reshape(SIDE, SIDE).astype(int)

    def _look(self, _=None):
        labels = np.asarray(self._segment(self.picture))
        if (
            labels.shape != (SIDE, SIDE)
            or labels.dtype.kind not in "iu"
            or not (0 <= labels.min() <= labels.max() <= 10)
        ):
            raise ValueError(
                f"segment gave {labels.dtype} of shape {labels.shape}: labels must be whole numbers from 0 to "
                f"{BACKGROUND}, of shape ({SIDE}, {SIDE})"
            )
        self._found = labels.astype(np.uint8).tobytes()

    # For readers without a kernel

    def _counted(self):
        digits, pixels = np.unique(self.found, return_counts=True)
        return [(int(d), int(p)) for d, p in zip(digits, pixels, strict=True) if d != BACKGROUND]

    def _description(self):
        written = ", ".join(str(self._labels[which]) for which, *_ in self.things) or "nothing"
        counted = ", ".join(f"{digit}: {pixels}" for digit, pixels in self._counted()) or "none"
        return f"A scene with {written} on it, and its pixels coloured by the digit the network finds there: {counted}."

    def _figure(self):
        fig, axes = plt.subplots(1, 2, figsize=(8.2, 4.3))
        axes[0].imshow(self._bytes(), vmin=0, vmax=255)
        axes[1].imshow(paint(self.picture, self.found))
        for ax, title in zip(axes, ("the scene", "a label for every pixel"), strict=True):
            ax.set_title(title, loc="center", fontsize=11)
            ax.axis("off")
        legend = [Patch(color=COLOURS[digit], label=f"{digit}: {pixels}") for digit, pixels in self._counted()]
        if legend:
            axes[1].legend(handles=legend, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=10)
        fig.supxlabel(
            "In JupyterLab, move the digits, add others, or write on the scene: the labels follow.",
            fontsize=9, color=plots.GREY, x=0.01, ha="left",
        )  # fmt: skip
        return fig
