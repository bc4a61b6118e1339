"""Sliders on curves: a polynomial that overfits, and a curve built from the units of one hidden layer."""

import base64
import html

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.widgets.controls import Slider
from visionlab.widgets.quiz import Illustrated

_LEFT, _RIGHT = -1.5, 1.0
_MOST_DEGREE = 19
_STEEP = 400  # a step is a sigmoid this steep
_KINDS = ("hinges", "steps")


def _whole(name, value, least, most):
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}: it must be a whole number from {least} to {most}")
    return int(value)


class _Sketch(Illustrated):
    """Controls above a picture that `_draw` makes anew, described by `_describe`."""

    def __init__(self, controls, caption):
        self._image = ipywidgets.HTML()
        row = ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"})
        figure = self._drawn()
        figure.text(0.01, -0.03, caption, fontsize=8, color=plots.GREY)
        super().__init__([row, self._image], figure, self._describe())
        for control in controls:
            control.observe(self._show, "value")
        self._show()

    def _drawn(self):
        with plt.rc_context():
            plots.use_style()
            return self._draw()

    def _show(self, _=None):
        figure = self._drawn()
        picture = plots.png(figure)
        width = round(int.from_bytes(picture[16:20]) * 100 / figure.dpi)
        plt.close(figure)
        self._image.value = (
            f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}" width="{width}" '
            f'alt="{html.escape(self._describe())}" style="max-width:100%;height:auto;border-radius:4px">'
        )


class PolynomialExplorer(_Sketch):
    """Fit polynomials of growing degree to noisy samples of x² + x.

    Parameters
    ----------
    degree : int
        0 … 19.
    samples : int
        How many training samples, 5 … 200.
    noise : float
        Standard deviation of the noise.
    seed : int

    Attributes
    ----------
    degree : int
        Settable; in step with the slider.
    x, y : numpy.ndarray
        The training samples.

    Examples
    --------
    >>> explorer = PolynomialExplorer(degree=2)
    >>> explorer.errors(15)[0] < explorer.errors(2)[0]
    True
    >>> explorer.errors(15)[1] > explorer.errors(2)[1]
    True
    """

    def __init__(self, degree=2, *, samples=20, noise=0.2, seed=2):
        degree = _whole("degree", degree, 0, _MOST_DEGREE)
        samples = _whole("samples", samples, 5, 200)
        if not noise >= 0:
            raise ValueError(f"noise is {noise!r}: it must be 0 or more")
        rng = np.random.default_rng(seed)
        self.x = np.sort(np.linspace(_LEFT, _RIGHT, samples) + rng.uniform(-0.05, 0.05, samples))
        self.y = self.x**2 + self.x + noise * rng.normal(size=samples)
        self._new_x = np.linspace(self.x[0], self.x[-1], 201)
        self._new_y = self._new_x**2 + self._new_x + noise * rng.normal(size=201)
        self._slider = Slider(degree, 0, _MOST_DEGREE, description="degree N")
        super().__init__([self._slider], "In JupyterLab a slider changes the degree.")

    @property
    def degree(self):
        """The degree N."""
        return self._slider.value

    @degree.setter
    def degree(self, value):
        self._slider.value = _whole("degree", value, 0, _MOST_DEGREE)

    def fit(self, degree):
        """Return the polynomial of a degree with the smallest squared error on the samples."""
        degree = _whole("degree", degree, 0, _MOST_DEGREE)
        if degree >= len(self.x):
            raise ValueError(f"degree {degree} needs more than {len(self.x)} samples")
        return np.polynomial.Polynomial.fit(self.x, self.y, degree)

    def errors(self, degree):
        """Return the root mean squared errors on the training samples and on 201 new ones."""
        fitted = self.fit(degree)
        return tuple(
            float(np.sqrt(np.mean((fitted(x) - y) ** 2))) for x, y in ((self.x, self.y), (self._new_x, self._new_y))
        )

    def _degrees(self):
        return range(min(_MOST_DEGREE, len(self.x) - 1) + 1)

    def _describe(self):
        known, new = self.errors(min(self.degree, len(self.x) - 1))
        return (
            f"A polynomial of degree {self.degree} through {len(self.x)} noisy samples of x² + x, beside the true "
            f"curve; its error is {known:.2f} on the training samples and {new:.2f} on new ones. Right, both errors "
            "against the degree: on training samples it only falls, on new ones it falls and then rises."
        )

    def _draw(self):
        N = min(self.degree, len(self.x) - 1)
        fig, (ax, errors) = plt.subplots(1, 2, figsize=(9.2, 3.4))
        u = np.linspace(self.x[0], self.x[-1], 400)
        ax.plot(u, u**2 + u, color=plots.GREEN, ls="--", label="$x^2 + x$")
        ax.plot(u, self.fit(N)(u), color=plots.VERMILLION, label=f"$P_{{{N}}}$")
        ax.plot(self.x, self.y, "o", color=plots.BLUE, label="samples")
        ax.set(ylim=(-1.3, 2.9), xlabel="$x$", title=f"degree {N}: {N + 1} parameters")
        opaque = {"frameon": True, "framealpha": 0.9, "edgecolor": "none"}  # a wild curve runs behind it
        ax.legend(loc="upper center", ncols=3, handlelength=1.4, columnspacing=1.2, **opaque)
        table = np.array([self.errors(n) for n in self._degrees()])
        errors.semilogy(table[:, 0], "o-", color=plots.BLUE, label="training samples", ms=4)
        errors.semilogy(table[:, 1], "s-", color=plots.VERMILLION, label="new samples", ms=4)
        errors.axvline(N, color=plots.GREY, ls="--", lw=1)
        errors.set(xlabel="degree $N$", title="error (root mean square)", ylim=(0.01, 300), xticks=range(0, 20, 3))
        errors.legend(loc="upper left", **opaque)
        if table[-1, 0] < 0.01:
            last = len(table) - 1
            errors.text(last - 1.2, 0.014, f"0 at $N = {last}$", ha="right", fontsize=9, color=plots.BLUE)
        return fig


