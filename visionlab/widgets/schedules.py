"""Two plots to play with: schedules of the learning rate, and the step of a finite difference.

Both are drawn in the browser, by ``schedules.js``. It computes the schedules itself, as `ScheduleExplorer.rates` does;
the finite differences of a Python function are worked out here, once, and sent as a table.
"""

import math
import operator

import numpy as np
import traitlets
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.widgets.descent import Real
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

EPOCHS = 100
SCHEDULES = ("step", "exponential, by epochs", "root", "inverse", "exponential", "cosine")
FORMULAS, PRECISIONS = ("forward", "central"), ("float64", "float32")
LEAST_ERROR = 1e-13
"""What is drawn for errors below it, zero among them: the axis is logarithmic."""
_LEAST_EXPONENT = -14
_PLACES = 81  # at which the curve is drawn
_CSS = """
.vl-explorer {
  --vl-line-0: #d55e00; --vl-line-1: #b87a00; --vl-line-2: #00795a;
  --vl-line-3: #2a8fc9; --vl-line-4: #b0548a; --vl-line-5: #0072b2;
}
.vl-explorer.vl-dark {
  --vl-line-0: #ff7f2a; --vl-line-1: #f0ad1a; --vl-line-2: #2fc79a;
  --vl-line-3: #8fd0f5; --vl-line-4: #e39cc4; --vl-line-5: #4aa3ff;
}
.vl-key { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 3px 18px; margin: 8px 0 0; }
.vl-key > div { display: flex; gap: 8px; align-items: center; }
.vl-key svg { flex: none; width: 34px; height: 12px; }
.vl-key b { margin-left: auto; font-variant-numeric: tabular-nums; }
"""


def _short(number):
    return f"{number:.3g}".replace("e-0", "e-").replace("-", "−")


class _Charted(Explorer):
    """Sliders above, a chart of lines below."""

    _esm = browser_module("drawing.js", "schedules.js")
    _css = style_sheet() + _CSS


