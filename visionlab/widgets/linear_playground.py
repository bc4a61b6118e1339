"""A linear classifier in the plane that trains while one drags its points: scores, regions, loss and its curve."""

import math
import numbers

import numpy as np
import traitlets
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

REACH = 3.0  # the plane goes from −3 to 3
MOST_POINTS = 90
MOST_KEPT = 240  # values of the loss curve
TOO_LARGE = 1e6  # a loss that has exploded
COLOURS = (plots.BLUE, plots.ORANGE, plots.GREEN)
MARKS = ("o", "s", "^")
START = (
    ((-1.6, 1.2), (-1.1, 0.6), (-0.8, 1.5), (-1.9, 0.4), (-0.4, 0.9), (-1.3, 1.9), (-0.2, -0.3)),
    ((1.5, 1.4), (0.9, 0.7), (1.9, 0.6), (1.2, 2.0), (0.6, 1.3), (2.1, 1.6), (0.1, 0.5)),
    ((0.2, -1.6), (-0.6, -1.2), (0.8, -1.1), (0.1, -0.9), (-0.2, -2.1), (1.2, -1.9), (0.9, 0.2)),
)

_CSS = """
.vl-roomy .vl-slider { flex-basis: 150px; column-gap: 8px; }
.vl-plane { display: flex; flex-wrap: wrap; gap: 14px 22px; align-items: flex-start; margin-top: 12px; }
.vl-plane .vl-stage { flex: 0 1 430px; width: 430px; max-width: 100%; aspect-ratio: 1; margin: 0; cursor: crosshair;
  border: 1px solid var(--vl-rule); border-radius: 6px; overflow: hidden; touch-action: none; }
.vl-plane .vl-stage canvas { inset: 0; width: 100%; height: 100%; image-rendering: auto; }
.vl-plane .vl-stage > svg { height: 100%; overflow: hidden; }
.vl-plane .vl-side { flex: 1 1 260px; min-width: 240px; }
.vl-plane .vl-side svg { display: block; width: 100%; max-width: 380px; height: auto; margin-top: 10px; }
.vl-plane .vl-side text { fill: var(--vl-soft); font: 12px var(--jp-ui-font-family, system-ui, sans-serif); }
.vl-plane .vl-axis { fill: none; stroke: var(--vl-rule); stroke-width: 1; }
.vl-plane .vl-curve { fill: none; stroke: var(--vl-accent); stroke-width: 2; stroke-linejoin: round; }
.vl-plane .vl-point { stroke: var(--vl-paper); stroke-width: 1.2; cursor: grab; }
.vl-dark .vl-plane .vl-point { stroke: #fff; }
.vl-plane .vl-arrow-ground { stroke: var(--vl-paper); stroke-width: 5.5; fill: none; stroke-linejoin: round; }
.vl-plane + .vl-note { min-height: 1.45em; }
.vl-plane .vl-ring { fill: none; stroke: var(--vl-ink); stroke-width: 1.4; }
.vl-plane .vl-chosen-point { fill: none; stroke: var(--vl-ink); stroke-width: 1.6; stroke-dasharray: 3 2; }
.vl-plane .vl-zero { stroke-width: 1.6; fill: none; }
.vl-plane .vl-arrow { stroke-width: 3; fill: none; stroke-linecap: round; stroke-linejoin: round; }
.vl-plane .vl-removes { cursor: not-allowed; }
.vl-numbers { margin: 4px 0 0; font-variant-numeric: tabular-nums; }
.vl-numbers b { font-size: 17px; font-weight: 600; }
.vl-numbers div { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; }
.vl-numbers span { color: var(--vl-soft); }
"""


class _Amount(traitlets.Float):
    """A number within limits; errors say what is allowed."""

    def __init__(self, default, least, most, **options):
        super().__init__(default, **options)
        self.least, self.most = least, most

    def validate(self, obj, value):
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or not self.least <= value <= self.most:
            raise traitlets.TraitError(
                f"{self.name} is {value!r}: it must be a number from {self.least:g} to {self.most:g}"
            )
        return float(value)


