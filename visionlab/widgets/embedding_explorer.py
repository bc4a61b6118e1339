"""Digits as points of a plane that a network has put them into: who is near whom, and how training moved them."""

from typing import NamedTuple

import numpy as np
import traitlets
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.scenes import COLOURS
from visionlab.widgets.explorer import Explorer, Whole, browser_module, style_sheet

NEIGHBOURS = 6
_CSS = """
.vl-embedding { display: flex; flex-wrap: wrap; gap: 10px 20px; margin-top: 10px; align-items: flex-start; }
.vl-embedding .vl-stage { flex: 3 1 420px; margin: 0; height: 430px; cursor: crosshair; touch-action: none; }
.vl-embedding .vl-stage canvas { inset: 0; width: 100%; height: 100%; border-radius: 6px; image-rendering: auto;
  border: 1px solid var(--vl-rule); }
.vl-beside { flex: 1 1 210px; max-width: 330px; }
.vl-beside h4 { margin: 0 0 6px; font-size: 13px; font-weight: 600; color: var(--vl-ink); }
.vl-beside canvas { image-rendering: pixelated; border-radius: 3px; background: #000; }
.vl-anchor { display: flex; gap: 10px; align-items: center; margin-bottom: 12px; }
.vl-anchor canvas { width: 84px; height: 84px; }
.vl-explorer .vl-close { display: grid; grid-template-columns: repeat(3, 1fr); gap: 6px; margin: 0; padding: 0;
  list-style: none; }
.vl-close li { margin: 0; padding: 3px; border: 2px solid var(--vl-wrong); border-radius: 6px; text-align: center;
  font-size: 12px; line-height: 1.3; font-variant-numeric: tabular-nums; }
.vl-close li[data-same="true"] { border-color: var(--vl-right); }
.vl-close canvas { display: block; width: 100%; }
.vl-close small { display: block; color: var(--vl-soft); font-size: 11px; }
.vl-legend { display: flex; flex-wrap: wrap; gap: 3px 12px; margin: 8px 0 0; font-size: 12px; }
.vl-legend span { display: inline-flex; gap: 5px; align-items: center; }
.vl-legend i { width: 11px; height: 11px; border-radius: 2px; }
.vl-legend [data-unseen="true"] i { outline: 1.5px solid var(--vl-ink); outline-offset: 1.5px; }
"""


class Triplet(NamedTuple):
    """An anchor with its farthest positive and its nearest negative.

    Attributes
    ----------
    positive, negative : int
        Which digits.
    to_positive, to_negative : float
        Squared distances from the anchor.
    loss : float
    """

    positive: int
    negative: int
    to_positive: float
    to_negative: float
    loss: float


