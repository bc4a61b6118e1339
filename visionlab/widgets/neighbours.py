"""Nearest neighbours on the embedded images: who they are, how they vote, and whether the vote is right."""

import base64
import functools
import io

import numpy as np
import traitlets
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from PIL import Image

from visionlab import datasets, plots
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

DISTANCES = ("L2", "L1", "cosine")
FEATURES = ("pixels", "HOG")
MOST_NEIGHBOURS = 25
TEST_IMAGES = 1000
_CELL = {"mnist": 7, "fashion_mnist": 7, "cifar10": 8}  # side of the HOG cells: four cells a side

_CSS = """
.vl-neighbours {
  display: flex;
  flex-wrap: wrap; /* in a narrow cell the neighbours come below the new image */
  gap: 10px 22px;
  margin: 14px 0 6px;
}
.vl-query {
  flex: 1 1 150px;
  max-width: 190px;
}
.vl-found {
  flex: 50 1 340px;
}
.vl-neighbours h4 {
  margin: 0 0 6px;
  font-size: 13px;
  font-weight: 600;
  color: var(--vl-ink);
}
.vl-neighbours img {
  display: block;
  width: 100%;
  aspect-ratio: 1;
  border-radius: 3px;
  background: #000;
  image-rendering: pixelated;
}
.vl-query img {
  width: 128px;
}
.vl-near {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(74px, 1fr));
  gap: 8px;
  margin: 0;
  padding: 0;
  list-style: none;
}
.vl-near li {
  margin: 0;
  padding: 2px;
  border: 2px solid var(--vl-wrong);
  border-radius: 6px;
  font-size: 11.5px;
  line-height: 1.35;
  text-align: center;
  overflow-wrap: anywhere;
}
.vl-near li[data-same="true"] {
  border-color: var(--vl-right);
}
.vl-near small {
  display: block;
  font-size: 11px;
  color: var(--vl-soft);
  font-variant-numeric: tabular-nums;
}
.vl-votes {
  display: grid;
  grid-template-columns: max-content 1fr max-content;
  gap: 2px 8px;
  align-items: center;
  margin-top: 10px;
  font-size: 12px;
  font-variant-numeric: tabular-nums;
}
.vl-votes i {
  display: block;
  height: 10px;
  min-width: 2px;
  border-radius: 2px;
  background: var(--vl-wrong);
}
.vl-votes i[data-same="true"] {
  background: var(--vl-right);
}
.vl-said[data-right="true"] b {
  color: var(--vl-right);
}
.vl-said[data-right="false"] b {
  color: var(--vl-wrong);
}
"""


def hog_features(images, cell=None, orientations=9, block=2):
    """Histograms of oriented gradients of many images at once: the numbers of `skimage.feature.hog`.

    Parameters
    ----------
    images : numpy.ndarray
        Of shape (N, H, W) or (N, H, W, C); of several channels each pixel's strongest gradient counts.
    cell : int, optional
        Side of a cell in pixels; by default a quarter of the image's height.
    orientations : int
        Bins from 0° to 180°.
    block : int
        Cells a side of the blocks that are normalised together.

    Returns
    -------
    numpy.ndarray
        Of shape (N, blocks down · blocks across · block² · orientations).

    Examples
    --------
    >>> hog_features(datasets.load("mnist", split="test", subset=3).images).shape
    (3, 324)
    """
    x = np.asarray(images, dtype=np.float64)
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4:
        raise ValueError(f"images of shape {np.shape(images)}: expected (N, H, W) or (N, H, W, C)")
    cell = cell or x.shape[1] // 4
    down, across = np.zeros_like(x), np.zeros_like(x)
    down[:, 1:-1] = x[:, 2:] - x[:, :-2]
    across[:, :, 1:-1] = x[:, :, 2:] - x[:, :, :-2]
    strength = np.hypot(down, across)
    strongest = strength.argmax(axis=-1)[..., None]
    down, across, strength = (np.take_along_axis(a, strongest, axis=-1)[..., 0] for a in (down, across, strength))
    angle = np.rad2deg(np.arctan2(down, across)) % 180
    bins = np.minimum((angle * orientations / 180).astype(int), orientations - 1)
    count, rows, columns = len(x), x.shape[1] // cell, x.shape[2] // cell
    if rows < block or columns < block:
        raise ValueError(f"cells of {cell} pixels leave {rows}×{columns} cells: a block needs {block}×{block}")
    histograms = np.empty((count, rows, columns, orientations))
    for bin_ in range(orientations):
        part = (strength * (bins == bin_))[:, : rows * cell, : columns * cell]
        histograms[..., bin_] = part.reshape(count, rows, cell, columns, cell).mean(axis=(2, 4))
    blocks = []
    for i in range(rows - block + 1):
        for j in range(columns - block + 1):
            one = histograms[:, i : i + block, j : j + block].reshape(count, -1)
            blocks.append(_normalised(np.minimum(_normalised(one), 0.2)))
    return np.concatenate(blocks, axis=1)


