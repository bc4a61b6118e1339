"""Two plots with sliders: schedules of the learning rate, and the step of a finite difference."""

import math

import ipywidgets
import numpy as np
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.widgets.quiz import Illustrated

EPOCHS = 100


def _plain(number):
    return f"{number:.3g}"


class _Plotted(Illustrated):
    """Sliders with a picture below them that is drawn anew when one of them moves."""

    def __init__(self, controls, note):
        self.controls = controls
        for control in controls.values():
            control.style.description_width = "170px"
            control.layout.width = "430px"
            control.observe(self._redraw, "value")
        self._image = ipywidgets.Image(format="png")
        self._image.layout.max_width = "100%"
        self._said = ipywidgets.HTML()
        row = ipywidgets.HBox(list(controls.values()), layout={"flex_flow": "row wrap"})
        picture = self._draw()
        picture.supxlabel(note, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        super().__init__([row, self._image, self._said], picture, self._words())
        self._redraw()

    def _draw(self):
        with plt.rc_context():
            plots.use_style()
            return self._figure()

    def _redraw(self, _=None):
        fig = self._draw()
        self._image.value = plots.png(fig)
        self._image.alt = self._words()
        plt.close(fig)
        self._said.value = f'<div role="status" style="max-width:60em;line-height:1.45">{self._words()}</div>'

    def set(self, **values):
        """Move sliders, as a reader would.

        Parameters
        ----------
        **values
            Name of a control and its new value.

        Raises
        ------
        ValueError
            If there is no such control, or the value is out of its range.
        """
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"no control {name!r}: there are {', '.join(self.controls)}")
            control = self.controls[name]
            if hasattr(control, "min") and not control.min <= value <= control.max:
                raise ValueError(f"{name} is {value!r}: it must be from {control.min} to {control.max}")
            control.value = value


class ScheduleExplorer(_Plotted):
    """Schedules of the learning rate over 100 epochs, as shares of the rate at the start, in one plot.

    Attributes
    ----------
    controls : dict of str to ipywidgets widget
        'drop' and 'every' of the step schedule, 'decay' of the exponential by epochs, 'k' of 1/(1 + kt) and exp(−kt),
        'warm_up' in epochs, and 'log', whether the axis is logarithmic.

    Examples
    --------
    >>> explorer = ScheduleExplorer()
    >>> explorer.set(drop=0.5, every=20)
    >>> {name: round(float(rate[50]), 3) for name, rate in explorer.rates().items()}
    {'step': 0.25, '0.97 each epoch': 0.218, 'root': 0.707, '1/(1 + kt)': 0.286, 'exp(−kt)': 0.082, 'cosine': 0.587}
    """

    def __init__(self):
        def slider(words, value, least, most, step):
            return ipywidgets.FloatSlider(
                value, min=least, max=most, step=step, description=words, readout_format=".3g", continuous_update=True
            )

        super().__init__(
            {
                "drop": slider("step: times", 0.1, 0.1, 0.9, 0.1),
                "every": ipywidgets.IntSlider(30, min=5, max=60, step=5, description="step: every … epochs"),
                "decay": slider("each epoch: times", 0.97, 0.9, 0.995, 0.005),
                "k": slider("k of 1/(1+kt), exp(−kt)", 0.05, 0.01, 1.0, 0.01),
                "warm_up": ipywidgets.IntSlider(10, min=0, max=40, description="cosine: warm-up, epochs"),
                "log": ipywidgets.Checkbox(False, description="logarithmic axis", indent=False),
            },
            "In the live notebook sliders change the constants.",
        )

    def rates(self):
        """Share of the first rate at epochs 0, 1, …, 100.

        Returns
        -------
        dict of str to numpy.ndarray
        """
        now = {name: control.value for name, control in self.controls.items()}
        t = np.arange(EPOCHS + 1.0)
        warm = now["warm_up"]
        cosine = 0.5 * (1 + np.cos(np.pi * (t - warm) / (EPOCHS - warm)))
        return {
            "step": now["drop"] ** (t // now["every"]),
            f"{_plain(now['decay'])} each epoch": now["decay"] ** t,
            "root": np.sqrt(1 - t / EPOCHS),
            "1/(1 + kt)": 1 / (1 + now["k"] * t),
            "exp(−kt)": np.exp(-now["k"] * t),
            "cosine": np.where(t < warm, t / max(warm, 1), cosine),
        }

    def _figure(self):
        fig, ax = plt.subplots(figsize=(8.4, 3.6))
        looks = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1)), "-")
        colours = (plots.VERMILLION, plots.ORANGE, plots.GREEN, plots.SKY, plots.PURPLE, plots.BLUE)
        for (name, rate), ls, colour in zip(self.rates().items(), looks, colours, strict=True):
            label = "cosine with warm-up" if name == "cosine" and self.controls["warm_up"].value else name
            ax.plot(rate, ls=ls, color=colour, label=label, **({"drawstyle": "steps-post"} if name == "step" else {}))
        ax.set(xlabel="epoch", ylabel="learning rate, as a share of η₀", xlim=(0, EPOCHS))
        if self.controls["log"].value:
            ax.set(yscale="log", ylim=(1e-4, 1.5))
        else:
            ax.set(ylim=(0, 1.05))
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        return fig

    def _words(self):
        half = ", ".join(f"{name} {_plain(rate[EPOCHS // 2])}" for name, rate in self.rates().items())
        return f"Learning rate half way, at epoch {EPOCHS // 2}, as a share of the first: {half}."


