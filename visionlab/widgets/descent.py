"""Walk downhill on a loss landscape of two weights: by hand, or by the rules that train networks.

A walk is a function of the settings alone: `_walk` computes it here, and ``descent.js`` computes the same in the
browser, noise included (both draw it from the generator `mulberry32`).
"""

import functools
import math

import numpy as np
import traitlets
from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator, NullLocator

from visionlab import datasets, plots
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

METHODS = ("gradient descent", "momentum", "RMSProp", "Adam", "by hand")
MOST_STEPS = 500
FAR = 1e4
"""A walk that gets this far from the origin has diverged and ends."""
_DIGITS = 160
_TURN = math.radians(30)


def _bowl(x, y):
    return 0.5 * (x * x + 2 * y * y), x, 2 * y


def _narrow_valley(x, y):
    along, across = x * math.cos(_TURN) + y * math.sin(_TURN), y * math.cos(_TURN) - x * math.sin(_TURN)
    a, b = along, 25 * across
    slope_x, slope_y = a * math.cos(_TURN) - b * math.sin(_TURN), a * math.sin(_TURN) + b * math.cos(_TURN)
    return 0.5 * (along * along + 25 * across * across), slope_x, slope_y


def _curved_valley(x, y):
    bend = y - x * x
    return 0.5 * (1 - x) ** 2 + 2.5 * bend * bend, x - 1 - 10 * x * bend, 5 * bend


def _saddle(x, y):
    return 0.5 * x * x - 0.5 * y * y + y**4 / 16 + 1, x, y**3 / 4 - y


def _digits(x, y):
    """Logistic loss of the network y·tanh(x·z) on real digits."""
    z = inked_digits()
    shape = np.shape(x)
    x, y = np.ravel(x)[:, None], np.ravel(y)[:, None]
    hidden = np.tanh(x * np.abs(z))
    # the label is +1 or −1, and tanh is odd: only the product of label and z counts
    margin = np.sign(z) * hidden * y
    loss = np.logaddexp(0, -margin).mean(axis=1)
    push = -np.exp(-np.logaddexp(0, margin)) * np.sign(z)
    slope_x = (push * y * (1 - hidden**2) * np.abs(z)).mean(axis=1)
    slope_y = (push * hidden).mean(axis=1)
    return loss.reshape(shape), slope_x.reshape(shape), slope_y.reshape(shape)


LANDSCAPES = {
    "bowl": (_bowl, (-3, 3, -3, 3), (-2.5, 2.0)),
    "narrow valley": (_narrow_valley, (-3, 3, -3, 3), (-2.6, -0.4)),
    "curved valley": (_curved_valley, (-2, 2, -1.2, 2.8), (-1.4, 2.2)),
    "saddle": (_saddle, (-3, 3, -3, 3), (-2.5, 0.0)),
    "digits": (_digits, (-4, 4, -4, 4), (3.0, -2.0)),
}
"""Name to (function of x and y that gives loss and both slopes, view (left, right, low, high), usual start)."""


@functools.cache
def inked_digits():
    """Ink of sixes and nines, upper half minus lower half, standardised; times −1 for a six.

    Returns
    -------
    numpy.ndarray
        One value for each of the 160 digits; positive where the sign of the ink tells the digit rightly.
    """
    data = datasets.load("mnist")
    chosen = np.flatnonzero(np.isin(data.labels, [6, 9]))[:_DIGITS]
    ink = data.images[chosen] / 255
    z = ink[:, :14].sum((1, 2)) - ink[:, 14:].sum((1, 2))
    z = (z - z.mean()) / z.std()
    return np.round(np.where(data.labels[chosen] == 9, z, -z), 4)


def loss_and_slopes(landscape, x, y):
    """Height and slopes of a landscape at a place.

    Parameters
    ----------
    landscape : str
        A key of `LANDSCAPES`.
    x, y : float or numpy.ndarray

    Returns
    -------
    loss, slope_x, slope_y : of the shape of x

    Examples
    --------
    >>> loss_and_slopes("bowl", 1.0, 2.0)
    (4.5, 1.0, 4.0)
    """
    return LANDSCAPES[landscape][0](x, y)


def _mulberry32(seed):
    """Numbers from 0 to 1, the same here and in the browser."""
    state = seed & 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = ((state ^ (state >> 15)) * (state | 1)) & 0xFFFFFFFF
        t ^= (t + ((t ^ (t >> 7)) * (t | 61))) & 0xFFFFFFFF
        yield ((t ^ (t >> 14)) & 0xFFFFFFFF) / 4294967296


