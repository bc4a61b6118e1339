"""Losses on sliders: hinge and softmax for three scores, and the triplet loss for the distance of a negative."""

import math
import numbers

import traitlets
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.widgets.explorer import Explorer, browser_module, style_sheet

MOST_SCORE = 10.0
_CSS = """
.vl-roomy .vl-slider { flex-basis: 150px; column-gap: 8px; }
.vl-losses { display: grid; gap: 10px; margin-top: 14px; }
.vl-losses + p { min-height: 1.45em; }
.vl-loss { display: grid; grid-template-columns: 92px 58px 1fr; gap: 12px; align-items: center; }
.vl-loss b { text-align: right; font-variant-numeric: tabular-nums; font-size: 15px; }
.vl-track { position: relative; height: 18px; border-radius: 4px; background: var(--vl-well); overflow: hidden; }
.vl-fill { position: absolute; top: 0; bottom: 0; background: var(--vl-accent); }
.vl-fill[data-second] { background: var(--vl-window); }
.vl-track[data-beyond]::after { position: absolute; top: -1px; color: var(--vl-paper); font-size: 13px; }
.vl-track[data-beyond="below"]::after { left: 5px; content: "◀"; }
.vl-track[data-beyond="above"]::after { right: 5px; content: "▶"; }
.vl-scale { position: relative; height: 16px; margin-top: -8px; color: var(--vl-soft); font-size: 12px; }
.vl-scale span { position: absolute; transform: translateX(-50%); font-variant-numeric: tabular-nums; }
.vl-middle { position: absolute; top: 0; bottom: 0; width: 1.5px; background: var(--vl-soft); }
"""


def _check(name, value, least, most):
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not least <= value <= most:
        raise traitlets.TraitError(f"{name} is {value!r}: it must be a number from {least:g} to {most:g}")
    return float(value)


class _Scores(traitlets.List):
    """Three scores."""

    def validate(self, obj, value):
        values = value.tolist() if hasattr(value, "tolist") else value
        if not isinstance(values, list | tuple) or len(values) != 3:
            raise traitlets.TraitError(f"scores is {value!r}: give three numbers")
        return [_check(f"scores[{k}]", v, -MOST_SCORE, MOST_SCORE) for k, v in enumerate(values)]


class _Distance(traitlets.Float):
    """A squared distance."""

    def validate(self, obj, value):
        return _check(self.name, value, 0, 1000)


class _Bars(Explorer):
    """Sliders above, losses as bars below; `_rows` and `_bars` say what the static picture shows."""

    _esm = browser_module("drawing.js", "loss_sliders.js")
    _css = style_sheet() + _CSS

    def _figure(self):
        fig, (above, below) = plt.subplots(1, 2, figsize=(8.6, 2.3), width_ratios=(1, 1.35))
        names, values = zip(*self._rows(), strict=True)
        places = range(len(names))[::-1]
        above.barh(places, values, color=plots.SKY, height=0.55)
        above.set_yticks(places, names)
        above.axvline(0, color=plots.GREY, lw=1)
        above.set_title("set by sliders", fontsize=11)
        names, values = zip(*self._bars(), strict=True)
        below.barh([1, 0], values, color=[plots.BLUE, plots.ORANGE], height=0.5)
        below.set_yticks([1, 0], [f"{name}: {value:.2f}" for name, value in zip(names, values, strict=True)])
        below.set(xlim=(min(0, *values) * 1.08, max(1, *values) * 1.08), ylim=(-0.6, 1.6))
        below.axvline(0, color=plots.GREY, lw=1)
        below.set_title("losses (live in JupyterLab)", fontsize=11)
        for ax in (above, below):
            ax.grid(axis="y", visible=False)
        return fig

    def _description(self):
        rows = ", ".join(f"{name} {value:g}" for name, value in self._rows())
        return f"{rows}. " + ", ".join(f"{name} {value:.2f}" for name, value in self._bars()) + "."


