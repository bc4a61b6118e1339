"""Scenes composed from real pictures: handwritten digits and pieces of clothing on photographs.

Each scene knows the truth about itself, pixel by pixel and box by box, which is what segmentation and detection are
trained and judged with. Digits come from MNIST, clothing from Fashion-MNIST, backgrounds from CIFAR-10; a scene of the
test part holds only pictures of their test parts.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from visionlab import datasets

SIDE = 64
"""Height and width of a scene."""
FRAME = 28
"""Height and width of what is put into it, empty margin included."""
MOST_THINGS = 4
BACKGROUND = 10
"""The label of pixels that belong to no digit."""

_APART = 22  # pixels between the corners of two frames, down or across: a digit's ink is 20 pixels high or wide
_DIM = 0.5  # brightness of the photographs, so that the writing stands out
_CLOTHING = 0.3  # share of the things, after the first, that are no digits


class Scenes(NamedTuple):
    """Some scenes, with the truth about them.

    Attributes
    ----------
    images : numpy.ndarray
        float32, of shape (N, 64, 64), from 0 to 1.
    labels : numpy.ndarray
        int64, of shape (N, 64, 64): 0 … 9 where a digit's ink is, else `BACKGROUND`.
    boxes : list of numpy.ndarray
        A scene's digits, each as left, top, right, bottom of its ink, right and bottom just outside; float, (M, 4).
    digits : list of numpy.ndarray
        What they are, 0 … 9; int, of shape (M,).
    frames : list of numpy.ndarray
        Row and column of the upper left corner of each digit's 28×28 frame; int, of shape (M, 2).
    """

    images: np.ndarray
    labels: np.ndarray
    boxes: list
    digits: list
    frames: list


def compose(split, count, *, seed, digits="embedded"):
    """Compose scenes: a dimmed photograph, and on it two to four things, of which at least one is a digit.

    Things hardly overlap, and lie wholly in the scene.

    Parameters
    ----------
    split : {"train", "test"}
        Which part of the data sets the pictures come from.
    count : int
    seed : int
    digits : {"embedded", "full"}
        Take the course's 6000 (or 1000) digits, or all of MNIST.

    Returns
    -------
    Scenes

    Examples
    --------
    >>> scenes = compose("test", 3, seed=0)
    >>> scenes.images.shape, [found.tolist() for found in scenes.digits]
    ((3, 64, 64), [[9, 4], [4, 9], [8, 6]])
    """
    rng = np.random.default_rng(seed)
    written = datasets.load("mnist", split=split, subset=digits)
    worn, photos = (datasets.load(name, split=split) for name in ("fashion_mnist", "cifar10"))
    images = np.stack([backdrop(photos.images[i]) for i in rng.integers(len(photos.images), size=count)])
    labels = np.full((count, SIDE, SIDE), BACKGROUND, np.int64)
    truth = []
    for image, label in zip(images, labels, strict=True):
        corners = []
        for corner in rng.integers(0, SIDE - FRAME + 1, (40, 2)):
            if all(np.abs(corner - other).max() >= _APART for other in corners):
                corners.append(corner)
        corners = corners[: rng.integers(2, MOST_THINGS + 1)]
        boxes, names, frames = [], [], []
        for number, (row, column) in enumerate(corners):
            source = worn if number and rng.random() < _CLOTHING else written
            chosen = rng.integers(len(source.images))
            thing = source.images[chosen] / np.float32(255)
            place = np.s_[row : row + FRAME, column : column + FRAME]
            image[place] = np.maximum(image[place], thing)
            if source is written:
                ink = thing > 0.5
                label[place][ink] = source.labels[chosen]
                rows, columns = np.nonzero(ink.any(axis=1))[0], np.nonzero(ink.any(axis=0))[0]
                corner = column + columns[0], row + rows[0], column + columns[-1] + 1, row + rows[-1] + 1
                boxes.append(corner)
                names.append(source.labels[chosen])
                frames.append((row, column))
        truth.append((np.array(boxes, float), np.array(names), np.array(frames)))
    return Scenes(images, labels, *(list(part) for part in zip(*truth, strict=True)))


def backdrop(photo):
    """Make a photograph into a background: grey, dim, and as large as a scene.

    Parameters
    ----------
    photo : numpy.ndarray
        uint8, of shape (H, W, 3).

    Returns
    -------
    numpy.ndarray
        float32, of shape (64, 64), from 0 to 0.5.
    """
    grey = Image.fromarray(photo).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return _DIM * np.asarray(grey, np.float32) / 255


COLOURS = (
    "#3A86E0", "#E0601A", "#12A67C", "#D878AC", "#C99400", "#46B4E6", "#9A6BD6", "#98A2B0", "#A9713C", "#86A81E",
)  # fmt: skip
"""One for each digit, to be seen on dark pictures and on white paper."""


def paint(images, labels):
    """Show labels as colours on dimmed pictures.

    Parameters
    ----------
    images : array
        float, of shape (..., H, W), from 0 to 1.
    labels : array
        int, of the same shape, 0 … `BACKGROUND`.

    Returns
    -------
    numpy.ndarray
        uint8, of shape (..., H, W, 3).

    Examples
    --------
    >>> paint([[0.0, 1.0]], [[BACKGROUND, 1]]).tolist()
    [[[0, 0, 0], [224, 96, 26]]]
    """
    images, labels = np.asarray(images, float), np.asarray(labels)
    if images.shape != labels.shape:
        raise ValueError(f"images of shape {images.shape}, labels of shape {labels.shape}: they must be the same")
    palette = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in COLOURS], np.uint8)
    grey = np.repeat((0.55 * 255 * images).astype(np.uint8)[..., None], 3, axis=-1)
    return np.where((labels < BACKGROUND)[..., None], palette[np.minimum(labels, 9)], grey)