class DifferenceExplorer(_Plotted):
    """The slope of a curve by finite differences: chord and tangent on the left, the error against h on the right.

    Parameters
    ----------
    function : callable
        Of one number, float64 or float32; computes in the precision of its argument.
    exact : float
        Its derivative at the place.
    at : float
        The place.

    Attributes
    ----------
    controls : dict of str to ipywidgets widget
        'exponent': h is 10 to this power; 'formula': 'forward' or 'central'; 'kind': 'float64' or 'float32'.

    Examples
    --------
    >>> explorer = DifferenceExplorer(lambda x: x**2, 2.0, at=1.0)
    >>> explorer.set(exponent=-1)
    >>> round(explorer.estimate(), 6)
    2.1
    >>> explorer.set(formula="central")
    >>> round(explorer.estimate(), 6)
    2.0
    """

    def __init__(self, function, exact, at):
        self._function, self._exact, self._at = function, float(exact), float(at)
        self._exponents = np.arange(0.0, -14.25, -0.5)
        self._errors = {
            (formula, kind): [abs(self.estimate(e, formula, kind) - self._exact) for e in self._exponents]
            for formula in ("forward", "central")
            for kind in ("float64", "float32")
        }
        super().__init__(
            {
                "exponent": ipywidgets.FloatSlider(-0.5, min=-14, max=0, step=0.5, description="h = 10 to the power"),
                "formula": ipywidgets.Dropdown(options=["forward", "central"], description="difference"),
                "kind": ipywidgets.Dropdown(options=["float64", "float32"], description="precision"),
            },
            "In the live notebook a slider moves h.",
        )

    def estimate(self, exponent=None, formula=None, kind=None):
        """Slope by a finite difference; what is not given is read from the controls.

        Parameters
        ----------
        exponent : float, optional
        formula : str, optional
        kind : str, optional

        Returns
        -------
        float
        """
        number = {"float64": np.float64, "float32": np.float32}[kind or self.controls["kind"].value]
        exponent = self.controls["exponent"].value if exponent is None else exponent
        h, at = number(10.0**exponent), number(self._at)
        if (formula or self.controls["formula"].value) == "forward":
            return float((self._function(at + h) - self._function(at)) / h)
        return float((self._function(at + h) - self._function(at - h)) / (h + h))

    def _figure(self):
        e, formula = self.controls["exponent"].value, self.controls["formula"].value
        h, at, slope = 10.0**e, self._at, self.estimate()
        fig, (ax, bx) = plt.subplots(1, 2, figsize=(8.6, 3.5))
        reach = 2 * max(h, 0.02)
        xs = np.linspace(at - reach, at + reach, 81)
        here = float(self._function(np.float64(at)))
        ax.plot(xs, [float(self._function(x)) for x in xs], color=plots.BLUE)
        ax.plot(xs, here + self._exact * (xs - at), color=plots.GREEN, lw=1.2, ls="--", label="tangent")
        ends = np.array([at if formula == "forward" else at - h, at + h])
        heights = [float(self._function(x)) for x in ends]
        ax.plot(xs, heights[0] + slope * (xs - ends[0]), color=plots.ORANGE, lw=1.4, label="slope from differences")
        ax.plot(ends, heights, "o", color=plots.ORANGE)
        ax.set(xlabel="weight", ylabel="loss", title=f"h = {h:.2g}")
        ax.ticklabel_format(useOffset=False)
        ax.locator_params(nbins=4)
        ax.legend(loc="best")
        for (name, precision), errors in self._errors.items():
            colour = plots.BLUE if precision == "float64" else plots.VERMILLION
            ls = "-" if name == "forward" else "--"
            bx.loglog(10**self._exponents, np.maximum(errors, 1e-13), ls=ls, color=colour, lw=1.3)
        bx.axvline(h, color=plots.ORANGE, lw=1.2)
        bx.plot(h, max(abs(slope - self._exact), 1e-13), "o", ms=9, color=plots.ORANGE)
        bx.set(xlabel="h", ylim=(1e-13, 1e3), title="error of the slope")
        legend = "blue: float64, red: float32\ndashed: central"
        bx.text(0.03, 0.97, legend, transform=bx.transAxes, va="top", fontsize=9)
        return fig

    def _words(self):
        slope = self.estimate()
        error = abs(slope - self._exact)
        digits = max(0, math.floor(-math.log10(max(error / max(abs(self._exact), 1e-300), 1e-16))))
        return (
            f"{self.controls['formula'].value.capitalize()} difference in {self.controls['kind'].value}, "
            f"h = {10.0 ** self.controls['exponent'].value:.2g}: slope {slope:.12f}, exact {self._exact:.12f}; "
            f"about {digits} digit{'s' * (digits != 1)} right."
        )
