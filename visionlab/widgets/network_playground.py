"""A small network on points in the plane, trained in the browser: how its hidden layers bend the plane.

The browser trains; Python knows the same data, the same first weights and the same steps, for the static picture, for
figures, and so that a test can compare the two.
"""

import math
from itertools import pairwise

import numpy as np
import traitlets
from matplotlib import pyplot as plt
from matplotlib.colors import LinearSegmentedColormap

from visionlab import plots
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

DATASETS = ("circles", "xor", "spiral", "moons", "blobs")
ACTIVATIONS = ("tanh", "relu", "sigmoid", "linear")
VIEWS = ("across the boundary", "principal directions", "two units")
NOISES = (0.0, 0.1, 0.2, 0.3, 0.4)
LAMBDAS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)

_POINTS = 100  # for training, and as many again for the test
_BATCH = 10
_REACH = 1.7  # the plane is drawn from −1.7 to 1.7
_CLASS = (plots.BLUE, "#D07F00")
_BLEND = LinearSegmentedColormap.from_list("classes", [_CLASS[0], "#FFFFFF", _CLASS[1]])
_MASK = 0xFFFFFFFF

_CSS = """
.vl-panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 12px 14px; margin: 12px 0 4px; }
.vl-panels figure { margin: 0; min-width: 0; }
.vl-panels figcaption { font-weight: 600; margin-bottom: 4px; }
.vl-panels canvas { display: block; width: 100%; aspect-ratio: 1; }
.vl-panels .vl-note { min-height: 2.9em; }
.vl-keys { display: flex; flex-wrap: wrap; gap: 2px 18px; font-variant-numeric: tabular-nums; }
.vl-mark { display: inline-block; width: 11px; height: 11px; margin-right: 5px; background: var(--vl-accent); border-radius: 50%; }
.vl-mark[data-class="1"] { background: var(--vl-window); border-radius: 0; }
.vl-mark[data-hollow] { background: none; border: 2px solid var(--vl-soft); }
.vl-line { display: inline-block; width: 20px; margin-right: 5px; vertical-align: middle; border-top: 2.5px solid var(--vl-ink); }
.vl-line[data-line="test"] { border-top: 2.5px dashed var(--vl-wrong); }
.vl-progress { min-width: 6.5em; }
"""  # noqa: E501


class _OneOf(traitlets.Float):
    """One of some numbers; errors list them."""

    def __init__(self, default, numbers):
        super().__init__(default)
        self.numbers = numbers

    def validate(self, obj, value):
        if isinstance(value, bool) or value not in self.numbers:
            allowed = ", ".join(f"{number:g}" for number in self.numbers)
            raise traitlets.TraitError(f"{self.name} is {value!r}: it must be one of {allowed}")
        return float(value)


def _random(seed):
    """Yield numbers from 0 to 1: mulberry32, which is as short in JavaScript."""
    state = seed & _MASK
    while True:
        state = (state + 0x6D2B79F5) & _MASK
        t = ((state ^ state >> 15) * (state | 1)) & _MASK
        t = ((t + (((t ^ t >> 7) * (t | 61)) & _MASK)) & _MASK) ^ t
        yield (t ^ t >> 14) / 2**32


def _normal(uniform):
    return math.sqrt(-2 * math.log(1 - next(uniform))) * math.cos(2 * math.pi * next(uniform))


def _place(dataset, label, uniform):
    """One point of a class, without noise."""
    u, v = next(uniform), next(uniform)
    if dataset == "circles":
        r = 1 + 0.3 * u if label else 0.6 * math.sqrt(u)
        return r * math.cos(2 * math.pi * v), r * math.sin(2 * math.pi * v)
    if dataset == "xor":
        side = 1 if next(uniform) < 0.5 else -1
        return side * (0.12 + 1.1 * u), side * (0.12 + 1.1 * v) * (-1 if label else 1)
    if dataset == "spiral":
        angle, r = 2.5 * math.pi * u + math.pi * label, 0.12 + 1.2 * u
        return r * math.cos(angle), r * math.sin(angle)
    if dataset == "moons":
        turn = -1 if label else 1
        return turn * (math.cos(math.pi * u) - 0.5) * 0.9, turn * (math.sin(math.pi * u) - 0.25) * 0.9
    turn = 1 if label else -1
    return turn * 0.6 + 0.5 * (u - 0.5), turn * 0.4 + 0.5 * (v - 0.5)


def _points(dataset, noise):
    """Return 100 training points and 100 test points with their labels, the same ones each time."""
    uniform = _random(DATASETS.index(dataset) + 1)
    labels = np.arange(2 * _POINTS) % 2
    places = []
    for label in labels:
        x, y = _place(dataset, label, uniform)
        places.append((x + noise * _normal(uniform), y + noise * _normal(uniform)))
    return np.array(places), labels


