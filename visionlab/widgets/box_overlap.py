"""Two boxes on a picture, to move and stretch: what they share, what they cover together, and the ratio of the two."""

import operator

import numpy as np
import traitlets
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from visionlab import plots
from visionlab.widgets.explorer import Explorer, browser_module, style_sheet

_COLOURS = (plots.SKY, plots.ORANGE)
_CSS = """
.vl-overlap { display: flex; flex-wrap: wrap; gap: 12px 26px; align-items: flex-start; }
.vl-overlap .vl-stage { flex: 1 1 300px; max-width: 460px; touch-action: none; cursor: default; background: #000; }
.vl-overlap .vl-stage svg { overflow: hidden; border-radius: 4px; }
.vl-overlap .vl-stage canvas { inset: 0; width: 100%; height: 100%; border-radius: 4px; }
.vl-overlap rect { vector-effect: non-scaling-stroke; }
.vl-counts { flex: 1 1 250px; font-variant-numeric: tabular-nums; }
.vl-explorer .vl-counts table { width: 100%; border-collapse: collapse; margin-top: 10px; font-size: 13px; }
.vl-explorer .vl-counts th, .vl-explorer .vl-counts td {
  padding: 4px 6px; border: 0; border-bottom: 1px solid var(--vl-rule); text-align: right;
  background: transparent; color: var(--vl-ink);
}
.vl-explorer .vl-counts th { text-align: left; font-weight: 400; }
.vl-counts i { display: inline-block; width: 12px; height: 12px; margin-right: 7px; border-radius: 2px; }
.vl-ratio { position: relative; height: 20px; margin: 14px 0 20px; border-radius: 4px; background: var(--vl-well); }
.vl-ratio > b { position: absolute; inset: 0 auto 0 0; border-radius: 4px; background: var(--vl-right); }
.vl-ratio > span {
  position: absolute; top: 0; height: 26px; padding-left: 3px; border-left: 1.5px solid var(--vl-soft);
  color: var(--vl-soft); font-size: 11px; line-height: 36px;
}
.vl-explorer button[aria-pressed="true"] {
  border-color: var(--vl-accent); box-shadow: inset 0 0 0 1px var(--vl-accent);
}
"""


class _Box(traitlets.List):
    """Left, top, right, bottom: whole numbers within the picture, of at least one pixel."""

    def validate(self, obj, value):
        expected = "left, top, right, bottom as whole numbers"
        try:
            box = [operator.index(number) for number in (value.tolist() if hasattr(value, "tolist") else value)]
        except TypeError:
            raise traitlets.TraitError(f"{self.name} is {value!r}: it must be {expected}") from None
        if len(box) != 4 or not (0 <= box[0] < box[2] <= obj.width and 0 <= box[1] < box[3] <= obj.height):
            raise traitlets.TraitError(
                f"{self.name} is {value!r}: it must be {expected}, right > left and bottom > top, within a picture of "
                f"{obj.width}×{obj.height}"
            )
        return box


class BoxOverlap(Explorer):
    """Two boxes to move and stretch with mouse or keyboard, and their intersection over union.

    Parameters
    ----------
    first, second : sequence of int
        Left, top, right, bottom.
    picture : array, optional
        What the boxes lie on: (H, W), from 0 to 1. By default an empty field of 40×30 pixels.

    Attributes
    ----------
    first, second : list of int
        In step with the browser, readable and settable.
    width, height : int
        Of the picture. Read only.
    intersection, union : int
        Areas in pixels. Read only.
    iou : float
        The first divided by the second. Read only.

    Examples
    --------
    >>> overlap = BoxOverlap(first=(0, 0, 10, 10), second=(5, 0, 15, 10))
    >>> overlap.intersection, overlap.union, round(overlap.iou, 3)
    (50, 150, 0.333)
    """

    _esm = browser_module("drawing.js", "box_overlap.js")
    _css = style_sheet() + _CSS

    first = _Box([0, 0, 1, 1]).tag(sync=True)
    second = _Box([0, 0, 1, 1]).tag(sync=True)
    width = traitlets.Int(40, read_only=True).tag(sync=True)
    height = traitlets.Int(30, read_only=True).tag(sync=True)
    _pixels = traitlets.Bytes().tag(sync=True)  # what the browser cannot know: never set from there

    def __init__(self, first=(4, 5, 24, 19), second=(12, 9, 34, 26), picture=None):
        grey = np.zeros((30, 40)) if picture is None else np.asarray(picture, float)
        if grey.ndim != 2 or not (grey.min() >= 0 and grey.max() <= 1):
            raise ValueError(f"picture has the shape {grey.shape}: it must be (H, W), with values from 0 to 1")
        super().__init__()
        self.set_trait("height", grey.shape[0])
        self.set_trait("width", grey.shape[1])
        self._pixels = np.round(255 * grey).astype(np.uint8).tobytes()
        self.first, self.second = first, second

    @property
    def intersection(self):
        """The pixels that are in both boxes."""
        (left, top, right, bottom), (left2, top2, right2, bottom2) = self.first, self.second
        return max(0, min(right, right2) - max(left, left2)) * max(0, min(bottom, bottom2) - max(top, top2))

    @property
    def union(self):
        """The pixels that are in at least one."""
        areas = [(right - left) * (bottom - top) for left, top, right, bottom in (self.first, self.second)]
        return sum(areas) - self.intersection

    @property
    def iou(self):
        """Intersection over union."""
        return self.intersection / self.union

    # For readers without a kernel

    def _description(self):
        return (
            f"Two boxes, {self._size(self.first)} and {self._size(self.second)} pixels. They share {self.intersection} "
            f"pixels and cover {self.union} together: intersection over union {self.iou:.2f}."
        )

    @staticmethod
    def _size(box):
        return f"{box[2] - box[0]}×{box[3] - box[1]}"

    def _figure(self):
        fig, (ax, words) = plt.subplots(1, 2, figsize=(7.6, 3.5), width_ratios=(1.25, 1))
        picture = np.frombuffer(self._pixels, np.uint8).reshape(self.height, self.width)
        ax.imshow(picture, extent=(0, self.width, self.height, 0), vmin=0, vmax=255)
        for box, colour in zip((self.first, self.second), _COLOURS, strict=True):
            corner, size = box[:2], np.subtract(box[2:], box[:2])
            ax.add_patch(Rectangle(corner, *size, fc=colour, alpha=0.25))
            ax.add_patch(Rectangle(corner, *size, fill=False, ec=colour, lw=2.5))
        ax.axis("off")
        words.axis("off")
        lines = [
            (f"blue box  {self._size(self.first)}", plots.BLUE), (f"orange box  {self._size(self.second)}", "#B07A00"),
            (f"intersection  {self.intersection}", plots.BLACK), (f"union  {self.union}", plots.BLACK),
            (f"IoU = {self.intersection}/{self.union} = {self.iou:.2f}", plots.BLACK),
        ]  # fmt: skip
        for i, (line, colour) in enumerate(lines):
            words.text(0, 0.95 - 0.16 * i, line, color=colour, fontsize=13 if i < 4 else 15, va="top")
        words.text(0, 0.02, "In JupyterLab, drag the boxes\nor their corners.", fontsize=9, color=plots.GREY)
        return fig
