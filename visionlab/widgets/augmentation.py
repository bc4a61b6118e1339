"""Change a photograph as augmentation does: crop, flip, turn, scale, shear, and its colours."""

import math
import random

import numpy as np
import traitlets
from matplotlib import pyplot as plt
from PIL import Image

from visionlab import datasets, plots
from visionlab.widgets.descent import Real
from visionlab.widgets.explorer import Choice, Explorer, browser_module, style_sheet

SIDE = 128
"""Side of the photograph, and of the result, in pixels."""
LIMITS = {
    "crop": (1, 0.3, 1), "x": (0, -1, 1), "y": (0, -1, 1), "rotation": (0, -180, 180), "scale": (1, 0.5, 2),
    "shear": (0, -45, 45), "brightness": (1, 0.3, 1.7), "contrast": (1, 0.2, 1.8), "saturation": (1, 0, 2),
    "hue": (0, -180, 180),
}  # fmt: skip
"""For each slider: where it changes nothing, and its ends."""
MODEST = {
    "crop": (0.75, 1), "x": (-1, 1), "y": (-1, 1), "rotation": (-15, 15), "scale": (0.9, 1.15), "shear": (-8, 8),
    "brightness": (0.75, 1.25), "contrast": (0.75, 1.25), "saturation": (0.6, 1.4), "hue": (-12, 12),
}  # fmt: skip
"""What *Draw a random one* draws from, evenly: changes after which the photograph is still of the same thing."""
GREY = (0.299, 0.587, 0.114)

_CSS = """
.vl-augment { display: grid; grid-template-columns: auto auto minmax(260px, 1fr); gap: 8px 20px; margin-top: 6px; }
.vl-augment h4 { margin: 0 0 4px; font-size: 12.5px; font-weight: 600; }
.vl-augment .vl-stage { margin: 0; width: 208px; height: 208px; }
.vl-augment .vl-stage canvas { width: 208px; height: 208px; border-radius: 3px; position: static; display: block; }
.vl-augment .vl-stage svg { position: absolute; inset: 0; width: 208px; height: 208px; overflow: hidden; }
.vl-sliders { display: grid; grid-template-columns: repeat(2, minmax(110px, 1fr)); gap: 0 16px; align-content: start; }
.vl-drawn { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 8px; min-height: 68px; }
.vl-drawn canvas { width: 66px; height: 66px; border-radius: 3px; }
@media (max-width: 760px) { .vl-augment { grid-template-columns: auto auto; } .vl-sliders { grid-column: 1 / -1; } }
"""


def _where(settings):
    """The affine map from a place in the result to one in the photograph, both from −1 to 1.

    Returns
    -------
    matrix : numpy.ndarray
        (2, 2).
    offset : numpy.ndarray
        (2,).
    """
    angle, slant = math.radians(settings["rotation"]), math.tan(math.radians(settings["shear"]))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = turn @ np.array([[1, slant], [0, 1]]) / settings["scale"] * settings["crop"]
    if settings["flip"]:
        matrix = matrix @ np.diag([-1, 1])
    return matrix, (1 - settings["crop"]) * np.array([settings["x"], settings["y"]])


def _augmented(photo, settings):
    """Change a photograph by the settings of an explorer.

    Parameters
    ----------
    photo : numpy.ndarray
        uint8, of shape (S, S, 3).
    settings : dict
        The names of `LIMITS`, and 'flip'.

    Returns
    -------
    numpy.ndarray
        Floats from 0 to 255, of shape (S, S, 3): bilinear between pixels, black beyond the border.
    """
    side = len(photo)
    matrix, offset = _where(settings)
    grid = (2 * np.arange(side) + 1) / side - 1
    places = np.stack(np.meshgrid(grid, grid), axis=-1) @ matrix.T + offset
    at = ((places + 1) * side - 1) / 2  # x, y in pixels
    corner = np.floor(at).astype(int)
    share = at - corner
    padded = np.pad(photo.astype(float), ((1, 1), (1, 1), (0, 0)))
    result = np.zeros(photo.shape)
    for dy in (0, 1):
        for dx in (0, 1):
            x, y = (np.clip(corner[..., i] + d + 1, 0, side + 1) for i, d in ((0, dx), (1, dy)))
            weight = abs(1 - dx - share[..., 0]) * abs(1 - dy - share[..., 1])
            result += weight[..., None] * padded[y, x]
    return _recoloured(result, settings)


def _recoloured(colours, settings):
    """Brightness, contrast around mid-grey, saturation, then hue as a turn about the grey axis: (…, 3) → (…, 3)."""
    colours = (colours * settings["brightness"] - 127.5) * settings["contrast"] + 127.5
    grey = (colours @ np.array(GREY))[..., None]
    colours = grey + (colours - grey) * settings["saturation"]
    angle = math.radians(settings["hue"])
    a, b = (1 - math.cos(angle)) / 3, math.sin(angle) / math.sqrt(3)
    c = math.cos(angle) + a
    turn = np.array([[c, a - b, a + b], [a + b, c, a - b], [a - b, a + b, c]])
    return np.clip(colours @ turn.T, 0, 255)