def _activate(name, a):
    if name == "tanh":
        return np.tanh(a)
    if name == "relu":
        return np.maximum(0, a)
    return 0.5 + 0.5 * np.tanh(0.5 * a) if name == "sigmoid" else a


class NetworkPlayground(Explorer):
    """Train a small network on points in the plane, and see the plane as its last hidden layer sees it.

    The network has two inputs, up to three hidden layers of equal width, and one output through a sigmoid. It is
    trained in the browser, by gradient descent with batches of 10 of the 100 training points; its loss is the
    cross-entropy plus λ/2 times the sum of squared weights (biases are free).

    Parameters
    ----------
    dataset : {"circles", "xor", "spiral", "moons", "blobs"}
    noise : float
        0, 0.1, 0.2, 0.3 or 0.4: how far the points are scattered.
    layers, units : int
        Hidden layers, 0 … 3, and units in each, 1 … 8.
    activation : {"tanh", "relu", "sigmoid", "linear"}
    lam, eta : float
        Strength of regularisation λ and learning rate η; those in `LAMBDAS` and `RATES`.
    seed : int
        Of the first weights.
    view : {"across the boundary", "principal directions", "two units"}
        What is shown of the last hidden layer where it has more than two units: the distance from the boundary and the
        widest direction along it; the two widest directions; or units `unit_x` and `unit_y`.

    Attributes
    ----------
    weights : list of float
        Layer by layer W, row after row, then b; empty for the first weights. In step with the browser whenever
        training pauses.
    epoch : int
        Passes over the training points so far.
    running : bool
        Whether the browser is training.
    train_loss, test_loss, train_accuracy, test_accuracy : float
        Of `weights`; the loss is without the regularisation. Read only.

    Examples
    --------
    >>> playground = NetworkPlayground("circles", layers=1, units=3)
    >>> before = playground.train_loss
    >>> playground.train(20)
    >>> playground.epoch, playground.train_loss < before
    (20, True)
    """

    _esm = browser_module("drawing.js", "network_playground.js")
    _css = style_sheet() + _CSS

    dataset = Choice(DATASETS).tag(sync=True)
    noise = _OneOf(0.1, NOISES).tag(sync=True)
    layers = Whole(1, 0, 3).tag(sync=True)
    units = Whole(3, 1, 8).tag(sync=True)
    activation = Choice(ACTIVATIONS).tag(sync=True)
    lam = _OneOf(0.0, LAMBDAS).tag(sync=True)
    eta = _OneOf(0.3, RATES).tag(sync=True)
    seed = Whole(0, 0, 9999).tag(sync=True)
    view = Choice(VIEWS).tag(sync=True)
    unit_x = Whole(1, 1, 8).tag(sync=True)
    unit_y = Whole(2, 1, 8).tag(sync=True)
    weights = traitlets.List(traitlets.Float()).tag(sync=True)
    epoch = Whole(0, 0).tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)

    def __init__(self, dataset="circles", **settings):
        unknown = set(settings) - {*self.class_traits(sync=True)}
        if unknown:
            raise TypeError(f"NetworkPlayground has no setting {', '.join(sorted(unknown))}")
        super().__init__(dataset=dataset, **settings)
        self._history = []
        self._shown = None, None  # settings and the trained copy in the last picture
        self.observe(self._start_again, ["dataset", "noise", "layers", "units", "activation", "seed"])

    def _start_again(self, _=None):
        self.weights, self.epoch, self._history = [], 0, []

    @property
    def _sizes(self):
        return [2, *[self.units] * self.layers, 1]

    def _parameters(self):
        """Return W and b of each layer: those of `weights`, or the first ones."""
        sizes = self._sizes
        flat = list(self.weights)
        if len(flat) != sum(m * n + n for m, n in pairwise(sizes)):
            uniform = _random(1000 + self.seed)
            gain = 2 if self.activation == "relu" else 1
            flat = []
            for m, n in pairwise(sizes):
                flat += [math.sqrt(gain / m) * _normal(uniform) for _ in range(m * n)] + [0.0] * n
        values, layers, at = np.array(flat), [], 0
        for m, n in pairwise(sizes):
            layers.append((values[at : at + m * n].reshape(n, m), values[at + m * n : at + m * n + n]))
            at += m * n + n
        return layers

    def features(self, points):
        """Return what the last hidden layer makes of points: an array with one column a unit."""
        z = np.asarray(points, dtype=float)
        for W, b in self._parameters()[:-1]:
            z = _activate(self.activation, z @ W.T + b)
        return z

    def _score(self, points):
        W, b = self._parameters()[-1]
        return (self.features(points) @ W.T + b)[:, 0]

    def predict(self, points):
        """Return the probability of class 1 at points of the plane."""
        return _activate("sigmoid", self._score(points))

    def points(self, split="train"):
        """Return the points, an array (100, 2), and their labels; split is "train" or "test"."""
        if split not in ("train", "test"):
            raise ValueError(f"split is {split!r}: it must be 'train' or 'test'")
        places, labels = _points(self.dataset, self.noise)
        part = slice(None, _POINTS) if split == "train" else slice(_POINTS, None)
        return places[part], labels[part]

    def _judge(self, split):
        places, labels = self.points(split)
        s = self._score(places)
        return float(np.mean(np.logaddexp(0, s) - labels * s)), float(np.mean((s > 0) == (labels == 1)))

    train_loss = property(lambda self: self._judge("train")[0])
    test_loss = property(lambda self: self._judge("test")[0])
    train_accuracy = property(lambda self: self._judge("train")[1])
    test_accuracy = property(lambda self: self._judge("test")[1])

    def train(self, epochs=100):
        """Train as the browser does, with the same batches, for a figure or a test.

        Parameters
        ----------
        epochs : int
        """
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # on matrices this small, several threads are many times slower
        try:
            with self.hold_sync():  # the browser is told once, at the end
                self._take_steps(torch, self.epoch, self.epoch + epochs)
        finally:
            torch.set_num_threads(threads)

    def _take_steps(self, torch, start, stop):
        h = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "linear": lambda a: a}[self.activation]
        layers = [[torch.tensor(p, requires_grad=True) for p in layer] for layer in self._parameters()]
        flat = [p for layer in layers for p in layer]
        places, labels = (torch.tensor(a, dtype=torch.double) for a in self.points("train"))
        for epoch in range(start, stop):
            if epoch % 5 == 0:
                self._keep(flat, epoch)
            order = _shuffled(self.seed, epoch)
            for z, label in zip(places[order].split(_BATCH), labels[order].split(_BATCH), strict=True):
                for W, b in layers[:-1]:
                    z = h(torch.addmm(b, z, W.T))
                W, b = layers[-1]
                s = torch.addmm(b, z, W.T)[:, 0]
                loss = torch.nn.functional.binary_cross_entropy_with_logits(s, label)
                gradients = torch.autograd.grad(loss, flat)
                with torch.no_grad():
                    for p, gradient in zip(flat, gradients, strict=True):
                        if self.lam and p.dim() == 2:
                            p.mul_(1 - self.eta * self.lam)
                        p.sub_(gradient, alpha=self.eta)
        self._keep(flat, stop)

    def _keep(self, flat, epoch):
        values = [v for p in flat for v in p.detach().ravel().tolist()]
        if not np.isfinite(values).all():
            raise FloatingPointError(f"the weights have exploded: the learning rate {self.eta:g} is too high")
        self.weights, self.epoch = values, epoch
        self._history.append((epoch, self.train_loss, self.test_loss))

    def _trained(self):
        """Return this network, or if it still has its first weights a trained copy of it, for the picture."""
        if self.weights:
            return self
        names = ("dataset", "noise", "layers", "units", "activation", "lam", "eta", "seed", "view", "unit_x", "unit_y")
        settings = {name: getattr(self, name) for name in names}
        if self._shown[0] != settings:
            copy = NetworkPlayground(**settings)
            try:
                copy.train(200)
            except FloatingPointError:
                copy = self
            else:
                copy.close()
            self._shown = settings, copy
        return self._shown[1]

    def _plane(self, z):
        """Return features as two columns, the names of the axes, and the boundary as (slope form) a, b, c or None."""
        W, b = self._parameters()[-1]
        w, b = W[0], b[0]
        if len(w) == 1:
            return np.column_stack([z[:, 0], np.zeros(len(z))]), ("$z_1$", ""), (w[0], 0.0, b)
        inner = "x" if self.layers == 0 else "z"
        if len(w) == 2:
            return z, (f"${inner}_1$", f"${inner}_2$"), (w[0], w[1], b)
        known = self.features(self.points("train")[0])
        if self.view == "two units":
            i, j = min(self.unit_x, self.units), min(self.unit_y, self.units)
            return z[:, [i - 1, j - 1]], (f"$z_{i}$", f"$z_{j}$"), None
        centred = known - known.mean(axis=0)
        if self.view == "principal directions":
            directions = np.linalg.svd(centred, full_matrices=False)[2][:2]
            names = ("widest direction", "next")
            return (z - known.mean(axis=0)) @ directions.T, names, None
        length = max(np.linalg.norm(w), 1e-12)
        along = centred - np.outer(centred @ w, w) / length**2
        direction = np.linalg.svd(along, full_matrices=False)[2][0]
        return (
            np.column_stack([(z @ w + b) / length, (z - known.mean(axis=0)) @ direction]),
            (
                "distance from the boundary",
                "widest direction along it",
            ),
            (1.0, 0.0, 0.0),
        )

    def _description(self):
        shown = self._trained()
        inner = f"{self.layers} hidden layer{'s' * (self.layers != 1)} of {self.units} {self.activation} units"
        network = inner if self.layers else "no hidden layer"
        return (
            f"A network with {network} on the data set {self.dataset}, after {shown.epoch} epochs: right on "
            f"{shown.train_accuracy:.0%} of the training points and {shown.test_accuracy:.0%} of the test points. Left "
            "its decision boundary in the plane, in the middle the points in its last hidden layer, right its loss."
        )

    def _figure(self):
        net = self._trained()
        fig, (plane, hidden, curve) = plt.subplots(1, 3, figsize=(9.2, 3.5), layout="none")
        fig.subplots_adjust(left=0.03, right=0.985, top=0.9, bottom=0.24, wspace=0.2)
        grid = np.linspace(-_REACH, _REACH, 70)
        around = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
        probability = net.predict(around).reshape(70, 70)
        area = {"cmap": _BLEND, "vmin": 0, "vmax": 1, "alpha": 0.4}
        plane.imshow(probability, origin="lower", extent=(-_REACH, _REACH) * 2, interpolation="bilinear", **area)
        if probability.min() < 0.5 < probability.max():
            plane.contour(grid, grid, probability, levels=[0.5], colors=plots.BLACK, linewidths=1.6)
        if net.layers:
            for (p, q), c in zip(*net._parameters()[0], strict=True):
                along = np.array([-9, 9])
                n = p * p + q * q or 1
                plane.plot(-p * c / n - q * along, -q * c / n + p * along, color=plots.GREY, lw=0.9, ls="--")
        mapped, names, boundary = net._plane(net.features(around))
        hidden.scatter(*mapped.T, c=probability.ravel(), s=5, lw=0, **area)
        for split in ("test", "train"):
            places, labels = net.points(split)
            at = net._plane(net.features(places))[0]
            for label, mark in ((0, "o"), (1, "s")):
                fill = _CLASS[label] if split == "train" else "none"
                look = {"ms": 4, "mfc": fill, "mec": "white" if split == "train" else _CLASS[label], "mew": 0.6}
                plane.plot(*places[labels == label].T, mark, **look)
                hidden.plot(*at[labels == label].T, mark, **look)
        if boundary:
            a, b, c = boundary
            limits = hidden.axis()
            n = a * a + b * b or 1
            along = np.array([-99, 99])
            hidden.plot(-a * c / n - b * along, -b * c / n + a * along, color=plots.BLACK, lw=1.6)
            hidden.axis(limits)
        plane.set(
            xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH), xticks=[], yticks=[], title="the plane", aspect="equal"
        )
        where = "last hidden layer" if net.layers else "no hidden layer"
        hidden.set(xticks=[], yticks=[], title=where, xlabel=names[0], ylabel=names[1])
        for ax in (plane, hidden):
            ax.grid(False)
            ax.spines[:].set_visible(True)
        if net._history:
            epochs, known, new = np.array(net._history).T
            curve.plot(epochs, known, color=plots.BLACK, label="training")
            curve.plot(epochs, new, color=plots.VERMILLION, ls="--", label="test")
            curve.legend(loc="upper right")
            curve.set_ylim(0, max(0.8, float(np.max([known, new])) * 1.1))
        curve.set(title="loss", xlabel="epoch")
        network = f"{net.layers} × {net.units} {net.activation}" if net.layers else "no hidden layer"
        said = (
            f"{net.dataset}, {network}, λ = {net.lam:g}, η = {net.eta:g}: after {net.epoch} epochs right on "
            f"{net.train_accuracy:.0%} of training and {net.test_accuracy:.0%} of test points (hollow)"
        )
        fig.text(0.03, 0.075, said, fontsize=9.5)
        caption = (
            "In JupyterLab this is live: choose data, layers, units, activation, λ and η, and watch the network train."
        )
        fig.text(0.03, 0.015, caption, fontsize=8, color=plots.GREY)
        return fig


def _shuffled(seed, epoch):
    """Return the order of the training points in an epoch: Fisher and Yates' shuffle."""
    uniform = _random(50_000 + 10_007 * seed + epoch)
    order = list(range(_POINTS))
    for i in range(_POINTS - 1, 0, -1):
        j = int(next(uniform) * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order