class _Table(traitlets.List):
    """Rows of two numbers, such as points; arrays are welcome, and errors say which row is wrong."""

    def __init__(self, most, reach=math.inf, **options):
        super().__init__(**options)
        self.most, self.reach = most, reach

    def validate(self, obj, value):
        name = self.name or "points"
        rows = value.tolist() if hasattr(value, "tolist") else value
        if not isinstance(rows, list | tuple) or len(rows) > self.most:
            raise traitlets.TraitError(f"{name} must be a list of at most {self.most} pairs of numbers")
        for number, row in enumerate(rows):
            if not isinstance(row, list | tuple) or len(row) != 2 or not all(isinstance(v, numbers.Real) for v in row):
                raise traitlets.TraitError(f"{name}[{number}] is {row!r}: it must be two numbers")
            if not all(abs(v) <= self.reach for v in row):
                raise traitlets.TraitError(
                    f"{name}[{number}] is {row!r}: both numbers must lie between −{self.reach:g} and {self.reach:g}"
                )
        return [[float(v) for v in row] for row in rows]


class _Labels(traitlets.List):
    """Classes of the points, counted from 0."""

    def validate(self, obj, value):
        labels = value.tolist() if hasattr(value, "tolist") else list(value)
        classes = len(obj.names) if obj is not None else 3
        for number, label in enumerate(labels):
            if isinstance(label, bool) or label not in range(classes):
                raise traitlets.TraitError(
                    f"labels[{number}] is {label!r}: it must be one of {', '.join(map(str, range(classes)))}"
                )
        return [int(label) for label in labels]


