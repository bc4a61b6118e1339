"""Cut a square out of a photograph, and read what a network trained on ImageNet says about it.

The network runs in the kernel. The page sends a new square only when the answer to the last one has come, so that it
never falls behind the mouse.
"""

import time

import numpy as np
import torch
import traitlets
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from PIL import Image

from visionlab import plots
from visionlab.widgets.explorer import Explorer, Whole, browser_module, style_sheet

INPUTS = (224, 160, 96, 64, 32)
TOP = 5
LARGEST = 640
"""Photographs are shrunk to this many pixels a side."""
SMALLEST = 32
"""Pixels of the smallest square."""

_CSS = """
.vl-photo { display: flex; flex-wrap: wrap; gap: 8px 20px; margin-top: 10px; align-items: flex-start; }
.vl-photo > :nth-child(1) { flex: 8 1 240px; max-width: 400px; }
.vl-photo > :nth-child(2) { flex: 0 0 150px; }
.vl-photo > :nth-child(3) { flex: 5 1 200px; }
.vl-photo h4 { margin: 0 0 4px; font-size: 12.5px; font-weight: 600; color: var(--vl-ink); }
.vl-photo .vl-stage { margin: 0; cursor: move; touch-action: none; }
.vl-photo .vl-stage canvas { position: static; display: block; width: 100%; image-rendering: auto; border-radius: 3px; }
.vl-photo .vl-stage svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: hidden; }
.vl-photo .vl-seen { display: block; width: 150px; height: 150px; image-rendering: pixelated; border-radius: 3px; }
.vl-ranked { display: grid; grid-template-columns: minmax(0, 1fr) 52px; gap: 3px 8px; align-items: baseline; }
.vl-ranked b { font-weight: 600; text-align: right; font-variant-numeric: tabular-nums; }
.vl-ranked i { grid-column: 1 / -1; height: 9px; border-radius: 2px; background: var(--vl-well); position: relative; }
.vl-ranked i::before { content: ""; position: absolute; inset: 0 auto 0 0; width: var(--vl-part); border-radius: 2px;
  background: var(--vl-accent); }
.vl-file { position: absolute; width: 1px; height: 1px; opacity: 0; pointer-events: none; }
"""