class ScheduleExplorer(_Charted):
    """Schedules of the learning rate over 100 epochs, as shares of the rate at the start, in one plot.

    Parameters
    ----------
    drop : float
        What the step schedule multiplies by, 0.1 … 0.9.
    every : int
        After how many epochs, 5 … 60.
    decay : float
        What the exponential schedule multiplies by in each epoch, 0.9 … 0.999.
    k : float
        Of 1/(1 + kt) and exp(−kt), where t counts epochs, 0.01 … 1.
    warm_up : int
        Epochs in which the cosine schedule first rises, 0 … 40.
    epoch : int
        Where the rates are read off, 0 … 100.
    log : bool
        Whether the axis of the rates is logarithmic.

    Attributes
    ----------
    drop, every, decay, k, warm_up, epoch, log
        As above; in step with the browser, readable and settable.

    Examples
    --------
    >>> explorer = ScheduleExplorer(drop=0.5, every=20)
    >>> {name: round(float(rate[50]), 3) for name, rate in explorer.rates().items()}  # doctest: +NORMALIZE_WHITESPACE
    {'step': 0.25, 'exponential, by epochs': 0.218, 'root': 0.707, 'inverse': 0.286, 'exponential': 0.082,
     'cosine': 0.587}
    """

    kind = traitlets.Unicode("schedules").tag(sync=True)
    drop = Real(0.1, 0.1, 0.9).tag(sync=True)
    every = Whole(30, 5, 60).tag(sync=True)
    decay = Real(0.97, 0.9, 0.999).tag(sync=True)
    k = Real(0.05, 0.01, 1).tag(sync=True)
    warm_up = Whole(10, 0, 40).tag(sync=True)
    epoch = Whole(50, 0, EPOCHS).tag(sync=True)
    log = traitlets.Bool(False).tag(sync=True)

    def __init__(self, *, drop=0.1, every=30, decay=0.97, k=0.05, warm_up=10, epoch=50, log=False):
        super().__init__(drop=drop, every=every, decay=decay, k=k, warm_up=warm_up, epoch=epoch, log=log)

    def rates(self):
        """Share of the first rate at epochs 0, 1, …, 100.

        Returns
        -------
        dict of str to numpy.ndarray
            Keys as in `SCHEDULES`.
        """
        t = np.arange(EPOCHS + 1.0)
        cosine = 0.5 * (1 + np.cos(np.pi * (t - self.warm_up) / (EPOCHS - self.warm_up)))
        rates = (
            self.drop ** (t // self.every),
            self.decay**t,
            np.sqrt(1 - t / EPOCHS),
            1 / (1 + self.k * t),
            np.exp(-self.k * t),
            np.where(t < self.warm_up, t / max(self.warm_up, 1), cosine),
        )
        return dict(zip(SCHEDULES, rates, strict=True))

    def _description(self):
        read = ", ".join(f"{name} {_short(rate[self.epoch])}" for name, rate in self.rates().items())
        return (
            f"Six schedules over {EPOCHS} epochs. Learning rate at epoch {self.epoch}, as a share of the first: {read}."
        )

    def _figure(self):
        fig, ax = plt.subplots(figsize=(8.6, 3.6))
        looks = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1)), "-")
        colours = (plots.VERMILLION, plots.ORANGE, plots.GREEN, plots.SKY, plots.PURPLE, plots.BLUE)
        for (name, rate), ls, colour in zip(self.rates().items(), looks, colours, strict=True):
            label = "cosine with warm-up" if name == "cosine" and self.warm_up else name
            ax.plot(rate, ls=ls, color=colour, label=label, **({"drawstyle": "steps-post"} if name == "step" else {}))
        ax.axvline(self.epoch, color=plots.GREY, lw=0.9, ls=":")
        ax.set(xlabel="epoch", ylabel="learning rate, as a share of η₀", xlim=(0, EPOCHS))
        ax.set(**({"yscale": "log", "ylim": (1e-4, 1.5)} if self.log else {"ylim": (0, 1.05)}))
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        note = "In JupyterLab sliders change the constants."
        fig.supxlabel(note, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig


class _Exponent(traitlets.Float):
    """A power of ten in half steps."""

    def validate(self, obj, value):
        try:
            halves = operator.index(int(2 * value)) if 2 * value == int(2 * value) else None
        except (TypeError, ValueError, OverflowError):
            halves = None
        if isinstance(value, bool) or halves is None or not 2 * _LEAST_EXPONENT <= halves <= 0:
            allowed = f"a number from {_LEAST_EXPONENT} to 0 in steps of a half"
            raise traitlets.TraitError(f"{self.name} is {value!r}: it must be {allowed}")
        return halves / 2


class DifferenceExplorer(_Charted):
    """The slope of a curve by finite differences: chord and tangent on the left, the error against h on the right.

    Parameters
    ----------
    function : callable
        Of one number, float64 or float32; computes in the precision of its argument. Finite within 2 of the place.
    exact : float
        Its derivative at the place.
    at : float
        The place.
    exponent : float
        h is 10 to this power: −14 … 0 in steps of a half.
    formula : str
        'forward' or 'central'.
    precision : str
        'float64' or 'float32'.

    Attributes
    ----------
    exponent, formula, precision
        As above; in step with the browser, readable and settable.

    Examples
    --------
    >>> explorer = DifferenceExplorer(lambda x: x**2, 2.0, at=1.0, exponent=-1)
    >>> round(explorer.estimate(), 6)
    2.1
    >>> explorer.formula = "central"
    >>> round(explorer.estimate(), 6)
    2.0
    """

    kind = traitlets.Unicode("difference").tag(sync=True)
    exponent = _Exponent(-0.5).tag(sync=True)
    formula = Choice(FORMULAS).tag(sync=True)
    precision = Choice(PRECISIONS).tag(sync=True)
    _table = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, function, exact, at, *, exponent=-0.5, formula="forward", precision="float64"):
        super().__init__(exponent=exponent, formula=formula, precision=precision)
        self._function, self._exact, self._at = function, float(exact), float(at)
        exponents = [e / 2 for e in range(0, 2 * _LEAST_EXPONENT - 1, -1)]
        slopes = {f"{f} {p}": [self.estimate(e, f, p) for e in exponents] for f in FORMULAS for p in PRECISIONS}
        self.set_trait(
            "_table",
            {
                "at": self._at,
                "here": self._height(self._at),
                "exact": self._exact,
                "slopes": slopes,
                "ends": [[self._height(self._at - 10.0**e), self._height(self._at + 10.0**e)] for e in exponents],
                "curves": {str(reach): self._curve(reach) for reach in sorted({self._reach(e) for e in exponents})},
                "reaches": [str(self._reach(e)) for e in exponents],
            },
        )

    def estimate(self, exponent=None, formula=None, precision=None):
        """Slope by a finite difference; what is not given is as the controls say.

        Parameters
        ----------
        exponent : float, optional
        formula : str, optional
        precision : str, optional

        Returns
        -------
        float
        """
        number = {"float64": np.float64, "float32": np.float32}[precision or self.precision]
        h, at = number(10.0 ** (self.exponent if exponent is None else exponent)), number(self._at)
        if (formula or self.formula) == "forward":
            return float((self._function(at + h) - self._function(at)) / h)
        return float((self._function(at + h) - self._function(at - h)) / (h + h))

    def _height(self, x):
        return float(self._function(np.float64(x)))

    def _reach(self, exponent):
        """How far the curve is drawn to both sides."""
        return 2 * max(10.0**exponent, 0.02)

    def _curve(self, reach):
        return [self._height(x) for x in np.linspace(self._at - reach, self._at + reach, _PLACES)]

    def _figure(self):
        row = round(-2 * self.exponent)
        h, at, slope = 10.0**self.exponent, self._at, self.estimate()
        reach = self._reach(self.exponent)
        xs = np.linspace(at - reach, at + reach, _PLACES)
        fig, (ax, bx) = plt.subplots(1, 2, figsize=(8.6, 3.5))
        ax.plot(xs, self._table["curves"][str(reach)], color=plots.BLUE)
        tangent = self._table["here"] + self._exact * (xs - at)
        ax.plot(xs, tangent, color=plots.GREEN, lw=1.2, ls="--", label="tangent")
        before, after = self._table["ends"][row]
        first = (at, self._table["here"]) if self.formula == "forward" else (at - h, before)
        ax.plot(xs, first[1] + slope * (xs - first[0]), color=plots.ORANGE, lw=1.4, label="slope from differences")
        ax.plot([first[0], at + h], [first[1], after], "o", color=plots.ORANGE)
        ax.set(xlabel="weight", ylabel="loss", title=f"h = {h:.2g}")
        ax.ticklabel_format(useOffset=False)
        ax.locator_params(nbins=4)
        ax.legend(loc="best")
        hs = [10 ** (-e / 2) for e in range(len(self._table["ends"]))]
        for name, slopes in self._table["slopes"].items():
            colour = plots.BLUE if "float64" in name else plots.VERMILLION
            errors = np.maximum(np.abs(np.array(slopes) - self._exact), LEAST_ERROR)
            bx.loglog(hs, errors, ls="-" if "forward" in name else "--", color=colour, lw=1.3, label=name)
        bx.axvline(h, color=plots.ORANGE, lw=1.2)
        bx.plot(h, max(abs(slope - self._exact), LEAST_ERROR), "o", ms=9, color=plots.ORANGE)
        bx.set(xlabel="h", ylim=(LEAST_ERROR, 1e5), title="error of the slope")
        bx.legend(loc="upper center", ncols=2, fontsize=9)
        fig.supxlabel("In JupyterLab a slider moves h.", fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig

    def _description(self):
        slope = self.estimate()
        share = abs(slope - self._exact) / max(abs(self._exact), 1e-300)
        digits = max(0, math.floor(-math.log10(max(share, 1e-16))))
        return (
            f"{self.formula.capitalize()} difference in {self.precision}, h = {_short(10.0**self.exponent)}: "
            f"slope {slope:.12f}, exact {self._exact:.12f}; about {digits} digit{'s' * (digits != 1)} right."
        )
