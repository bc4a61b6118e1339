"""Add a little of a direction to an image, until the classifier calls it something else: x + αw on a slider."""

import numpy as np
import torch
import traitlets
from matplotlib import pyplot as plt
from PIL import Image

from visionlab import plots
from visionlab.widgets.descent import Real
from visionlab.widgets.explorer import Choice, Explorer, browser_module, style_sheet

RULES = ("w", "sign of w", "ten steps", "random signs")
MOST = 32
"""The largest size on the slider, in grey levels."""
STEPS, STEP, REACH = 10, 0.5, 2.0
"""Of "ten steps": how many, how long, and how far from the image at most, in grey levels."""
BARS = 10

_CSS = """
.vl-fooling { display: grid; grid-template-columns: repeat(3, 176px) minmax(230px, 1fr); gap: 8px 16px; }
.vl-fooling { margin-top: 8px; }
.vl-fooling h4 { margin: 0 0 4px; font-size: 12.5px; font-weight: 600; }
.vl-fooling canvas { width: 176px; height: 176px; border-radius: 3px; image-rendering: pixelated; display: block; }
.vl-fooling small { color: var(--vl-soft); font-size: 11.5px; }
.vl-bars { display: grid; grid-template-columns: minmax(60px, 110px) 1fr 48px; gap: 2px 8px; align-items: center; }
.vl-bars span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.vl-bars i { height: 9px; border-radius: 2px; background: var(--vl-well); position: relative; }
.vl-bars i::before { content: ""; position: absolute; inset: 0 auto 0 0; width: var(--vl-part); border-radius: 2px;
  background: var(--vl-soft); }
.vl-bars .vl-first::before { background: var(--vl-accent); }
.vl-bars .vl-target::before { background: var(--vl-wrong); }
.vl-bars b { font-weight: 600; text-align: right; font-variant-numeric: tabular-nums; }
@media (max-width: 900px) {
  .vl-fooling { grid-template-columns: repeat(3, 176px); }
  .vl-fooling > div:last-child { grid-column: 1 / -1; }
}
"""


