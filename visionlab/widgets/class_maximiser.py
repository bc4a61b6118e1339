"""Ask a network what it wants to see: change an image, step by step, so that the score of one class rises.

Without regularisation the image becomes noise with an enormous score. Four sliders keep it closer to photographs:
smooth steps, a pull back to grey, blur, and jitter. They may be moved while it runs.
"""

import base64
import io
import itertools

import numpy as np
import torch
import traitlets
from matplotlib import pyplot as plt
from PIL import Image
from torch.nn.functional import pad

from visionlab import plots
from visionlab.widgets.background import Job
from visionlab.widgets.descent import Real
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

OBJECTIVES = ("score", "probability")
STARTS = ("grey", "photograph")
TARGETS = (
    "goldfish", "kit fox", "daisy", "school bus", "flamingo", "espresso", "volcano", "strawberry", "pineapple",
    "castle", "tabby cat", "jellyfish",
)  # fmt: skip
NONE = {"smoothness": 0.0, "l2": 0.0, "blur": 0.0, "jitter": 0}
"""No regularisation."""
USUAL = {"smoothness": 1.0, "l2": 0.03, "blur": 0.4, "jitter": 16}
"""Regularisation that makes recognisable images."""
BLUR_EVERY = 4
MOST_ROWS = 400

_CSS = """
.vl-dream { display: grid; grid-template-columns: 322px minmax(280px, 1fr); gap: 8px 22px; margin-top: 10px; }
.vl-dream img { width: 320px; height: 320px; border-radius: 3px; display: block; background: #7f7f7f; }
.vl-dream .vl-bar { display: grid; grid-template-columns: 1fr 1fr; }
.vl-dream figure { margin: 10px 0 0; max-width: 440px; }
.vl-dream .vl-stage { margin: 0; }
@media (max-width: 700px) { .vl-dream { grid-template-columns: 1fr; } }
"""


