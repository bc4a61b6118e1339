"""One look for every figure of the course, and alt text for all of them.

The palette is Okabe and Ito's: its colours stay apart for colour-blind readers. Figures are drawn on white paper, so
that they read the same on a white page, in a dark theme and in print.
"""

import base64
import html
import io
import math

import matplotlib as mpl
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
SKY = "#56B4E9"
PURPLE = "#CC79A7"
YELLOW = "#F0E442"
BLACK = "#1B1F24"
GREY = "#6B7280"

PALETTE = [BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE, YELLOW, BLACK]

SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, SKY, "#F7F7F7", ORANGE, VERMILLION])
"""Colour map for signed values: blue below zero, white at zero, vermillion above. Use symmetric limits."""

_STYLE = {
    "figure.facecolor": "white",
    "figure.figsize": (6.4, 3.8),
    "figure.dpi": 110,
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "axes.facecolor": "white",
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.edgecolor": GREY,
    "axes.labelcolor": BLACK,
    "axes.titlecolor": BLACK,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E7EB",
    "grid.linewidth": 0.8,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "text.color": BLACK,
    "font.size": 11,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
    "font.sans-serif": ["DejaVu Sans"],
    "axes.unicode_minus": True,
}


def use_style():
    """Make all figures drawn from now on look like the course's.

    Examples
    --------
    >>> use_style()
    >>> mpl.rcParams["axes.prop_cycle"].by_key()["color"][0]
    '#0072B2'
    """
    mpl.rcParams.update(_STYLE)


def png(fig):
    """Return the figure as PNG bytes, cut to its content.

    With a palette of 256 colours where that looks the same, which is a third of the size: a lecture's pictures are
    stored in its notebook.

    Parameters
    ----------
    fig : matplotlib.figure.Figure

    Returns
    -------
    bytes
    """
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=fig.dpi, bbox_inches="tight", pad_inches=0.12)
    full = Image.open(buffer).convert("RGB")
    few = full.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    change = np.abs(np.asarray(few.convert("RGB")).astype(int) - np.asarray(full)).mean()
    small = io.BytesIO()
    (few if change < 1 else full).save(small, "png", optimize=True)
    return small.getvalue()


def display_figure(fig, alt):
    """Show a figure together with a description for those who cannot see it, and close it.

    The output holds an HTML image with the description, a plain PNG with the description in its metadata for
    viewers that show no HTML, and the description as text.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure; it is closed afterwards, so that a notebook doesn't show it twice.
    alt : str
        What the figure shows, in a sentence or two: what is plotted, and what is to be seen in it.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> _ = ax.plot([0, 1], [1, 0])
    >>> display_figure(fig, "")
    Traceback (most recent call last):
    ...
    ValueError: alt is empty: say in a sentence what the figure shows
    """
    if not isinstance(alt, str) or not alt.strip():
        plt.close(fig)
        raise ValueError("alt is empty: say in a sentence what the figure shows")
    picture = png(fig)
    plt.close(fig)
    # The PNG is cut to its content: its own header says how wide it is; shown at 100 dots per CSS inch.
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
    scale = 100 / fig.dpi
    size = {"width": round(width * scale), "height": round(height * scale)}
    encoded = base64.b64encode(picture).decode()
    image = (
        f'<img src="data:image/png;base64,{encoded}" alt="{html.escape(alt)}" width="{size["width"]}" '
        'style="max-width:100%;height:auto;border-radius:4px">'
    )
    display(
        {"text/html": image, "image/png": encoded, "text/plain": alt},
        metadata={"image/png": {"alt": alt, **size}},
        raw=True,
    )


def show_images(images, titles=None, *, columns=None, size=1.6, limits=None, cmap=None, alt=None):
    """Show images side by side.

    Parameters
    ----------
    images : sequence of arrays or array
        Each (H, W), (H, W, 1) or (H, W, 3); integers 0 … 255 or floats 0 … 1.
    titles : sequence, optional
        One title an image.
    columns : int, optional
        Images in a row; by default as many as fit, ten at most.
    size : float
        Side of an image in inches.
    limits : tuple of two floats, optional
        The values shown black and white. By default 0 … 255 for integers, 0 … 1 for floats that lie within,
        else each image's own extremes.
    cmap : str or matplotlib colormap, optional
        For images with one channel; grey by default. `SIGNED` suits weights and gradients.
    alt : str, optional
        The description for those who cannot see it; by default the number of images and their titles.

    Examples
    --------
    >>> show_images(np.zeros((2, 28, 28)), titles=["one"])
    Traceback (most recent call last):
    ...
    ValueError: 2 images but 1 titles
    """
    images = [np.asarray(image) for image in images]
    if not images:
        raise ValueError("there is no image to show")
    for image in images:
        if not (image.ndim == 2 or (image.ndim == 3 and image.shape[-1] in (1, 3))):
            raise ValueError(f"an image of shape {image.shape}: expected (H, W), (H, W, 1) or (H, W, 3)")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"{len(images)} images but {len(titles)} titles")
    columns = columns or min(len(images), 10, max(1, int(9 / size)))
    rows = math.ceil(len(images) / columns)
    title_height = 0.3 if titles is not None else 0.05
    fig, axes = plt.subplots(rows, columns, figsize=(columns * size, rows * (size + title_height)), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, image) in enumerate(zip(axes.flat, images, strict=False)):
        low, high = limits or _limits(image)
        ax.imshow(image.squeeze() if image.shape[-1] == 1 else image, cmap=cmap or "gray", vmin=low, vmax=high)
        if titles is not None:
            ax.set_title(str(titles[i]), fontsize=10, loc="center")
    if alt is None:
        alt = f"{len(images)} image{'s' if len(images) > 1 else ''}"
        alt += ": " + ", ".join(map(str, titles)) if titles is not None else ""
    display_figure(fig, alt)


def _limits(image):
    if image.dtype.kind in "ui":
        return 0, 255
    if image.dtype.kind == "b" or (image.min() >= 0 and image.max() <= 1):
        return 0, 1
    return image.min(), image.max()