class LinearPlayground(Explorer):
    """Train a linear classifier on points of the plane, in the browser, and change everything while it learns.

    Points are dragged with the mouse; a click on an empty place adds one, and in the setting "removes" a click takes
    one away. By keyboard: focus the plane, choose a point with Page Up and Page Down, move it with the arrow keys,
    remove it with Delete, add one with Enter.

    Parameters
    ----------
    points : array of shape (N, 2), optional
        Within −3 … 3, at most 90; by default 21 points of three classes that overlap a little.
    labels : sequence of int, optional
        The class of each point, counted from 0.
    names : sequence of str
        Names of the two or three classes.
    loss_kind : {"softmax", "hinge"}
    strength : float
        λ of the regularisation λ ΣW², 0 … 10; the biases are left out of it.
    rate : float
        The learning rate η, 0 … 3.

    Attributes
    ----------
    points, labels, names, loss_kind, strength, rate
        As above; in step with the browser, readable and settable.
    weights : list
        One row of two weights for each class; `biases` has one number for each. Both start at 0.
    steps : int
        Steps of gradient descent made so far.
    history : list of [step, loss]
        The curve; thinned out when it grows long.
    running : bool
        Whether the browser is training.
    loss, data_loss, accuracy : float
        For the present weights; computed in Python. Read only.

    Examples
    --------
    >>> playground = LinearPlayground(strength=0.01)
    >>> round(playground.loss, 3)  # untrained: ln 3
    1.099
    >>> playground.descend(200)
    >>> playground.loss < 0.6, playground.steps
    (True, 200)
    """

    _esm = browser_module("drawing.js", "linear_playground.js")
    _css = style_sheet() + _CSS

    names = traitlets.List(traitlets.Unicode(), ["0", "1", "2"]).tag(sync=True)
    points = _Table(MOST_POINTS, REACH).tag(sync=True)
    labels = _Labels().tag(sync=True)
    loss_kind = Choice(("softmax", "hinge")).tag(sync=True)
    strength = _Amount(0.01, 0, 10).tag(sync=True)
    rate = _Amount(0.1, 0, 3).tag(sync=True)
    weights = _Table(3).tag(sync=True)
    biases = traitlets.List(traitlets.Float()).tag(sync=True)
    steps = Whole(0, 0).tag(sync=True)
    history = traitlets.List().tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, points=None, labels=None, *, names=("A", "B", "C"), loss_kind="softmax", strength=0.01, rate=0.1
    ):
        names = [str(name) for name in names]
        if len(names) not in (2, 3):
            raise ValueError(f"names has {len(names)} entries: give the names of two or three classes")
        if (points is None) != (labels is None):
            raise ValueError("give points and labels together, or neither")
        if points is None:
            points = [place for group in START[: len(names)] for place in group]
            labels = [k for k, group in enumerate(START[: len(names)]) for _ in group]
        if len(points) != len(labels):
            raise ValueError(f"{len(points)} points but {len(labels)} labels")
        # Names first: the labels are compared with them.
        super().__init__(names=names)
        self.points, self.labels = points, labels
        self.loss_kind, self.strength, self.rate = loss_kind, strength, rate
        self.reset()

    def reset(self):
        """Forget what was learned: all weights and biases become 0."""
        self.running = False
        classes = len(self.names)
        self.weights, self.biases, self.steps = [[0.0, 0.0]] * classes, [0.0] * classes, 0
        self.history = [[0, self.loss]]

    @property
    def loss(self):
        """The loss of all points and the regularisation."""
        return self._evaluate()[0]

    @property
    def data_loss(self):
        """The loss without the regularisation."""
        return self._evaluate()[1]

    @property
    def accuracy(self):
        """Share of points whose class has the highest score; NaN if there is no point."""
        x, y = self._data()
        if not len(y):
            return math.nan
        return float((self._scores(x).argmax(axis=1) == y).mean())

    def descend(self, steps):
        """Do some steps of gradient descent here instead of in the browser.

        Parameters
        ----------
        steps : int
        """
        history = list(self.history)
        weights, biases = np.array(self.weights), np.array(self.biases)
        for step in range(self.steps + 1, self.steps + steps + 1):
            _, _, slope, bias_slope = self._evaluate(weights, biases)
            weights, biases = weights - self.rate * slope, biases - self.rate * bias_slope
            loss = self._evaluate(weights, biases)[0]
            _keep(history, step, loss)
            if not loss < TOO_LARGE:
                break
        self.weights, self.biases, self.steps, self.history = weights, biases.tolist(), step, history

    def _data(self):
        many = min(len(self.points), len(self.labels))
        return np.array(self.points[:many]).reshape(-1, 2), np.array(self.labels[:many], dtype=int)

    def _scores(self, places):
        return places @ np.array(self.weights).T + np.array(self.biases)

    def _evaluate(self, weights=None, biases=None):
        """Loss, data loss, and the gradient with respect to weights and biases."""
        weights = np.array(self.weights) if weights is None else weights
        biases = np.array(self.biases) if biases is None else biases
        x, y = self._data()
        scores, rows = x @ weights.T + biases, np.arange(len(y))
        if self.loss_kind == "softmax":
            shifted = scores - scores.max(axis=1, keepdims=True)
            total = np.exp(shifted).sum(axis=1, keepdims=True)
            each = np.log(total[:, 0]) - shifted[rows, y]
            slope = np.exp(shifted) / total
            slope[rows, y] -= 1
        else:
            margins = scores - scores[rows, y][:, None] + 1
            margins[rows, y] = 0
            each = margins.clip(min=0).sum(axis=1)
            slope = (margins > 0).astype(float)
            slope[rows, y] = -slope.sum(axis=1)
        many = max(1, len(y))
        data = each.sum() / many
        penalty = self.strength * (weights**2).sum()
        return (
            float(data + penalty),
            float(data),
            slope.T @ x / many + 2 * self.strength * weights,
            slope.sum(0) / many,
        )

    def draw(self, ax):
        """Draw points, regions, and each class's line and arrow.

        Parameters
        ----------
        ax : matplotlib.axes.Axes
        """
        side = np.linspace(-REACH, REACH, 151)
        scores = np.sort(self._scores(np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)), axis=1)
        best = self._scores(np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)).argmax(axis=1)
        margin = (scores[:, -1] - scores[:, -2]).clip(0, 1)
        alpha = np.where(margin > 1e-9, 0.08 + 0.4 * margin, 0)[:, None]
        ink = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in COLOURS])[best]
        picture = (ink * alpha + 1 - alpha).reshape(151, 151, 3)
        ax.imshow(picture, origin="lower", extent=(-REACH, REACH, -REACH, REACH), interpolation="bilinear")
        for (w0, w1), bias, colour in zip(self.weights, self.biases, COLOURS, strict=False):
            size = math.hypot(w0, w1)
            if size < 1e-6:
                continue
            normal = np.array([w0, w1]) / size
            foot, along = -bias / size * normal, np.array([-normal[1], normal[0]])
            ax.plot(*np.stack([foot - 20 * along, foot + 20 * along]).T, color=colour, lw=1.1)
            tip = foot + min(1.8, 0.5 * size) * normal
            ax.annotate("", tip, foot, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0})
        x, y = self._data()
        right = self._scores(x).argmax(axis=1) == y
        for k, (colour, mark) in enumerate(zip(COLOURS, MARKS, strict=True)):
            ax.plot(*x[y == k].T, mark, color=colour, ms=6.5, mec="white", mew=0.8)
        ax.plot(*x[~right].T, "o", ms=11, mfc="none", mec=plots.BLACK, mew=1)
        ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
        ax.grid(False)

    def _description(self):
        counts = ", ".join(
            f"{self.labels.count(k)} of class {name} ({word})"
            for k, (name, word) in enumerate(zip(self.names, ("blue", "orange", "green"), strict=False))
        )
        return (
            f"Points in a plane, {counts}, and the regions of a linear classifier after {self.steps} steps of gradient "
            f"descent with the {self.loss_kind} loss and λ = {self.strength:g}: loss {self.loss:.2f}, of which "
            f"{self.data_loss:.2f} are data loss."
        )

    def _figure(self):
        fig = plt.figure(figsize=(8.6, 4.3), layout="none")
        plane = fig.add_axes((0.04, 0.16, 0.41, 0.8))
        self.draw(plane)
        plane.set_xticks(range(-3, 4))
        curve = fig.add_axes((0.56, 0.16, 0.4, 0.44))
        curve.plot(*np.array(self.history).T, color=plots.BLUE)
        curve.set(xlabel="step", ylim=(0, None))
        curve.set_title("loss", fontsize=11)
        right = round(self.accuracy * len(self._data()[1])) if self.points else 0
        words = [
            f"{self.loss_kind} loss, λ = {self.strength:g}, learning rate {self.rate:g}",
            f"loss {self.loss:.3f} = data {self.data_loss:.3f} + λ ΣW² {self.loss - self.data_loss:.3f}",
            f"{right} of {len(self._data()[1])} points right",
        ]
        for line, word in enumerate(words):
            fig.text(0.56, 0.92 - 0.065 * line, word, fontsize=11)
        legend = [(f"{mark} {name}", ink) for mark, name, ink in zip("●■▲", self.names, COLOURS, strict=False)]
        at = 0.56
        for word, ink in [*legend, ("○ wrong", plots.BLACK)]:
            fig.text(at, 0.71, word, fontsize=10, color=ink)
            at += 0.04 + 0.011 * len(word)
        caption = (
            "In JupyterLab this trains live: drag points, click to add some, change λ, η and the loss as it learns."
        )
        fig.text(0.04, 0.015, caption, fontsize=8, color=plots.GREY)
        return fig


def _keep(history, step, loss):
    """Add a value to the curve; drop every second one when there are too many."""
    stride = history[1][0] - history[0][0] if len(history) > 1 else 1
    if history and step - history[-1][0] < stride:
        return
    history.append([step, float(loss)])
    if len(history) > MOST_KEPT:
        del history[1::2]