class HingeExplorer(_Sketch):
    """Build a curve from the units of one hidden layer, without training.

    Hinges: the knots are evenly spaced, and each hinge adds the change of slope there. Steps: each step adds the
    difference of the curve between the middles of two neighbouring pieces.

    Parameters
    ----------
    curve : sequence of float
        The curve's values at evenly spaced places from 0 to 1.
    units : int
        Hidden units, 1 … 127.
    kind : {"hinges", "steps"}
        ReLUs, or steep sigmoids.

    Attributes
    ----------
    units, kind
        Settable; in step with the controls.
    error : float
        The largest distance between network and curve. Read only.

    Examples
    --------
    >>> explorer = HingeExplorer([0.0, 1.0, 0.0], units=2)
    >>> explorer.error
    0.0
    """

    def __init__(self, curve, units=8, kind="hinges"):
        self._curve = np.asarray(curve, dtype=float)
        if self._curve.ndim != 1 or len(self._curve) < 3 or not np.isfinite(self._curve).all():
            raise ValueError("curve must be a row of three or more finite numbers")
        if kind not in _KINDS:
            raise ValueError(f"kind is {kind!r}: it must be one of {', '.join(map(repr, _KINDS))}")
        self._u = np.linspace(0, 1, len(self._curve))
        self._slider = Slider(_whole("units", units, 1, 127), 1, 127, description="units")
        self._kind = ipywidgets.ToggleButtons(options=_KINDS, value=kind, style={"button_width": "90px"})
        super().__init__(
            [self._slider, self._kind], "In JupyterLab a slider changes the number of units, two buttons their kind."
        )

    @property
    def units(self):
        """The number of hidden units."""
        return self._slider.value

    @units.setter
    def units(self, value):
        self._slider.value = _whole("units", value, 1, 127)

    @property
    def kind(self):
        """The kind of unit."""
        return self._kind.value

    @kind.setter
    def kind(self, value):
        if value not in _KINDS:
            raise ValueError(f"kind is {value!r}: it must be one of {', '.join(map(repr, _KINDS))}")
        self._kind.value = value

    def _weighted(self, u):
        """Return the units' outputs at u, each times its weight, and the output bias."""
        M = self.units
        if self.kind == "hinges":
            knots = np.linspace(0, 1, M + 1)
            heights = np.interp(knots, self._u, self._curve)
            weights = np.diff(np.diff(heights) / np.diff(knots), prepend=0)
            return np.maximum(0, u[:, None] - knots[:-1]) * weights, heights[0]
        middles = (np.arange(M + 1) + 0.5) / (M + 1)
        heights = np.interp(middles, self._u, self._curve)
        steps = 0.5 + 0.5 * np.tanh(_STEEP / 2 * (u[:, None] - np.arange(1, M + 1) / (M + 1)))
        return steps * np.diff(heights), heights[0]

    def network(self, u):
        """Return the network's output at the places u."""
        parts, bias = self._weighted(np.asarray(u, dtype=float).reshape(-1))
        return parts.sum(axis=1) + bias

    @property
    def error(self):
        """The largest distance between network and curve."""
        return float(abs(self.network(self._u) - self._curve).max())

    def _describe(self):
        return (
            f"A curve, and a network of {self.units} {self.kind} that follows it; the largest error is "
            f"{self.error:.2f}. Below, the weighted outputs of the single units."
        )

    def _draw(self):
        fig, (ax, single) = plt.subplots(2, 1, figsize=(8, 3.9), sharex=True, height_ratios=(2, 1))
        u = np.linspace(0, 1, 801)
        ax.plot(self._u, self._curve, color=plots.GREY, lw=4, alpha=0.45, label="the curve")
        ax.plot(u, self.network(u), color=plots.VERMILLION, lw=1.6, label=f"{self.units} {self.kind}")
        spread = np.ptp(self._curve) or 1
        ax.set(
            title=f"largest error {self.error:.2f}",
            ylim=(self._curve.min() - 0.15 * spread, self._curve.max() + 0.4 * spread),
        )
        ax.legend(loc="upper right", ncols=2)
        single.plot(u, self._weighted(u)[0], lw=1)
        single.set(xlabel="$u$", title="each unit, times its weight")
        return fig