def _normalised(rows):
    return rows / np.sqrt((rows**2).sum(axis=1, keepdims=True) + 1e-10)


@functools.cache
def _data(name, split):
    return datasets.load(name, split=split)


@functools.cache
def _described(name, split, features):
    """The features of all images of a split, one row an image; float32, to be quick."""
    images = _data(name, split).images
    if features == "HOG":
        return hog_features(images, cell=_CELL[name]).astype(np.float32)
    return images.reshape(len(images), -1).astype(np.float32) / 255


@functools.cache
def _lengths(name, features):
    return np.linalg.norm(_described(name, "train", features), axis=1)


def _distances(name, index, distance, features):
    known, query = _described(name, "train", features), _described(name, "test", features)[index]
    if distance == "L1":
        return np.abs(known - query).sum(axis=1)
    if distance == "L2":
        return np.sqrt(((known - query) ** 2).sum(axis=1))
    return 1 - known @ query / np.maximum(_lengths(name, features) * np.linalg.norm(query), 1e-12)


def vote(labels, classes):
    """Count the votes of neighbours; a tie goes to the class whose first member is nearest.

    Parameters
    ----------
    labels : sequence of int
        The neighbours' labels, nearest first.
    classes : int
        How many classes there are.

    Returns
    -------
    winner : int
    votes : list of int
        One number a class.

    Examples
    --------
    >>> vote([9, 4, 4, 9, 1], classes=10)
    (9, [0, 1, 0, 0, 2, 0, 0, 0, 0, 2])
    """
    votes = np.bincount(labels, minlength=classes).tolist()
    return next(int(label) for label in labels if votes[label] == max(votes)), votes