def _walk(landscape, method, start, steps, *, eta, momentum=0.9, noise=0.0, seed=0):
    """Walk downhill by a rule.

    Parameters
    ----------
    landscape : str
        A key of `LANDSCAPES`.
    method : str
        'gradient descent', 'momentum', 'RMSProp' or 'Adam'.
    start : sequence of two float
    steps : int
    eta : float
        Learning rate.
    momentum : float
        β of momentum, β₁ of Adam; the other rules don't use it. RMSProp's ρ is 0.9, Adam's β₂ 0.999.
    noise : float
        Standard deviation of the normal noise that is added to each slope, as a minibatch would.
    seed : int
        Of the noise.

    Returns
    -------
    list of (float, float)
        The places, the start first; fewer than steps + 1 if the walk leaves for infinity.

    Examples
    --------
    >>> _walk("bowl", "gradient descent", (1, 1), 2, eta=0.5)
    [(1.0, 1.0), (0.5, 0.0), (0.25, 0.0)]
    """
    numbers = _mulberry32(seed)
    place = [float(start[0]), float(start[1])]
    first, second = [0.0, 0.0], [0.0, 0.0]
    places = [tuple(place)]
    for t in range(1, steps + 1):
        _, *slopes = loss_and_slopes(landscape, *place)
        radius = noise * math.sqrt(-2 * math.log(1 - next(numbers)))
        angle = 2 * math.pi * next(numbers)
        slopes = [slopes[0] + radius * math.cos(angle), slopes[1] + radius * math.sin(angle)]
        for i, g in enumerate(slopes):
            if method == "gradient descent":
                move = g
            elif method == "momentum":
                first[i] = momentum * first[i] + g
                move = first[i]
            elif method == "RMSProp":
                second[i] = 0.9 * second[i] + 0.1 * g * g
                move = g / (math.sqrt(second[i]) + 1e-8)
            else:
                first[i] = momentum * first[i] + (1 - momentum) * g
                second[i] = 0.999 * second[i] + 0.001 * g * g
                move = (first[i] / (1 - momentum**t)) / (math.sqrt(second[i] / (1 - 0.999**t)) + 1e-8)
            place[i] = float(place[i] - eta * move)
        places.append(tuple(place))
        if not max(map(abs, place)) < FAR:
            break
    return places


