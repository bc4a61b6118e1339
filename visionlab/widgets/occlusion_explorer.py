"""Cover a part of a photograph and watch what a network thinks of the rest.

The network runs in the kernel: one photograph for each place of the square. The page sends a new place only when the
answer to the last one has come, so that it never falls behind the mouse. The map of all places is a job in the
background.
"""

import numpy as np
import torch
import traitlets
from matplotlib import pyplot as plt
from PIL import Image, ImageFilter

from visionlab import plots
from visionlab.widgets.background import Job
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

SIDE = 224
"""Height and width of the photographs that the network gets."""
STEP = 16
"""Pixels between two places of the map."""
FILLS = ("grey", "black", "blur")
TOP = 4
_BLUR = 14

_CSS = """
.vl-occlusion { display: grid; grid-template-columns: auto auto minmax(220px, 1fr); gap: 8px 20px; margin-top: 8px; }
.vl-occlusion h4 { margin: 0 0 4px; font-size: 12.5px; font-weight: 600; }
.vl-occlusion .vl-stage { margin: 0; width: 288px; height: 288px; cursor: crosshair; touch-action: none; }
.vl-occlusion .vl-stage canvas { width: 288px; height: 288px; border-radius: 3px; inset: 0; }
.vl-occlusion .vl-stage svg { position: absolute; inset: 0; width: 288px; height: 288px; overflow: hidden; }
.vl-occlusion .vl-small { width: 208px; height: 208px; }
.vl-occlusion .vl-small canvas, .vl-occlusion .vl-small svg { width: 208px; height: 208px; }
.vl-scale { display: flex; gap: 6px; align-items: center; font-size: 12px; color: var(--vl-soft); width: 208px; }
.vl-scale i { flex: 1; height: 9px; border-radius: 2px;
  background: linear-gradient(to right, #440154, #3b528b, #21918c, #5ec962, #fde725); }
.vl-answers { display: grid; grid-template-columns: minmax(0, 1fr) 52px; gap: 3px 8px; align-items: baseline; }
.vl-answers b { font-weight: 600; text-align: right; font-variant-numeric: tabular-nums; }
.vl-answers i { grid-column: 1 / -1; height: 7px; border-radius: 2px; background: var(--vl-well); position: relative; }
.vl-answers i::before { content: ""; position: absolute; inset: 0 auto 0 0; width: var(--vl-part); border-radius: 2px;
  background: var(--vl-accent); }
.vl-answers i.vl-followed::before { background: var(--vl-window); }
.vl-answers i.vl-followed::after { content: ""; position: absolute; top: -3px; bottom: -3px; left: var(--vl-whole);
  width: 2px; background: var(--vl-ink); }
@media (max-width: 800px) { .vl-occlusion { grid-template-columns: auto minmax(220px, 1fr); } }
"""