@functools.lru_cache(maxsize=4096)
def _picture(name, split, index):
    buffer = io.BytesIO()
    Image.fromarray(_data(name, split).images[index]).save(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


class NeighboursExplorer(Explorer):
    """See the training images that are nearest to a test image, and how they vote.

    Choose the test image with the slider or the buttons; *Next mistake* looks for the next one that the vote gets
    wrong.

    Parameters
    ----------
    data : {"mnist", "cifar10", "fashion_mnist"}
        Whose embedded images: the neighbours come from the training part, the image in question from the test part.
    index : int
        Which test image, 0 … 999.
    k : int
        How many neighbours vote, 1 … 25.
    distance : {"L2", "L1", "cosine"}
    features : {"pixels", "HOG"}
        What is compared: the pixels, or histograms of oriented gradients in 4×4 cells.

    Attributes
    ----------
    data, index, k, distance, features
        As above; in step with the browser, readable and settable.
    label, prediction : str
        The true class, and that which most neighbours vote for. Read only.
    right : bool
        Whether they are the same. Read only.
    votes : list of int
        One number a class. Read only.
    neighbours : list of dict
        Nearest first: "index" in the training part, "label", "distance", "image" (a PNG as data URI). Read only.

    Examples
    --------
    >>> explorer = NeighboursExplorer(index=14, k=3)
    >>> explorer.label, explorer.prediction, explorer.right
    ('4', '4', True)
    >>> explorer.next_mistake()
    >>> explorer.right
    False
    """

    _esm = browser_module("drawing.js", "neighbours.js")
    _css = style_sheet() + _CSS

    data = Choice(("mnist", "cifar10", "fashion_mnist")).tag(sync=True)
    index = Whole(0, 0, TEST_IMAGES - 1).tag(sync=True)
    k = Whole(5, 1, MOST_NEIGHBOURS).tag(sync=True)
    distance = Choice(DISTANCES).tag(sync=True)
    features = Choice(FEATURES).tag(sync=True)

    label = traitlets.Unicode(read_only=True)
    prediction = traitlets.Unicode(read_only=True)
    right = traitlets.Bool(read_only=True)
    votes = traitlets.List(read_only=True)
    neighbours = traitlets.List(read_only=True)
    _state = traitlets.Dict().tag(sync=True)  # what the browser draws, in one piece

    def __init__(self, data="mnist", *, index=0, k=5, distance="L2", features="pixels"):
        super().__init__(data=data, index=index, k=k, distance=distance, features=features)
        self.observe(self._changed, ["data", "index", "k", "distance", "features"])
        self.on_msg(self._asked)
        self._changed()

    def _order(self, index):
        far = _distances(self.data, index, self.distance, self.features)
        first = np.argpartition(far, MOST_NEIGHBOURS)[: MOST_NEIGHBOURS + 1]
        # in the order of distance, ties in the order of the training set
        return first[np.lexsort((first, far[first]))], far

    def _judged(self, index):
        order, _ = self._order(index)
        labels = _data(self.data, "train").labels
        winner, _ = vote(labels[order[: self.k]], len(_data(self.data, "train").classes))
        return winner == _data(self.data, "test").labels[index]

    def _changed(self, _=None):
        train, test = _data(self.data, "train"), _data(self.data, "test")
        order, far = self._order(self.index)
        found = order[: self.k]
        winner, votes = vote(train.labels[found], len(train.classes))
        truth = int(test.labels[self.index])
        neighbours = [
            {
                "index": int(i),
                "label": train.classes[train.labels[i]],
                "distance": round(float(far[i]), 3),
                "image": _picture(self.data, "train", int(i)),
            }
            for i in found
        ]
        state = {
            "label": test.classes[truth],
            "prediction": train.classes[winner],
            "right": winner == truth,
            "votes": votes,
            "neighbours": neighbours,
        }
        for name, value in state.items():
            self.set_trait(name, value)
        self._state = state | {
            "index": self.index,
            "image": _picture(self.data, "test", self.index),
            "classes": list(train.classes),
        }

    def next_mistake(self):
        """Go to the next test image that the vote gets wrong; stay if there is none."""
        for step in range(1, TEST_IMAGES):
            index = (self.index + step) % TEST_IMAGES
            if not self._judged(index):
                self.index = index
                return

    def _asked(self, _, content, __):
        if content == "next mistake":
            self.next_mistake()

    def _description(self):
        names = _data(self.data, "train").classes
        counted = sorted(zip(self.votes, names, strict=True), key=lambda pair: -pair[0])
        said = ", ".join(f"{name} {n}" for n, name in counted if n)
        return (
            f"Test image {self.index} of {self.data}, a {self.label}, and its {self.k} nearest training images by "
            f"{self.distance} distance of {self.features}. Votes: {said}. The vote says {self.prediction}, which is "
            f"{'right' if self.right else 'wrong'}."
        )

    def _figure(self):
        train, test = _data(self.data, "train"), _data(self.data, "test")
        columns = 10
        rows = -(-self.k // columns)
        fig = plt.figure(figsize=(9.2, 0.7 + max(1.33, 1.02 * rows - 0.05)), layout="none")
        height = fig.get_figheight()

        def place(image, left, top, side, words, colour=None, size=9):
            ax = fig.add_axes((left / 9.2, (top - side) / height, side / 9.2, side / height))
            ax.imshow(image, cmap="gray", vmin=0, vmax=255)
            ax.axis("off")
            if colour:
                ax.add_patch(
                    Rectangle((0, 0), 1, 1, transform=ax.transAxes, fill=False, ec=colour, lw=4, clip_on=False)
                )
            fig.text((left + side / 2) / 9.2, (top - side - 0.05) / height, words, ha="center", va="top", fontsize=size)

        top = height - 0.42
        place(test.images[self.index], 0.05, top, 1.05, f"new: {self.label}", size=10)
        for at, neighbour in enumerate(self.neighbours):
            row, column = divmod(at, columns)
            colour = plots.GREEN if neighbour["label"] == self.label else plots.VERMILLION
            place(
                train.images[neighbour["index"]],
                1.6 + 0.76 * column,
                top - 1.02 * row,
                0.62,
                neighbour["label"],
                colour,
            )
        verdict = "right" if self.right else f"wrong: it is {self.label}"
        fig.text(
            0.05 / 9.2, (height - 0.2) / height, fontsize=11, va="center",
            s=f"{self.k} nearest by {self.distance} of {self.features}: {max(self.votes)} of {self.k} votes "
            f"for {self.prediction}, {verdict}",
        )  # fmt: skip
        caption = (
            "In JupyterLab this picture is live: choose the image, k, the distance and the features. "
            "Green: same class; orange: another."
        )
        fig.text(0.05 / 9.2, 0.08 / height, caption, fontsize=9, color=plots.GREY)
        return fig