class FoolingSlider(Explorer):
    """An image x, a direction w, and a slider for how much of w is added; bars show what the classifier thinks.

    w is the gradient of the target's score with respect to the image, taken once, at the image itself. For a linear
    classifier that is the target's template, whatever the image (Karpathy 2015); for a network it is its best linear
    approximation there. Besides: the signs of w alone; where ten small steps lead, each along the signs of a fresh
    gradient (of the log-probability), never more than 2 grey levels from the image; and as a control, random signs.

    Parameters
    ----------
    scores : function
        From images, a tensor (N, 3, H, W) with values 0 … 1, to scores (N, classes); differentiable.
    labels : sequence of str
        Names of the classes.
    images : dict of str to numpy.ndarray
        By name: (H, W, 3), uint8, as the classifier takes them.
    image, target : str, optional
        The image that is shown, and the class towards which it is moved.
    targets : sequence of str, optional
        The classes that the page offers; by default the first twelve.
    size : float
        Of what is added: root mean square over pixels and colours, in grey levels, 0 … 32.
    rule : {"w", "sign of w", "ten steps", "random signs"}

    Attributes
    ----------
    image, target, size, rule
        As above; in step with the browser, readable and settable.
    probabilities : numpy.ndarray
        Of all classes for what is shown.
    first, label : str
        What the classifier calls the image, and what it calls the changed one. Read only.
    changed : numpy.ndarray
        The changed image, (H, W, 3), floats 0 … 1.

    Examples
    --------
    >>> template = torch.randn(2, 3 * 8 * 8, generator=torch.Generator().manual_seed(0))
    >>> grey = np.full((8, 8, 3), 127, np.uint8)
    >>> slider = FoolingSlider(lambda x: x.flatten(1) @ template.T, ("left", "right"), {"grey": grey})
    >>> slider.first
    'right'
    >>> slider.target, slider.size = "left", 20
    >>> slider.label
    'left'
    """

    _esm = browser_module("drawing.js", "fooling_slider.js")
    _css = style_sheet() + _CSS

    image = traitlets.Unicode().tag(sync=True)
    target = traitlets.Unicode().tag(sync=True)
    size = Real(0.0, 0, MOST).tag(sync=True)
    rule = Choice(RULES).tag(sync=True)

    # For the browser: never set from there.
    _names = traitlets.List().tag(sync=True)
    _targets = traitlets.List().tag(sync=True)
    _answer = traitlets.Dict().tag(sync=True)
    _pixels = traitlets.Bytes().tag(sync=True)  # uint8: the image
    _direction = traitlets.Bytes().tag(sync=True)  # float32: what is added at size 1, in grey levels
    _shape = traitlets.List().tag(sync=True)

    def __init__(self, scores, labels, images, *, image=None, target=None, targets=None, size=0.0, rule="w"):
        if not images:
            raise ValueError("There is no image: images should be a dict of names and arrays.")
        self._scores, self._labels, self._images = scores, tuple(labels), dict(images)
        self._ready = False
        offered = list(targets or self._labels[:12])
        unknown = [name for name in [*offered, *([target] if target else [])] if name not in self._labels]
        if unknown:
            raise ValueError(f"The classifier has no class {unknown[0]!r}.")
        if target and target not in offered:
            offered.append(target)
        super().__init__(image=image or next(iter(images)), target=target or offered[0], size=size, rule=rule)
        self._names, self._targets = list(self._images), offered
        self._ready = True
        self._take()

    @traitlets.validate("image", "target")
    def _known(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        known = self._images if name == "image" else self._labels
        if value not in known:
            raise traitlets.TraitError(
                f"{name} is {value!r}: it must be one of {', '.join(map(repr, list(known)[:12]))}"
            )
        return value

    @traitlets.observe("image", "target", "rule")
    def _take(self, _=None):
        """Another image, target or rule: find the direction anew."""
        if not self._ready:
            return
        picture = self._images[self.image]
        self._x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255
        x = self._x.clone().requires_grad_()
        scores = self._scores(x)
        self.first = self._labels[int(scores.argmax())]
        (w,) = torch.autograd.grad(scores[0, self._labels.index(self.target)], x)
        self._length = float(w.square().mean().sqrt())
        if self.rule == "random signs":
            w = torch.randint(0, 2, w.shape, generator=torch.Generator().manual_seed(0)).float() * 2 - 1
        elif self.rule == "sign of w":
            w = w.sign()
        elif self.rule == "ten steps":
            w = self._ten_steps()
        self._unit = w / w.square().mean().sqrt().clamp(min=1e-20)
        self._shape = list(picture.shape)
        self._pixels = np.ascontiguousarray(picture).tobytes()
        self._direction = self._unit[0].permute(1, 2, 0).contiguous().numpy().astype(np.float32).tobytes()
        self._look()

    def _ten_steps(self):
        """What ten small steps towards the target add to the image."""
        aim, added = self._labels.index(self.target), torch.zeros_like(self._x)
        for _ in range(STEPS):
            added.requires_grad_()
            scores = self._scores(self._x + added)
            (slope,) = torch.autograd.grad(scores.log_softmax(1)[0, aim], added)
            added = (added.detach() + STEP / 255 * slope.sign()).clamp(-REACH / 255, REACH / 255)
        return added

    @traitlets.observe("size")
    def _look(self, _=None):
        if not self._ready:
            return
        changed = (self._x + self._unit * self.size / 255).clamp(0, 1)
        with torch.no_grad():
            scores = self._scores(changed)[0]
        self.changed = changed[0].permute(1, 2, 0).numpy()
        self.probabilities = scores.softmax(0).numpy()
        self.label = self._labels[int(scores.argmax())]
        self._answer = {
            "image": self.image, "target": self.target, "rule": self.rule, "size": self.size, "first": self.first,
            "label": self.label, "bars": self._bars(scores), "alpha": self.size / 255 / max(self._length, 1e-20),
            "largest": 255 * float((changed - self._x).abs().max()),
        }  # fmt: skip

    def _bars(self, scores):
        """Name, score and probability of the classes that matter: all of a few, or the first, target and best."""
        if len(self._labels) <= BARS + 2:
            chosen = range(len(self._labels))
        else:
            best = scores.topk(BARS).indices.tolist()
            chosen = [self._labels.index(self.first), self._labels.index(self.target)]
            chosen += [i for i in best if i not in chosen][: BARS - 3]
        return [[self._labels[i], float(scores[i]), float(self.probabilities[i])] for i in chosen]

    # For readers without a kernel

    def _description(self):
        p = self.probabilities[self._labels.index(self.target)]
        return (
            f"The image {self.image!r}, called {self.first}; {self.size:.1f} grey levels of {self.rule} towards "
            f"{self.target}; and their sum, called {self.label}. Probability of {self.target}: {p:.0%}."
        )

    def _figure(self):
        fig, axes = plt.subplots(1, 4, figsize=(9.2, 2.9), width_ratios=(1, 1, 1, 1.25))
        x = self._x[0].permute(1, 2, 0).numpy()
        added = self._unit[0].permute(1, 2, 0).numpy()
        shown = (x, np.clip(0.5 + 0.17 * added, 0, 1), self.changed)
        titles = (f"x: {_short(self.first)}", f"{self.rule}, magnified", f"sum: {_short(self.label)}")
        for ax, picture, title in zip(axes, _few_colours(shown), titles, strict=False):
            ax.imshow(picture)
            ax.set_title(title, fontsize=10)
            ax.axis("off")
        bars = self._answer["bars"][::-1]
        colours = {self.first: plots.BLUE, self.target: plots.VERMILLION}
        axes[3].barh(
            range(len(bars)), [p for *_, p in bars], color=[colours.get(name, plots.GREY) for name, *_ in bars]
        )
        axes[3].set_yticks(range(len(bars)), [_short(name) for name, *_ in bars], fontsize=8)
        axes[3].set(xlim=(0, 1))
        axes[3].set_title("probability", fontsize=10)
        axes[3].grid(False)
        note = (
            f"Added: {self.size:.1f} grey levels (root mean square), at most {self._answer['largest']:.0f}. "
            "In JupyterLab: a slider for the size, choices of image, target and direction."
        )
        fig.supxlabel(note, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig


def _few_colours(pictures):
    """Small pictures that share 48 colours: what stays in a notebook is then a fifth of the size."""
    side = min(80, len(pictures[0]))
    levels = [(255 * picture).round().astype(np.uint8) for picture in pictures]
    row = np.concatenate([np.asarray(Image.fromarray(picture).resize((side, side))) for picture in levels], axis=1)
    return np.split(np.asarray(Image.fromarray(row).quantize(48).convert("RGB")), len(pictures), axis=1)


def _short(name):
    return name if len(name) < 19 else name[:17] + "…"