class EmbeddingExplorer(Explorer):
    """Walk among digits in the plane: choose one, see its neighbours, and move the clock of the training.

    Parameters
    ----------
    images : numpy.ndarray
        Of shape (N, H, H), uint8, or floats from 0 to 1.
    labels : array of int
        Digits, of shape (N,).
    snapshots : array
        Where the digits were, after some steps of the training: of shape (T, N, 2).
    steps : sequence of int, optional
        After how many steps; by default 0 … T − 1.
    unseen : sequence of int
        Digits that the training has not used.
    margin : float
        α of the triplet loss.
    anchor : int
        Which digit is chosen.
    at : int
        Which snapshot is shown; negative counts from the last.

    Attributes
    ----------
    anchor, at : int
        In step with the browser, readable and settable.
    neighbours : list of tuple of int and float
        The nearest six, with their distances, nearest first. Read only.
    triplet : Triplet
        Read only.
    right : tuple of float
        Share of the digits whose nearest neighbour is the same digit: of those the training has used, and of those
        it hasn't (nan if there are none). Read only.

    Examples
    --------
    >>> places = np.array([[[0.0, 0], [0.1, 0], [0, 0.3], [5, 5]]])
    >>> explorer = EmbeddingExplorer(np.zeros((4, 28, 28)), [3, 3, 8, 8], places)
    >>> explorer.neighbours[0][0], round(explorer.triplet.loss, 2)
    (1, 0.92)
    """

    _esm = browser_module("drawing.js", "embedding_explorer.js")
    _css = style_sheet() + _CSS

    anchor = Whole(0, 0).tag(sync=True)
    at = Whole(0, 0).tag(sync=True)

    # What the browser needs and cannot know: never set from there.
    _pixels = traitlets.Bytes().tag(sync=True)  # N·H·H
    _places = traitlets.Bytes().tag(sync=True)  # float32, T·N·2
    _about = traitlets.Dict().tag(sync=True)

    def __init__(self, images, labels, snapshots, *, steps=None, unseen=(), margin=1.0, anchor=0, at=-1):
        images, labels = np.asarray(images), np.asarray(labels)
        snapshots = np.asarray(snapshots, np.float32)
        if images.ndim != 3 or images.shape[1] != images.shape[2]:
            raise ValueError(f"images has the shape {images.shape}: it must be (N, H, H)")
        if snapshots.ndim != 3 or snapshots.shape[1:] != (len(images), 2) or labels.shape != (len(images),):
            raise ValueError(
                f"{len(images)} images, labels of shape {labels.shape}, snapshots of shape {snapshots.shape}: they "
                f"must be ({len(images)},) and (T, {len(images)}, 2)"
            )
        if not np.isfinite(snapshots).all():
            raise ValueError("snapshots holds numbers that are not finite: the training has diverged")
        if not np.isin(labels, range(10)).all():
            raise ValueError("labels must be digits, 0 … 9")
        steps = list(range(len(snapshots))) if steps is None else [int(step) for step in steps]
        if len(steps) != len(snapshots):
            raise ValueError(f"{len(steps)} steps but {len(snapshots)} snapshots")
        self._images = images if images.dtype == np.uint8 else np.round(255 * images).astype(np.uint8)
        self._labels, self._snapshots, self._margin = labels.astype(int), snapshots, float(margin)
        self._unseen = sorted({int(digit) for digit in unseen})
        super().__init__(anchor=anchor, at=at % len(snapshots) if -len(snapshots) <= at < 0 else at)
        self._pixels, self._places = self._images.tobytes(), snapshots.tobytes()
        self._about = {
            "labels": self._labels.tolist(), "steps": steps, "unseen": self._unseen, "margin": self._margin,
            "colours": list(COLOURS), "side": images.shape[1],
            "right": [[None if np.isnan(share) else share for share in self._share(one)] for one in snapshots],
        }  # fmt: skip

    @traitlets.validate("anchor", "at")
    def _within(self, proposal):
        name, count = (
            proposal["trait"].name,
            len(self._images if proposal["trait"].name == "anchor" else self._snapshots),
        )
        if proposal["value"] >= count:
            raise traitlets.TraitError(f"{name} is {proposal['value']}: there are {count}, counted from 0")
        return proposal["value"]

    def _share(self, places):
        squared = ((places[:, None] - places) ** 2).sum(axis=2)
        np.fill_diagonal(squared, np.inf)
        same = self._labels[squared.argmin(axis=1)] == self._labels
        new = np.isin(self._labels, self._unseen)
        return tuple(float(same[group].mean()) if group.any() else float("nan") for group in (~new, new))

    def _squared(self):
        places = self._snapshots[self.at].astype(float)
        return ((places - places[self.anchor]) ** 2).sum(axis=1)

    @property
    def neighbours(self):
        """The nearest six, with their distances, nearest first."""
        squared = self._squared()
        squared[self.anchor] = np.inf
        order = np.argsort(squared, kind="stable")[: min(NEIGHBOURS, len(squared) - 1)]
        return [(int(i), float(np.sqrt(squared[i]))) for i in order]

    @property
    def triplet(self):
        """The anchor's farthest positive, nearest negative, and the loss of this triplet; None if there is none."""
        squared, same = self._squared(), self._labels == self._labels[self.anchor]
        if same.all() or same.sum() < 2:
            return None
        positive = int(np.where(same, squared, -np.inf).argmax())
        negative = int(np.where(same, np.inf, squared).argmin())
        to_positive, to_negative = float(squared[positive]), float(squared[negative])
        return Triplet(positive, negative, to_positive, to_negative, max(0.0, to_positive - to_negative + self._margin))

    @property
    def right(self):
        """Share of the digits whose nearest neighbour is the same digit: used in training, and not."""
        return self._share(self._snapshots[self.at])

    # For readers without a kernel

    def _named(self):
        digit = self._labels[self.anchor]
        return f"an {digit}" if digit == 8 else f"a {digit}"

    def _description(self):
        seen, new = self.right
        unseen = " and ".join(map(str, self._unseen))
        words = f"; of those it has not, {unseen}, {100 * new:.0f} %" if self._unseen else ""
        near = ", ".join(str(self._labels[i]) for i, _ in self.neighbours)
        return (
            f"{len(self._images)} handwritten digits in a plane, before the training in one heap and after "
            f"{self._about['steps'][self.at]} steps. Then the nearest neighbour of {100 * seen:.0f} % of the digits "
            f"that the training has used is the same digit{words}. The chosen digit is {self._named()}; its "
            f"nearest are {near}."
        )

    def _raster(self, places, width=760, height=680, size=28):
        """The digits in their colours on white, the chosen one framed."""
        low, high = places.min(axis=0), places.max(axis=0)
        scale = min((width - 2 * size) / max(high[0] - low[0], 1e-9), (height - 2 * size) / max(high[1] - low[1], 1e-9))
        page = np.full((height, width, 3), 255.0)
        centre = (low + high) / 2
        order = [*np.flatnonzero(np.arange(len(places)) != self.anchor), self.anchor]
        for i in order:
            column = int(width / 2 + (places[i, 0] - centre[0]) * scale - size / 2)
            row = int(height / 2 - (places[i, 1] - centre[1]) * scale - size / 2)
            picks = np.arange(size) * self._images.shape[1] // size
            ink = self._images[i][np.ix_(picks, picks)][..., None] / 255
            colour = np.array([int(COLOURS[self._labels[i]][k : k + 2], 16) for k in (1, 3, 5)])
            patch = page[row : row + size, column : column + size]
            patch[:] = patch * (1 - ink) + colour * ink
            if i == self.anchor:
                patch[:2] = patch[-2:] = patch[:, :2] = patch[:, -2:] = 0
        return page.astype(np.uint8)

    def _figure(self):
        fig, axes = plt.subplots(1, 2, figsize=(9.2, 4.5))
        for ax, at in zip(axes, (0, self.at), strict=True):
            ax.imshow(self._raster(self._snapshots[at]))
            step = self._about["steps"][at]
            ax.set_title("before the training" if step == 0 else f"after {step} steps", fontsize=11)
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
            ax.spines[:].set_visible(True)
        near = ", ".join(str(self._labels[i]) for i, _ in self.neighbours)
        fig.supxlabel(
            f"Framed: {self._named()}; its nearest: {near}. In JupyterLab, choose any digit and move the clock.",
            fontsize=9, color=plots.GREY, x=0.01, ha="left",
        )  # fmt: skip
        return fig
