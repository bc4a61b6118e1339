"""Images that are kept with an assignment's hidden cases, and cases that ask trained networks about them.

A folder of them holds sheets of images, `0.png`, `1.png` …, and `images.json` with their labels, a digit each.
"""

import functools
import json
from pathlib import Path

import numpy as np
from PIL import Image

from visionlab.checks.trained import observed
from visionlab.datasets import cut_sheet

LABELS = "images.json"


@functools.cache
def hidden_images(folder, size=(32, 32)):
    """Read a folder of hidden images.

    Parameters
    ----------
    folder : Path
    size : tuple of int
        Rows and columns of one image.

    Returns
    -------
    images : numpy.ndarray
        uint8, of shape (N, 3, H, W).
    labels : numpy.ndarray
        int64, of shape (N,).
    """
    labels = np.array([int(digit) for digit in json.loads(Path(folder, LABELS).read_text())["labels"]])
    sheets = [
        np.asarray(Image.open(path)) for path in sorted(Path(folder).glob("*.png"), key=lambda path: int(path.stem))
    ]
    images = np.concatenate([cut_sheet(sheet, (*size, 3)) for sheet in sheets])
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels


def reaches(least, folder):
    """Make the case that asks a trained network for a share of right answers.

    Parameters
    ----------
    least : float
        From 0 to 1.
    folder : Path
        Of the hidden images.

    Returns
    -------
    function
        ``observe(student, rng)``, for a `Case`; the student's object is the network's class.
    """

    def hidden_photographs(student, rng):
        return observed(student, "hidden photographs", *hidden_images(folder), least)

    count = len(hidden_images(folder)[1])
    hidden_photographs.__doc__ = f"at least {least:.0%} of {count:,} photographs that you don't have"
    hidden_photographs.__name__ = f"hidden_photographs_{least:.0%}"
    return hidden_photographs