class PhotoClassifier(Explorer):
    """A photograph, a square that is cut out of it, and the network's five most probable answers.

    Drag the square, or move it with the arrow keys; the slider makes it larger or smaller. *A photograph of yours*
    takes an image file; it goes from the browser to the kernel and nowhere else.

    Parameters
    ----------
    network : visionlab.nets.Pretrained
    photos : dict of str to numpy.ndarray
        Photographs by name: (H, W, 3) or (H, W), uint8. Those of more than 640 pixels a side are shrunk.
    photo : str, optional
        The one that is shown; by default the first.
    square : tuple of three int, optional
        Row and column of its upper left corner, and its side, in pixels; by default the largest in the middle.
    size : {224, 160, 96, 64, 32}
        Height and width of what the network gets.

    Attributes
    ----------
    photo, square, size
        As above; in step with the browser, readable and settable.
    answers : list of tuple of str and float
        Names with their probabilities, the largest first. Read only.

    Raises
    ------
    ValueError
        If there is no photograph.
    traitlets.TraitError
        If a square is not inside the photograph, or too small.

    Examples
    --------
    >>> from visionlab import datasets
    >>> from visionlab.nets import pretrained
    >>> explorer = PhotoClassifier(pretrained("efficientnet_lite0"), {"coffee": datasets.photo("coffee")})
    >>> explorer.square, explorer.answers[0][0]
    ((0, 100, 400), 'espresso')
    >>> explorer.square = (300, 0, 200)
    Traceback (most recent call last):
    ...
    traitlets.traitlets.TraitError: square is (300, 0, 200): the photograph has 400 rows and 600 columns
    """

    _esm = browser_module("drawing.js", "photo_classifier.js")
    _css = style_sheet() + _CSS

    photo = traitlets.Unicode().tag(sync=True)
    square = traitlets.Tuple(Whole(0, 0), Whole(0, 0), Whole(SMALLEST, SMALLEST)).tag(sync=True)
    size = traitlets.Enum(INPUTS, INPUTS[0]).tag(sync=True)

    # For the browser: never set from there.
    _names = traitlets.List().tag(sync=True)
    _pixels = traitlets.Bytes().tag(sync=True)
    _shape = traitlets.List().tag(sync=True)
    _seen = traitlets.Bytes().tag(sync=True)  # what the network got, size×size×3
    _answer = traitlets.Dict().tag(sync=True)

    def __init__(self, network, photos, *, photo=None, square=None, size=INPUTS[0]):
        if not photos:
            raise ValueError("There is no photograph: photos should be a dict of names and arrays.")
        self._network = network
        self._photos = {name: _shrunk(picture) for name, picture in photos.items()}
        self._names = list(self._photos)
        first = photo or self._names[0]
        self._taken = None  # the photograph that `square` belongs to
        super().__init__(photo=first, size=size)
        self._take_photo()
        if square:
            self.square = square
        self.on_msg(self._asked)

    def add(self, name, picture):
        """Add a photograph, and show it.

        Parameters
        ----------
        name : str
            If there is one of that name, the new one takes its place.
        picture : numpy.ndarray
            (H, W, 3) or (H, W), uint8.
        """
        self._photos[name] = _shrunk(picture)
        self._names = list(self._photos)
        self._taken = None
        self.photo = name
        self._take_photo()

    @property
    def answers(self):
        """Names with their probabilities, the largest first."""
        return [tuple(pair) for pair in self._answer["top"]]

    @traitlets.validate("photo")
    def _known(self, proposal):
        if proposal["value"] not in self._photos:
            names = ", ".join(map(repr, self._photos))
            raise traitlets.TraitError(f"photo is {proposal['value']!r}: it must be one of {names}")
        return proposal["value"]

    @traitlets.validate("square")
    def _inside(self, proposal):
        top, left, side = proposal["value"]
        height, width = self._photos[self.photo].shape[:2]
        if top + side > height or left + side > width:
            raise traitlets.TraitError(
                f"square is {(top, left, side)}: the photograph has {height} rows and {width} columns"
            )
        return proposal["value"]

    @traitlets.observe("photo")
    def _take_photo(self, _=None):
        if self._taken == self.photo:
            return
        picture = self._photos[self.photo]
        height, width = picture.shape[:2]
        side = min(height, width)
        with self.hold_sync():
            self._shape, self._pixels = [height, width], picture.tobytes()
            self.square = ((height - side) // 2, (width - side) // 2, side)
            self._taken = self.photo
            self._look()

    @traitlets.observe("square", "size")
    def _look(self, _=None):
        if self._taken != self.photo:
            return
        top, left, side = self.square
        cut = self._photos[self.photo][top : top + side, left : left + side]
        started = time.perf_counter()
        prepared = self._network.prepare(cut, size=self.size)
        with torch.inference_mode():
            values, classes = self._network.network(prepared).softmax(1)[0].topk(TOP)
        took = time.perf_counter() - started
        labels = self._network.labels
        with self.hold_sync():
            self._seen = _levels(self._network, prepared[0]).tobytes()
            self._answer = {
                "photo": self.photo, "square": list(self.square), "size": self.size, "milliseconds": round(1000 * took),
                "top": [[labels[i], float(p)] for i, p in zip(classes.tolist(), values.tolist(), strict=True)],
            }  # fmt: skip

    def _asked(self, _, content, buffers):
        """A photograph of the student's: RGB bytes that the browser has read from a file and shrunk."""
        if content.get("do") != "add":
            return
        shape = (int(content["height"]), int(content["width"]), 3)
        name = str(content.get("name") or "yours")[:40]
        if min(shape[:2]) >= SMALLEST and len(buffers[0]) == np.prod(shape):
            self.add(name, np.frombuffer(buffers[0], np.uint8).reshape(shape))

    # For readers without a kernel

    def _description(self):
        top, left, side = self.square
        said = ", ".join(f"{name} {p:.0%}" for name, p in self.answers)
        return (
            f"The photograph {self.photo!r}, and a square of {side}×{side} pixels at row {top}, column {left}, which "
            f"the network gets as {self.size}×{self.size}. Its answers: {said}."
        )

    def _figure(self):
        top, left, side = self.square
        picture = self._photos[self.photo]
        fig, (whole, seen, bars) = plt.subplots(1, 3, figsize=(9.0, 2.7), width_ratios=(1.5, 1, 1.4))
        shown = Image.fromarray(picture)
        shown.thumbnail((300, 300))
        whole.imshow(shown, extent=(0, picture.shape[1], picture.shape[0], 0))
        for colour, width in (("white", 4), (plots.VERMILLION, 2)):
            whole.add_patch(Rectangle((left, top), side, side, fill=False, ec=colour, lw=width))
        whole.set_title("photograph", fontsize=10)
        levels = np.frombuffer(self._seen, np.uint8).reshape(self.size, self.size, 3)
        seen.imshow(Image.fromarray(levels).resize((min(self.size, 120),) * 2))
        seen.set_title(f"what the network gets: {self.size}×{self.size}", fontsize=10)
        for ax in (whole, seen):
            ax.axis("off")
        for row, (name, p) in enumerate(self.answers):
            bars.barh(row, p, color=plots.BLUE, height=0.32)
            bars.text(0, row - 0.24, f"{name if len(name) < 28 else name[:26] + '…'}  {p:.0%}", fontsize=9, va="bottom")
        bars.set(xlim=(0, 1), ylim=(TOP - 0.6, -0.8), yticks=[], xticks=[0, 0.5, 1])
        bars.grid(False)
        bars.spines["left"].set_visible(False)
        note = "In JupyterLab this is live: drag the square, resize it, take a photograph of your own."
        fig.supxlabel(note, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig


def _shrunk(picture):
    picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or min(picture.shape[:2]) < SMALLEST:
        raise ValueError(
            f"a photograph should be uint8 of shape (H, W, 3), at least {SMALLEST} pixels a side, and is "
            f"{picture.dtype} of {picture.shape}"
        )
    image = Image.fromarray(picture).convert("RGB")
    image.thumbnail((LARGEST, LARGEST))
    return np.asarray(image)


def _levels(network, prepared):
    """An input of the network, (3, S, S), as the picture that it is: (S, S, 3), uint8."""
    mean, deviation = (torch.tensor(x).view(3, 1, 1) for x in (network.mean, network.deviation))
    return (255 * (prepared * deviation + mean)).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
