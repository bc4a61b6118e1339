"""Linear classifiers on features from every depth of a network: how good they are, task by task, image by image.

All of them are trained when the widget is made: with the features there, a classifier takes milliseconds. The page gets
their answers and needs no kernel afterwards.
"""

from typing import NamedTuple

import numpy as np
import traitlets
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.datasets import balanced_order
from visionlab.widgets.explorer import Explorer, Whole, browser_module, style_sheet

SHOWN = 24
"""Test images of each task that the page shows."""
STRENGTH = 0.3
"""Of regularisation, as a share of the mean squared length of the centred features."""

_LINES = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.PURPLE)
_DASHES = ("-", "--", "-.", ":")
_CSS = """
.vl-explorer { --vl-line-0: #0072b2; --vl-line-1: #b87a00; --vl-line-2: #00795a; --vl-line-3: #b0548a; }
.vl-explorer.vl-dark { --vl-line-0: #4aa3ff; --vl-line-1: #f0ad1a; --vl-line-2: #2fc79a; --vl-line-3: #e39cc4; }
.vl-transfer { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 8px 18px; }
.vl-transfer figure { margin: 10px 0 0; }
.vl-transfer figcaption { display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 12px; }
.vl-transfer figcaption b { flex: 1 1 100%; font-weight: 600; font-size: 12.5px; }
.vl-transfer figcaption span { display: inline-flex; gap: 5px; align-items: center; color: var(--vl-soft); }
.vl-transfer figcaption svg { width: 24px; height: 8px; }
.vl-transfer .vl-stage { margin: 0; cursor: pointer; }
.vl-thumbs { display: flex; flex-wrap: wrap; gap: 4px; margin: 2px 0 6px; padding: 0; list-style: none;
  align-items: center; }
.vl-thumbs li { margin: 0; width: 62px; font-size: 10.5px; line-height: 1.25; text-align: center; overflow: hidden;
  white-space: nowrap; text-overflow: ellipsis; }
.vl-thumbs canvas { display: block; width: 40px; height: 40px; margin: 0 auto 1px; image-rendering: pixelated;
  border: 3px solid transparent; border-radius: 4px; }
.vl-thumbs li[data-right="true"] canvas { border-color: var(--vl-right); }
.vl-thumbs li[data-right="false"] canvas { border-color: var(--vl-wrong); }
.vl-thumbs li[data-right="false"] { color: var(--vl-wrong); font-weight: 600; }
.vl-transfer-images h4 { margin: 6px 0 0; font-size: 12.5px; font-weight: 600; color: var(--vl-ink); }
"""


class ProbeTask(NamedTuple):
    """Images to learn from and to be tested with, and their features at every depth.

    Attributes
    ----------
    images, test_images : numpy.ndarray
        uint8, (N, H, W) or (N, H, W, 3).
    labels, test_labels : numpy.ndarray
        int, (N,).
    classes : tuple of str
    features, test_features : list of numpy.ndarray
        For each depth (N, D), D its own.
    """

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple
    features: list
    test_features: list