class AugmentationExplorer(Explorer):
    """A photograph, and what augmentation makes of it: a slider for each change, and *Draw a random one*.

    Parameters
    ----------
    photo : {"chelsea", "astronaut", "coffee", "rocket"}
    crop : float
        Side of the piece that is cut out, as a share of the photograph's, 0.3 … 1; it is then enlarged.
    x, y : float
        Where it is cut: −1 (left, top) … 1 (right, bottom).
    flip : bool
        Left and right exchanged.
    rotation, shear : float
        Degrees; rotation to the left.
    scale : float
        0.5 … 2.
    brightness, contrast, saturation : float
        Factors; 1 changes nothing.
    hue : float
        Degrees.

    Attributes
    ----------
    photo, crop, x, y, flip, rotation, scale, shear, brightness, contrast, saturation, hue
        As above; in step with the browser, readable and settable.
    result : numpy.ndarray
        The changed photograph: floats from 0 to 255, of shape (128, 128, 3). Read only.

    Examples
    --------
    >>> explorer = AugmentationExplorer(rotation=10)
    >>> explorer.result.shape
    (128, 128, 3)
    >>> AugmentationExplorer(crop=2)
    Traceback (most recent call last):
    ...
    traitlets.traitlets.TraitError: crop is 2: it must be a number from 0.3 to 1
    """

    _esm = browser_module("drawing.js", "augmentation.js")
    _css = style_sheet() + _CSS

    photo = Choice(datasets.PHOTOS[1:2] + datasets.PHOTOS[:1] + datasets.PHOTOS[2:]).tag(sync=True)
    flip = traitlets.Bool(False).tag(sync=True)
    crop, x, y, rotation, scale, shear, brightness, contrast, saturation, hue = (
        Real(*limits).tag(sync=True) for limits in LIMITS.values()
    )

    # What the browser needs and cannot know: never set from there.
    _pixels = traitlets.Bytes().tag(sync=True)
    _limits = traitlets.Dict(LIMITS).tag(sync=True)
    _modest = traitlets.Dict(MODEST).tag(sync=True)

    def __init__(self, photo="chelsea", *, flip=False, **settings):
        unknown = set(settings) - set(LIMITS)
        if unknown:
            raise TypeError(f"there is no setting {unknown.pop()!r}: there are flip, {', '.join(LIMITS)}")
        super().__init__(photo=photo, flip=flip, **settings)

    @traitlets.observe("photo")
    def _send_pixels(self, change):
        self._pixels = _photo(self.photo).tobytes()

    @traitlets.default("_pixels")
    def _first_pixels(self):
        return _photo(self.photo).tobytes()

    @property
    def settings(self):
        """All settings by name, ``flip`` among them."""
        return {name: getattr(self, name) for name in (*LIMITS, "flip")}

    @property
    def result(self):
        """The changed photograph."""
        return _augmented(_photo(self.photo), self.settings)

    def draw_random(self, seed=None):
        """Set all sliders to random, modest values, as *Draw a random one* does.

        Parameters
        ----------
        seed : int, optional
        """
        rng = random.Random(seed)
        with self.hold_sync():
            for name, (low, high) in MODEST.items():
                setattr(self, name, rng.uniform(low, high))
            self.flip = rng.random() < 0.5

    def _description(self):
        changed = [
            f"{name} {value:.2g}"
            for name, value in self.settings.items()
            if name != "flip" and value != LIMITS[name][0]
        ]
        changed += ["flipped left to right"] * self.flip
        what = ", ".join(changed) if changed else "unchanged"
        return f"The photograph {self.photo!r} and what it becomes: {what}. Then eight random, modest changes of it."

    def _figure(self):
        rng = random.Random(4)
        drawn = [
            {name: rng.uniform(*ends) for name, ends in MODEST.items()} | {"flip": rng.random() < 0.5} for _ in range(8)
        ]
        photo = _photo(self.photo)
        images = _few_colours([photo, self.result, *(_augmented(photo, settings) for settings in drawn)])
        fig = plt.figure(figsize=(8.2, 2.45))
        grid = fig.add_gridspec(2, 8)
        places = [grid[:, 0:2], grid[:, 2:4], *(grid[i // 4, 4 + i % 4] for i in range(8))]
        titles = ["photograph", "as the sliders say", "drawn at random", *[""] * 7]
        for place, image, title in zip(places, images, titles, strict=True):
            ax = fig.add_subplot(place)
            ax.imshow(image)
            ax.set_title(title, fontsize=9)
            ax.axis("off")
        note = "In JupyterLab sliders for crop, flip, rotation, scale, shear, brightness, contrast, saturation and hue."
        fig.supxlabel(note, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig


def _few_colours(images):
    """Images that share 180 colours: the picture that stays in a notebook is then a third of the size."""
    row = Image.fromarray(np.concatenate(images, axis=1).round().astype(np.uint8))
    return np.split(np.asarray(row.quantize(180).convert("RGB")), len(images), axis=1)


def _photo(name):
    return datasets.photo(name, size=SIDE)