class Real(traitlets.Float):
    """A number within limits; errors say what is allowed.

    Parameters
    ----------
    default, least, most : float
        The limits are allowed, too.
    """

    def __init__(self, default, least, most, **options):
        super().__init__(default, **options)
        self.least, self.most = least, most

    def validate(self, obj, value):
        """Check one value; see traitlets.TraitType."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if isinstance(value, bool) or not self.least <= number <= self.most:
            raise traitlets.TraitError(
                f"{self.name} is {value!r}: it must be a number from {self.least:g} to {self.most:g}"
            )
        return number


class _Places(traitlets.List):
    """Places of a walk by hand: pairs of numbers."""

    def validate(self, obj, value):
        try:
            places = [(float(x), float(y)) for x, y in value]
        except (TypeError, ValueError):
            places = [(math.nan, math.nan)]
        if len(places) > MOST_STEPS or not all(math.isfinite(x) and math.isfinite(y) for x, y in places):
            raise traitlets.TraitError(f"{self.name} is {value!r}: give at most {MOST_STEPS} pairs of numbers (x, y)")
        return [list(place) for place in places]


class DescentExplorer(Explorer):
    """Walk downhill on a contour map: by a rule, step by step or at a run, or by hand.

    Click the map to choose the start, or focus it and use the arrow keys. Moving a slider redraws the whole walk.
    With the method "by hand" each click or arrow key is a step; with fog you see only the ground near your path.

    Parameters
    ----------
    loss : str
        'bowl', 'narrow valley', 'curved valley', 'saddle' or 'digits': the loss of the smallest network,
        y·tanh(x·z), that tells real sixes from nines by their ink.
    method : str
        'gradient descent', 'momentum', 'RMSProp', 'Adam' or 'by hand'.
    eta : float
        Learning rate, 0.0001 … 10.
    momentum : float
        0 … 0.99.
    noise : float
        Standard deviation of the noise in each slope, 0 … 3.
    start : (float, float), optional
        By default the landscape's usual start.
    steps : int
        Steps that have been taken, 0 … 500.
    fog : bool
        Whether only the ground near the path is seen.
    seed : int
        Of the noise.

    Attributes
    ----------
    loss, method, eta, momentum, noise, steps, fog, seed
        As above; in step with the browser, readable and settable.
    x, y : float
        The start.
    moves : list of [float, float]
        The places chosen by hand, after the start.
    path : list of (float, float)
        The walk, its start first. Read only.
    losses : list of float
        The loss at each place of the path. Read only.

    Examples
    --------
    >>> explorer = DescentExplorer("bowl", "gradient descent", eta=0.5, start=(1, 1), steps=2)
    >>> explorer.path
    [(1.0, 1.0), (0.5, 0.0), (0.25, 0.0)]
    >>> explorer.losses
    [1.5, 0.125, 0.03125]
    """

    _esm = browser_module("drawing.js", "descent.js")
    _css = style_sheet()

    loss = Choice(tuple(LANDSCAPES)).tag(sync=True)
    method = Choice(METHODS).tag(sync=True)
    eta = Real(0.05, 1e-4, 10).tag(sync=True)
    momentum = Real(0.8, 0, 0.99).tag(sync=True)
    noise = Real(0.0, 0, 3).tag(sync=True)
    x = Real(0.0, -1000, 1000).tag(sync=True)
    y = Real(0.0, -1000, 1000).tag(sync=True)
    steps = Whole(0, 0, MOST_STEPS).tag(sync=True)
    moves = _Places().tag(sync=True)
    fog = traitlets.Bool(False).tag(sync=True)
    seed = Whole(1, 0, 2**32 - 1).tag(sync=True)
    _inked = traitlets.List(read_only=True).tag(sync=True)

    def __init__(
        self,
        loss="bowl",
        method="gradient descent",
        *,
        eta=0.05,
        momentum=0.8,
        noise=0.0,
        start=None,
        steps=0,
        fog=False,
        seed=1,
    ):
        if start is None:
            start = LANDSCAPES.get(str(loss), LANDSCAPES["bowl"])[2]  # a wrong name is refused below
        if not isinstance(start, tuple | list | np.ndarray) or len(start) != 2:
            raise traitlets.TraitError(f"start is {start!r}: it must be two numbers (x, y)")
        x, y = start
        super().__init__(
            loss=loss, method=method, eta=eta, momentum=momentum, noise=noise, x=x, y=y, steps=steps, fog=fog, seed=seed
        )
        self.set_trait("_inked", inked_digits().tolist())

    @property
    def path(self):
        """The walk, its start first."""
        if self.method == "by hand":
            return [(self.x, self.y), *map(tuple, self.moves)]
        options = {"eta": self.eta, "momentum": self.momentum, "noise": self.noise, "seed": self.seed}
        return _walk(self.loss, self.method, (self.x, self.y), self.steps, **options)

    @property
    def losses(self):
        """The loss at each place of the path."""
        return [float(loss_and_slopes(self.loss, x, y)[0]) for x, y in self.path]

    def _description(self):
        path, losses = self.path, self.losses
        settings = "" if self.method == "by hand" else f" with learning rate {self.eta:g}"
        if self.method in ("momentum", "Adam"):
            settings += f" and momentum {self.momentum:g}"
        return (
            f"Contour map of the loss {self.loss!r} over two weights, and a walk on it, {self.method}{settings}: "
            f"{len(path) - 1} steps from ({path[0][0]:.2f}, {path[0][1]:.2f}), the loss goes from {losses[0]:.3g} to "
            f"{losses[-1]:.3g}."
        )

    def _figure(self):
        _, (left, right, low, high), _ = LANDSCAPES[self.loss]
        path, losses = np.array(self.path), self.losses
        fig, (ax, bx) = plt.subplots(1, 2, figsize=(8.6, 3.9), width_ratios=(1.15, 1))
        columns, rows = np.meshgrid(np.linspace(left, right, 81), np.linspace(low, high, 81))
        height = loss_and_slopes(self.loss, columns, rows)[0]
        levels = height.min() + (height.max() - height.min()) * np.linspace(0, 1, 15) ** 2
        if self.fog:
            near = np.min([np.hypot(columns - x, rows - y) for x, y in path], axis=0) > 0.11 * (right - left)
            height = np.ma.masked_array(height, near)
        ax.contourf(columns, rows, height, levels, cmap="Blues", alpha=0.75)
        ax.contour(columns, rows, height, levels, colors=plots.GREY, linewidths=0.5)
        ax.plot(*path.T, "o-", color="#D07F00", ms=3, lw=1.4)
        ax.plot(*path[0], "o", color=plots.BLACK, ms=6)
        _, slope_x, slope_y = loss_and_slopes(self.loss, *path[-1])
        length = math.hypot(slope_x, slope_y)
        if 0 < length < math.inf:
            reach = 0.16 * (right - left)
            tip = path[-1] - reach * np.array([float(slope_x), float(slope_y)]) / length
            ax.annotate("", tip, path[-1], arrowprops={"arrowstyle": "-|>", "color": plots.GREEN, "lw": 2})
        ax.set(xlim=(left, right), ylim=(low, high), aspect="equal", title=f"loss: {self.loss}")
        ax.grid(False)
        bx.semilogy(np.maximum(losses, 1e-6), "o-", color=plots.BLUE, ms=3, lw=1.4)
        bx.set(xlabel="step", ylabel="loss", title=f"{self.method}: {len(path) - 1} steps")
        bx.set_xlim(-0.5, max(10, len(path)))
        low, high = (max(1e-6, edge) for edge in (min(losses), max(losses)))
        if high < 10 * low:  # a walk of a few steps: ticks with plain numbers
            bx.set_ylim(low / 3, high * 3)
            bx.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            bx.yaxis.set_major_formatter("{x:g}")
            bx.yaxis.set_minor_locator(NullLocator())
        fig.supxlabel(
            "In JupyterLab this picture is live: click to choose the start, let a rule walk, or walk by hand.",
            fontsize=8,
            color=plots.GREY,
            x=0.01,
            ha="left",
        )
        return fig