class TransferExplorer(Explorer):
    """How well does a linear classifier do on features from this depth, with that many images of each class?

    Choose the task, the depth and the number of images. One chart shows the accuracy by depth, for all tasks; the other
    by the number of images, for this one; below are the images that it learned from, and what it says to test images.

    Parameters
    ----------
    tasks : dict of str to ProbeTask
        Four at most.
    depths : sequence of str
        What the depths are called, the first being the lowest.
    per_class : sequence of int
        Numbers of training images of each class, rising.
    classifier : function, optional
        Yours: from features (n, D), labels (n,) and new features (m, D) to the labels (m,) that it gives them. By
        default least squares with regularisation, which has a formula.
    reference : dict of str to dict of int to float, optional
        For a task, accuracies to show beside, by the number of training images of each class.
    reference_name : str
        What they are.
    task : str, optional
        The first by default.
    depth, images : int
        Positions in `depths` and `per_class`.

    Attributes
    ----------
    task, depth, images
        As above; in step with the browser, readable and settable.
    accuracies : dict of str to numpy.ndarray
        For each task, (depths, numbers of images).
    accuracy : float
        At the present choice. Read only.

    Raises
    ------
    ValueError
        If a task has not as many features as there are depths, or not enough images.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> noise, signal = rng.normal(size=(40, 5)), labels[:, None] + 0.1 * rng.normal(size=(40, 5))
    >>> pictures = np.zeros((40, 8, 8), np.uint8)
    >>> task = ProbeTask(pictures, labels, pictures, labels, ("a", "b"), [noise, signal], [noise, signal])
    >>> explorer = TransferExplorer({"toy": task}, ["noise", "signal"], per_class=(1, 10), depth=1, images=1)
    >>> explorer.accuracy
    1.0
    """

    _esm = browser_module("drawing.js", "transfer_explorer.js")
    _css = style_sheet() + _CSS

    task = traitlets.Unicode().tag(sync=True)
    depth = Whole(0, 0).tag(sync=True)
    images = Whole(0, 0).tag(sync=True)

    # For the browser: never set from there.
    _about = traitlets.Dict().tag(sync=True)
    _said = traitlets.Bytes().tag(sync=True)  # uint8: the answer to each test image, by task, depth, number
    _pixels = traitlets.Bytes().tag(sync=True)  # by task: a training image of each class, then SHOWN test images

    def __init__(
        self,
        tasks,
        depths,
        *,
        per_class=(1, 2, 5, 10, 20, 50),
        classifier=None,
        reference=None,
        reference_name="fine-tuned",
        task=None,
        depth=0,
        images=0,
    ):
        for name, one in tasks.items():
            if not len(one.features) == len(one.test_features) == len(depths):
                raise ValueError(f"{name!r} has features of {len(one.features)} depths, and there are {len(depths)}.")
            fewest = np.bincount(one.labels, minlength=len(one.classes)).min()
            if fewest < max(per_class):
                raise ValueError(f"{name!r} has {fewest} images of one class, and {max(per_class)} are asked for.")
        self._tasks, self._depths, self._per_class = dict(tasks), list(depths), list(per_class)
        self._reference = reference or {}, reference_name
        self._answers, self.accuracies = {}, {}
        for name, one in tasks.items():
            # A training set of each size: the first images of each class
            order = balanced_order(one.labels)
            sets = [order[: count * len(one.classes)] for count in per_class]
            said = np.array(
                [
                    _fitted(classifier, known, one.labels, sets, new)
                    for known, new in zip(one.features, one.test_features, strict=True)
                ]
            )
            self._answers[name] = said
            self.accuracies[name] = (said == one.test_labels).mean(axis=2)
        super().__init__(task=task or next(iter(tasks)), depth=depth, images=images)
        self._about = self._for_the_page(depths)
        self._said = b"".join(said.astype(np.uint8).tobytes() for said in self._answers.values())
        self._pixels = b"".join(np.ascontiguousarray(part).tobytes() for one in tasks.values() for part in _seen(one))

    @property
    def accuracy(self):
        """Share of the test images that are classified right at the present choice."""
        return float(self.accuracies[self.task][self.depth, self.images])

    @traitlets.validate("task", "depth", "images")
    def _there_is_one(self, proposal):
        value, name = proposal["value"], proposal["trait"].name
        if name == "task" and value not in self._tasks:
            raise traitlets.TraitError(f"task is {value!r}: it must be one of {', '.join(map(repr, self._tasks))}")
        most = {"depth": len(self._depths), "images": len(self._per_class)}.get(name)
        if most is not None and value >= most:
            raise traitlets.TraitError(f"{name} is {value}: there are {most}, counted from 0")
        return value

    def _for_the_page(self, depths):
        reference, reference_name = self._reference
        tasks = [
            {
                "name": name,
                "classes": list(one.classes),
                "labels": one.test_labels.tolist(),
                "shape": [*one.images.shape[1:3], 1 if one.images.ndim == 3 else 3],
                "numbers": [features.shape[1] for features in one.features],
                "accuracy": self.accuracies[name].round(4).tolist(),
                "reference": sorted([int(count), float(value)] for count, value in reference.get(name, {}).items()),
            }
            for name, one in self._tasks.items()
        ]
        about = {"tasks": tasks, "depths": list(depths), "per_class": self._per_class, "shown": SHOWN}
        return about | {"reference_name": reference_name}

    # For readers without a kernel

    def _description(self):
        by_depth = self.accuracies[self.task][:, self.images]
        best = int(by_depth.argmax())
        return (
            f"A linear classifier for {self.task}, trained with {self._per_class[self.images]} images of each class "
            f"on features of depth {self.depth} ({self._depths[self.depth]}): {self.accuracy:.0%} of the test images "
            f"right. By depth the accuracy goes from {by_depth[0]:.0%} ({self._depths[0]}) to {by_depth[-1]:.0%} "
            f"({self._depths[-1]}), with the best, {by_depth[best]:.0%}, at {self._depths[best]}."
        )

    def _figure(self):
        one = self._tasks[self.task]
        fig = plt.figure(figsize=(9.2, 4.5))
        grid = fig.add_gridspec(2, 12, height_ratios=(2.6, 1))
        left, right = fig.add_subplot(grid[0, :7]), fig.add_subplot(grid[0, 7:])
        count = self._per_class[self.images]
        for (name, table), colour, dash in zip(self.accuracies.items(), _LINES, _DASHES, strict=False):
            mine = name == self.task
            left.plot(100 * table[:, self.images], dash, color=colour, lw=2.4 if mine else 1.2, label=name)
            if mine:
                left.plot(self.depth, 100 * self.accuracy, "o", ms=9, mfc="none", mec=plots.VERMILLION, mew=2)
                right.semilogx(self._per_class, 100 * table[self.depth], "o-", color=colour, ms=3)
        left.set_xticks(range(len(self._depths)), self._depths, fontsize=9)
        left.set_title(f"by depth, {count} image{'s' * (count > 1)} of each class", fontsize=11)
        left.legend(fontsize=9, loc="lower right")
        right.plot(count, 100 * self.accuracy, "o", ms=9, mfc="none", mec=plots.VERMILLION, mew=2)
        reference, reference_name = self._reference
        if self.task in reference:
            counts, values = zip(*sorted(reference[self.task].items()), strict=True)
            right.plot(counts, 100 * np.array(values), "s:", color=plots.GREY, ms=4, lw=1.2, label=reference_name)
            right.legend(fontsize=9, loc="lower right")
        right.set_title(f"{self.task}, depth “{self._depths[self.depth]}”", fontsize=11)
        right.set_xlabel("images of each class", fontsize=10)
        right.set_xticks(self._per_class, self._per_class)
        right.minorticks_off()
        left.set_ylabel("test accuracy, %", fontsize=10)
        for ax in (left, right):
            ax.set(ylim=(0, 100))
        for i in range(12):
            ax = fig.add_subplot(grid[1, i])
            said, truth = self._answers[self.task][self.depth, self.images, i], one.test_labels[i]
            ax.imshow(one.test_images[i], vmin=0, vmax=255)
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
            ax.spines[:].set(visible=True, color=plots.GREEN if said == truth else plots.VERMILLION, lw=2.5)
            ax.set_title(one.classes[said][:9], fontsize=8, loc="center")
        note = "In JupyterLab this is live: choose task, depth and number of images. Green: right; orange: wrong."
        fig.supxlabel(note, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig


def _seen(task):
    """A training image of each class, and the test images that are shown."""
    return task.images[balanced_order(task.labels)[: len(task.classes)]], task.test_images[:SHOWN]


def _fitted(classifier, known, labels, sets, new):
    """Train on each of several nested sets; return the answers to the new features, (sets, m)."""
    if classifier:
        return np.array([np.asarray(classifier(known[chosen], labels[chosen], new)) for chosen in sets])
    largest = sets[-1]
    known, new = known[largest].astype(np.float32), new.astype(np.float32)
    inner, outer = known @ known.T, new @ known.T
    answers = []
    for chosen in sets:
        n = len(chosen)
        answers.append(_least_squares(inner[:n, :n], outer[:, :n], labels[chosen]))
    return np.array(answers)


def _least_squares(inner, outer, labels):
    """Regularised least squares towards one-hot labels, from inner products alone: cheap if there are few images.

    Parameters
    ----------
    inner : numpy.ndarray
        (n, n), of the training features with each other.
    outer : numpy.ndarray
        (m, n), of the new features with those.
    labels : numpy.ndarray
        (n,).

    Returns
    -------
    numpy.ndarray
        Labels, (m,).
    """
    count = len(labels)
    means, mean = inner.mean(axis=0), inner.mean()
    outer = outer - outer.mean(axis=1, keepdims=True) - means + mean  # of features minus their mean
    inner = inner - means - means[:, None] + mean
    wanted = np.eye(labels.max() + 1)[labels]
    strength = STRENGTH * max(np.trace(inner) / count, 1e-12)
    shares = np.linalg.solve(inner + strength * np.eye(count), wanted - wanted.mean(axis=0))
    return (outer @ shares + wanted.mean(axis=0)).argmax(axis=1)