class OcclusionExplorer(Explorer):
    """A photograph, a square to cover a part of it, and the probability that the network gives to the class meanwhile.

    Drag the square with the mouse, or move it with the arrow keys. *Compute the map* tries 14×14 places in the
    background: its colour at a place is the probability with the square centred there (Zeiler and Fergus 2014).

    Parameters
    ----------
    network : visionlab.nets.Pretrained
    photos : dict of str to numpy.ndarray
        Photographs by name: (H, W, 3) or (H, W), uint8. The network gets the middle square, 224×224.
    classes : dict of str to str or sequence of str, optional
        For a photograph the class that is followed, or several whose probabilities are added (four kinds of cat); by
        default the network's answer to the whole photograph.
    photo : str, optional
        The one that is shown; by default the first.
    side : int
        Of the square in pixels, 8 … 160.
    fill : {"grey", "black", "blur"}
        Grey is 0 for the network: its input is shifted and scaled.
    place : tuple of two int
        Row and column of the square's centre, 0 … 223.

    Attributes
    ----------
    photo, side, fill, place
        As above; in step with the browser, readable and settable.
    followed : str
        The classes that are followed. Read only.
    whole, probability : float
        Of those classes, for the whole photograph and with the square. Read only.
    map : numpy.ndarray
        (14, 14), rows and columns as in the photograph; NaN where it hasn't been computed.
    status : str
        Of the map: 'ready', 'running', 'done', 'stopped' or 'failed'. Read only.

    Raises
    ------
    ValueError
        If there is no photograph, or a class that the network doesn't know.

    Examples
    --------
    >>> from visionlab import datasets
    >>> from visionlab.nets import pretrained
    >>> photos = {"coffee": datasets.photo("coffee")}
    >>> explorer = OcclusionExplorer(pretrained("efficientnet_lite0"), photos, side=80)
    >>> explorer.place = (70, 110)
    >>> explorer.followed, explorer.whole > 0.9, explorer.probability < explorer.whole - 0.1
    ('espresso', True, True)
    """

    _esm = browser_module("drawing.js", "occlusion_explorer.js")
    _css = style_sheet() + _CSS

    photo = traitlets.Unicode().tag(sync=True)
    side = Whole(64, 8, 160).tag(sync=True)
    fill = Choice(FILLS).tag(sync=True)
    place = traitlets.Tuple(Whole(0, 0, SIDE - 1), Whole(0, 0, SIDE - 1), default_value=(112, 112)).tag(sync=True)
    status = traitlets.Unicode("ready", read_only=True).tag(sync=True)
    message = traitlets.Unicode("", read_only=True).tag(sync=True)

    _job = None

    # For the browser: never set from there.
    _names = traitlets.List().tag(sync=True)
    _pixels = traitlets.Bytes().tag(sync=True)  # the photograph, then the blurred one, 224×224×3 each
    _answer = traitlets.Dict().tag(sync=True)
    _map = traitlets.Bytes().tag(sync=True)  # float32, 14×14

    def __init__(self, network, photos, classes=None, *, photo=None, side=64, fill="grey", place=(112, 112)):
        if not photos:
            raise ValueError("There is no photograph: photos should be a dict of names and arrays.")
        self._network, self._photos = network, dict(photos)
        self._classes = {name: _numbers(network.labels, wanted) for name, wanted in (classes or {}).items()}
        self._ready = False
        super().__init__(photo=photo or next(iter(photos)), side=side, fill=fill, place=place)
        self._names = list(self._photos)
        self._ready = True
        self._take_photo()
        self.on_msg(lambda _, content, __: self._obey(content.get("do")))

    @traitlets.validate("photo")
    def _known(self, proposal):
        if proposal["value"] not in self._photos:
            raise traitlets.TraitError(
                f"photo is {proposal['value']!r}: it must be one of {', '.join(map(repr, self._photos))}"
            )
        return proposal["value"]

    # The map, from the page or from Python

    def start(self):
        """Compute the map in the background, or go on with it."""
        if self._job is None or self.status in ("done", "failed"):
            self._forget_map()
        if self.status in ("ready", "stopped"):
            self._job = Job(self._places, self._say)
        self._job.go()

    def stop(self):
        """Stop computing the map; what is there stays."""
        if self._job:
            self._job.stop()

    def compute(self):
        """Compute the whole map here and now.

        Returns
        -------
        numpy.ndarray
            `map`.
        """
        self.stop()
        for _ in self._places():
            pass
        self._publish()
        self._say("done", "")
        return self.map

    def close(self):
        """Stop what runs, and close the widget."""
        self.stop()
        super().close()

    def _obey(self, order):
        if order == "map":
            self.start()
        elif order == "stop" and self._job:
            self._job.stop(wait=False)

    def _places(self):
        """Fill the map place by place, in an order that shows the whole soon."""
        count = SIDE // STEP
        order = sorted(np.ndindex(count, count), key=lambda at: ((at[0] % 2) + 2 * (at[1] % 2), at))
        for row, column in order:
            if np.isnan(self.map[row, column]):
                self.map[row, column] = self._look((STEP * row + STEP // 2, STEP * column + STEP // 2))[
                    self._followed
                ].sum()
                if np.isfinite(self.map).sum() % 7 == 0:
                    self._publish()
                yield
        self._publish()

    def _say(self, status, message):
        if status in ("stopped", "done"):
            self._publish()
        with self.hold_sync():
            self.set_trait("message", message)
            self.set_trait("status", status)

    def _publish(self):
        self._map = self.map.astype(np.float32).tobytes()

    def _forget_map(self):
        if self._job:
            self._job.stop()
        self._job = None
        self.map = np.full((SIDE // STEP, SIDE // STEP), np.nan)
        self._publish()
        self._say("ready", "")

    # The network

    @traitlets.observe("photo")
    def _take_photo(self, _=None):
        if not self._ready:
            return
        self._forget_map()
        self._image = self._network.prepare(self._photos[self.photo], size=SIDE)[0]
        self._levels = _levels(self._network, self._image)
        smooth = Image.fromarray(self._levels).filter(ImageFilter.GaussianBlur(_BLUR))
        self._smooth = self._network.prepare(np.asarray(smooth), size=SIDE)[0]
        whole = self._probabilities(self._image)
        self._followed = self._classes.get(self.photo) or [int(whole.argmax())]
        self.whole = float(whole[self._followed].sum())
        self.followed = " + ".join(self._network.labels[i] for i in self._followed)
        self._pixels = self._levels.tobytes() + np.asarray(smooth).tobytes()
        self._answer_for_place()

    @traitlets.observe("side", "fill")
    def _other_square(self, _):
        if self._ready:
            self._forget_map()
            self._answer_for_place()

    @traitlets.observe("place")
    def _moved(self, _):
        if self._ready:
            self._answer_for_place()

    def _answer_for_place(self):
        p = self._look(self.place)
        self.probability = float(p[self._followed].sum())
        values, at = p.topk(min(TOP, len(p)))
        top = [[self._network.labels[i], v] for i, v in zip(at.tolist(), values.tolist(), strict=True)]
        self._answer = {
            "photo": self.photo, "side": self.side, "fill": self.fill, "place": list(self.place), "whole": self.whole,
            "followed": self.followed, "probability": self.probability, "top": top,
        }  # fmt: skip

    def _covered(self, place):
        """The image with the square centred at a place."""
        top, left = (max(0, at - self.side // 2) for at in place)
        bottom, right = (at - self.side // 2 + self.side for at in place)
        window = np.s_[:, top:bottom, left:right]
        image = self._image.clone()
        black = (0 - torch.tensor(self._network.mean)) / torch.tensor(self._network.deviation)
        image[window] = {
            "grey": torch.zeros(3, 1, 1), "black": black.view(3, 1, 1), "blur": self._smooth[window],
        }[self.fill]  # fmt: skip
        return image

    def _look(self, place):
        return self._probabilities(self._covered(place))

    @torch.inference_mode()
    def _probabilities(self, image):
        return self._network.network(image[None]).softmax(1)[0]

    # For readers without a kernel

    def _description(self):
        done = np.isfinite(self.map)
        known = (
            f" Map of all places: from {np.nanmin(self.map):.0%} to {np.nanmax(self.map):.0%}." if done.any() else ""
        )
        return (
            f"The photograph {self.photo!r} with a {self.fill} square of side {self.side} centred at row "
            f"{self.place[0]}, column {self.place[1]}: probability of {self.followed} {self.probability:.0%}; without "
            f"the square {self.whole:.0%}.{known}"
        )

    def _figure(self):
        fig, (picture, heat, bars) = plt.subplots(1, 3, figsize=(9.0, 3.0), width_ratios=(1, 1.15, 1.1))
        covered = _levels(self._network, self._covered(self.place))
        picture.imshow(Image.fromarray(covered).resize((128, 128)).quantize(64).convert("RGB"))  # small in a notebook
        picture.set_title("photograph and square", fontsize=10)
        heat.imshow(
            Image.fromarray(self._levels).convert("L").resize((56, 56)).quantize(12).convert("L"),
            vmin=-80,
            vmax=330,
            extent=(0, 1, 1, 0),
        )
        drawn = heat.imshow(self.map, cmap="viridis", vmin=0, vmax=max(self.whole, np.nanmax([0, *self.map.ravel()])),
                            alpha=0.75, extent=(0, 1, 1, 0), interpolation="nearest")  # fmt: skip
        fig.colorbar(drawn, ax=heat, shrink=0.8)
        heat.set_title("probability, by place", fontsize=10)
        for ax in (picture, heat):
            ax.axis("off")
        names, values = zip(*reversed(self._answer["top"]), strict=True)
        bars.barh(range(len(names)), values, color=plots.BLUE, height=0.35)
        for i, (name, value) in enumerate(zip(names, values, strict=True)):
            bars.text(0, i + 0.25, f"{_short(name)}  {value:.0%}", fontsize=9, va="bottom")
        bars.set(xlim=(0, 1), ylim=(-0.5, len(names) - 0.3), yticks=[], title="what it sees now")
        bars.title.set_fontsize(10)
        bars.grid(False)
        note = (
            f"Followed: {self.followed}, {self.whole:.0%} without the square, {self.probability:.0%} with it. "
            "In JupyterLab: drag the square, sliders, map."
        )
        fig.supxlabel(note, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig


def _short(name):
    return name if len(name) < 26 else name[:24] + "…"


def _levels(network, image):
    """An input of the network as the photograph that it is: (S, S, 3), uint8."""
    mean, deviation = (torch.tensor(x).view(3, 1, 1) for x in (network.mean, network.deviation))
    return (255 * (image * deviation + mean)).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()


def _numbers(labels, wanted):
    """The numbers of one class or several, by name."""
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in names if name not in labels]
    if unknown:
        raise ValueError(f"The network knows no class {unknown[0]!r}; its labels are in network.labels.")
    return [i for i, label in enumerate(labels) if label in names]