class ClassMaximiser(Explorer):
    """An image that climbs the score of a class, live, with sliders for its regularisation.

    A step: move the image at random by up to ``jitter`` pixels; take the gradient of the score; divide its fine
    patterns by their frequency to the power ``smoothness``; bring it to length ``rate``; add it; pull the image ``l2``
    of its way back to grey; every fourth step blur it by ``blur`` pixels; clip it to 0 … 1.

    *Start* runs it in the background; only one such job runs at a time.

    Parameters
    ----------
    network : visionlab.nets.Pretrained
    target : str
        A class of the network.
    objective : {"score", "probability"}
        What rises: the score before the softmax, or the probability after it.
    start : {"grey", "photograph"}
        Grey with a little noise, or ``photo``.
    photo : numpy.ndarray, optional
        (H, W, 3), uint8.
    smoothness : float
        0 … 2.
    l2 : float
        0 … 0.2.
    blur : float
        Standard deviation in pixels, 0 … 2.
    jitter : int
        0 … 32.
    rate : float
        Root mean square of a step, on a scale where black to white is 1.
    side : int
        Height and width of the image.
    steps : int
        When it ends.
    seed : int

    Attributes
    ----------
    target, objective, start, smoothness, l2, blur, jitter
        As above; in step with the browser, readable and settable.
    status : str
        'ready', 'running', 'paused', 'done', 'stopped' or 'failed'. Read only.
    image : numpy.ndarray
        (side, side, 3), floats 0 … 1.
    history : list of tuple
        For each step its number, the score and the probability of the target, and the length of the gradient of what is
        maximised.

    Examples
    --------
    >>> from visionlab.nets import pretrained
    >>> dream = ClassMaximiser(pretrained("efficientnet_lite0"), "daisy", side=96)
    >>> dream.run(steps=8)
    >>> dream.status, dream.history[-1][1] > dream.history[0][1]
    ('paused', True)
    """

    _esm = browser_module("drawing.js", "class_maximiser.js")
    _css = style_sheet() + _CSS

    target = traitlets.Unicode().tag(sync=True)
    objective = Choice(OBJECTIVES).tag(sync=True)
    start = Choice(STARTS).tag(sync=True)
    smoothness = Real(1.0, 0, 2).tag(sync=True)
    l2 = Real(0.03, 0, 0.2).tag(sync=True)
    blur = Real(0.4, 0, 2).tag(sync=True)
    jitter = Whole(16, 0, 32).tag(sync=True)
    status = traitlets.Unicode("ready", read_only=True).tag(sync=True)
    message = traitlets.Unicode("", read_only=True).tag(sync=True)

    _job = None

    # For the browser: never set from there.
    _targets = traitlets.List().tag(sync=True)
    _presets = traitlets.List([NONE, USUAL]).tag(sync=True)
    _with_photo = traitlets.Bool().tag(sync=True)
    _steps_in_all = traitlets.Int().tag(sync=True)
    _picture = traitlets.Unicode().tag(sync=True)  # PNG, base64
    _table = traitlets.Bytes().tag(sync=True)  # float32, a row a step: step, score, probability
    _answer = traitlets.Unicode().tag(sync=True)  # what the network says now

    def __init__(
        self, network, target="goldfish", *, objective="score", start="grey", photo=None, smoothness=1.0, l2=0.03,
        blur=0.4, jitter=16, rate=0.02, side=160, steps=300, seed=0,
    ):  # fmt: skip
        if start == "photograph" and photo is None:
            raise ValueError("start is 'photograph', but there is none: give one as photo=")
        self._network, self._rate, self._side, self._steps, self._seed = network, rate, side, steps, seed
        self._begin = None if photo is None else _unit(network, network.prepare(photo, size=side)[0])
        self._ready = False
        super().__init__(
            target=target, objective=objective, start=start, smoothness=smoothness, l2=l2, blur=blur, jitter=jitter
        )
        offered = [name for name in TARGETS if name in network.labels]
        self._targets = offered if target in offered else [target, *offered]
        self._with_photo, self._steps_in_all = photo is not None, steps
        self._frequency = _inverse_frequency(side)
        self._ready = True
        self.start_over()
        self.on_msg(lambda _, content, __: self._obey(content.get("do")))

    @traitlets.validate("target")
    def _known(self, proposal):
        if proposal["value"] not in self._network.labels:
            raise traitlets.TraitError(f"target is {proposal['value']!r}, and the network has no class of that name")
        return proposal["value"]

    # What a student may call, too

    def go(self):
        """Run, or go on, in the background."""
        self._new_job().go()

    def pause(self):
        """Hold after the step it is at."""
        if self._job:
            self._job.hold()

    def one_step(self):
        """Go on by one step."""
        self._new_job().one()

    def stop(self):
        """End it, and its thread; the image stays."""
        if self._job:
            self._job.stop()

    def start_over(self):
        """Stop, and go back to the first image."""
        self.stop()
        self._job = None
        self._generator = torch.Generator().manual_seed(self._seed)
        if self.start == "photograph":
            self._x = self._begin.clone()
        else:
            self._x = (0.5 + 0.02 * torch.randn(3, self._side, self._side, generator=self._generator)).clamp(0, 1)
        self.history = []
        self._publish()
        self._say("ready", "")

    def run(self, steps=None):
        """Run here and now.

        Parameters
        ----------
        steps : int, optional
            How many; by default all that are left.
        """
        self.stop()
        for _ in itertools.islice(self._climb(), steps):
            pass
        self._publish()
        self._say("done" if len(self.history) >= self._steps else "paused", "")

    def close(self):
        """Stop what runs, and close the widget."""
        self.stop()
        super().close()

    @property
    def image(self):
        """The image now, (side, side, 3), floats 0 … 1."""
        return self._x.permute(1, 2, 0).numpy().copy()

    # Orders, from the page or from Python

    def _obey(self, order):
        actions = {"start": self.go, "pause": self.pause, "step": self.one_step, "over": self.start_over}
        if order in actions:
            actions[order]()

    def _new_job(self):
        if self.status in ("done", "failed"):
            self.start_over()
        if self._job is None or self._job.status in ("done", "stopped", "failed"):
            self._job = Job(self._climb, self._say)
        return self._job

    @traitlets.observe("target", "start")
    def _other_aim(self, change):
        if self._ready:
            if change["name"] == "start" and self.start == "photograph" and self._begin is None:
                raise traitlets.TraitError("start is 'photograph', but there is none: give one as photo=")
            self.start_over()

    def _say(self, status, message):
        if status != "running":
            self._publish()
        with self.hold_sync():
            self.set_trait("message", message)
            self.set_trait("status", status)

    # The climb

    def _climb(self):
        while len(self.history) < self._steps:
            self._step()
            if len(self.history) % 3 == 0:
                self._publish()
            yield

    def _step(self):
        moved = [int(torch.randint(-self.jitter, self.jitter + 1, (), generator=self._generator)) for _ in range(2)]
        x = self._x.roll(moved, (1, 2)).requires_grad_()
        scores = self._network.network(self._network.normalise(x[None]))[0]
        chosen = self._network.labels.index(self.target)
        probabilities = scores.softmax(0)
        aim = scores[chosen] if self.objective == "score" else probabilities[chosen]
        (gradient,) = torch.autograd.grad(aim, x)
        step = gradient.roll([-by for by in moved], (1, 2))
        if self.smoothness:
            waves = torch.fft.rfft2(step) * self._frequency**self.smoothness
            step = torch.fft.irfft2(waves, s=step.shape[1:])
        length = step.square().mean().sqrt()
        z = self._x + self._rate * step / length.clamp(min=1e-30)
        z = 0.5 + (1 - self.l2) * (z - 0.5)
        number = len(self.history) + 1
        if self.blur and number % BLUR_EVERY == 0:
            z = _blurred(z, self.blur)
        self._x = z.clamp(0, 1)
        scores, probabilities = scores.detach(), probabilities.detach()
        self.history.append((number, float(scores[chosen]), float(probabilities[chosen]), float(gradient.norm())))
        best = int(scores.argmax())
        self._now = f"{self._network.labels[best]}, {float(probabilities[best]):.0%}"

    def _publish(self):
        buffer = io.BytesIO()
        Image.fromarray((255 * self.image).round().astype(np.uint8)).save(buffer, "png", compress_level=1)
        rows = np.array([row[:3] for row in self.history[-MOST_ROWS:]], np.float32)
        with self.hold_sync():
            self._picture = base64.b64encode(buffer.getvalue()).decode()
            self._table = rows.tobytes()
            self._answer = self._now if self.history else ""

    # For readers without a kernel

    def _description(self):
        if not self.history:
            return f"A grey image that is to climb the score of {self.target}; not started."
        number, score, probability, _ = self.history[-1]
        return (
            f"An image after {number} steps up the {self.objective} of {self.target}: score {score:.0f}, probability "
            f"{probability:.0%}. Smoothness {self.smoothness:g}, L2 {self.l2:g}, blur {self.blur:g}, jitter "
            f"{self.jitter}."
        )

    def _figure(self):
        fig, (picture, curve) = plt.subplots(1, 2, figsize=(7.6, 3.1), width_ratios=(1, 1.25))
        levels = Image.fromarray((255 * self.image).round().astype(np.uint8))
        picture.imshow(levels.resize((112, 112)).quantize(64).convert("RGB"))  # it stays in a notebook: small
        picture.axis("off")
        picture.set_title(f"towards {self.target}", fontsize=11)
        if self.history:
            curve.plot([row[0] for row in self.history], [row[1] for row in self.history], color=plots.BLUE)
        curve.set(xlabel="step", xlim=(0, max(10, len(self.history))))
        curve.set_title(f"score of {self.target}", fontsize=11)
        note = (
            f"Smoothness {self.smoothness:g}, L2 {self.l2:g}, blur {self.blur:g}, jitter {self.jitter}. "
            "In JupyterLab: sliders, start, pause, one step."
        )
        fig.supxlabel(note, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig


def _unit(network, image):
    """An input of the network on the scale 0 … 1."""
    mean, deviation = (torch.tensor(x).view(3, 1, 1) for x in (network.mean, network.deviation))
    return (image * deviation + mean).clamp(0, 1)


def _inverse_frequency(side):
    """1 / frequency for each coefficient of `torch.fft.rfft2`, the mean like the slowest wave: (side, side//2+1)."""
    rows, columns = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)
    return 1 / torch.hypot(rows, columns.expand(side, -1)).clamp(min=1 / side)


def _blurred(image, deviation):
    """Gaussian blur of (3, H, W), the border reflected."""
    reach = max(1, round(3 * deviation))
    weights = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * deviation**2))
    weights /= weights.sum()
    z = pad(image[None], (reach,) * 4, mode="reflect")[0]
    z = sum(w * z[:, i : z.shape[1] - 2 * reach + i] for i, w in enumerate(weights))
    return sum(w * z[:, :, i : z.shape[2] - 2 * reach + i] for i, w in enumerate(weights))