class LossSliders(_Bars):
    """Three scores on sliders, with the hinge and the softmax loss as bars.

    Parameters
    ----------
    scores : sequence of three float
        Each −10 … 10.
    classes : sequence of three str
    correct : str
        The correct class.

    Attributes
    ----------
    scores, classes, correct
        As above; in step with the browser, readable and settable.
    hinge, softmax : float
        The two losses, softmax with the natural logarithm. Read only.

    Examples
    --------
    >>> sliders = LossSliders((3.2, 5.1, -1.7))
    >>> round(sliders.hinge, 2), round(sliders.softmax, 2)
    (2.9, 2.04)
    """

    kind = traitlets.Unicode("classes").tag(sync=True)
    scores = _Scores([0.0, 0.0, 0.0]).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode(), minlen=3, maxlen=3).tag(sync=True)
    correct = traitlets.Unicode().tag(sync=True)

    def __init__(self, scores=(3.2, 5.1, -1.7), classes=("cat", "car", "frog"), correct=None):
        classes = [str(name) for name in classes]
        if len(classes) != 3:
            raise ValueError(f"classes has {len(classes)} entries: give three names")
        super().__init__(classes=classes, scores=list(scores), correct=classes[0] if correct is None else correct)

    @traitlets.validate("correct")
    def _known(self, proposal):
        if self.classes and proposal["value"] not in self.classes:
            raise traitlets.TraitError(
                f"correct is {proposal['value']!r}: it must be one of {', '.join(map(repr, self.classes))}"
            )
        return proposal["value"]

    @property
    def hinge(self):
        """Sum of max(0, s_j − s_y + 1) over the wrong classes."""
        at = self.classes.index(self.correct)
        return sum(max(0.0, s - self.scores[at] + 1) for j, s in enumerate(self.scores) if j != at)

    @property
    def softmax(self):
        """Negative logarithm of the correct class's probability."""
        top = max(self.scores)
        total = sum(math.exp(s - top) for s in self.scores)
        return math.log(total) - (self.scores[self.classes.index(self.correct)] - top)

    def _rows(self):
        return [
            (f"{name} (correct)" if name == self.correct else name, score)
            for name, score in zip(self.classes, self.scores, strict=True)
        ]

    def _bars(self):
        return [("hinge loss", self.hinge), ("softmax loss", self.softmax)]


class TripletSlider(_Bars):
    """The triplet loss, with and without its hinge, while the negative moves away.

    Parameters
    ----------
    positive, negative : float
        Squared distances of the positive and the negative from the anchor, 0 … 1000.
    margin : float
        α.

    Attributes
    ----------
    positive, negative, margin
        As above; in step with the browser, readable and settable.
    loss, without_hinge : float
        max(0, positive − negative + margin), and the same without max. Read only.

    Examples
    --------
    >>> triplet = TripletSlider(positive=90, negative=80, margin=20)
    >>> triplet.loss
    30.0
    >>> triplet.negative = 300
    >>> triplet.loss, triplet.without_hinge
    (0.0, -190.0)
    """

    kind = traitlets.Unicode("triplet").tag(sync=True)
    positive = _Distance(90.0).tag(sync=True)
    negative = _Distance(80.0).tag(sync=True)
    margin = _Distance(20.0).tag(sync=True)

    def __init__(self, positive=90.0, negative=80.0, margin=20.0):
        super().__init__(positive=positive, negative=negative, margin=margin)

    @property
    def without_hinge(self):
        """Positive − negative + margin."""
        return self.positive - self.negative + self.margin

    @property
    def loss(self):
        """The triplet loss."""
        return max(0.0, self.without_hinge)

    def _rows(self):
        return [("positive", self.positive), ("negative", self.negative), ("margin α", self.margin)]

    def _bars(self):
        return [("triplet loss", self.loss), ("without [ ]₊", self.without_hinge)]
