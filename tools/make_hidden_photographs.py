"""Choose the hidden photographs that trained networks are graded on, and keep them with the assignments' hidden cases.

They are test images of CIFAR-10 that the course embeds nowhere, and no near-duplicates of any other image: about 3 % of
its test images are in its training set too, a little moved, mirrored or in other colours (B. Barz, J. Denzler: Do we
train on test data? Purging CIFAR of near-duplicates. Journal of Imaging 6 (6), 2020), and a network that has learned
those by heart should gain nothing.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d

from autograder.hidden_images import LABELS
from tools.make_embedded_data import SEED, choose, make_sheet
from visionlab.datasets import DATA, load_full

SOLUTIONS = Path(__file__).resolve().parent.parent / "solutions"
FOLDERS = {
    SOLUTIONS / "hw4_training_cnns/exercises/hidden": 2_000,
    SOLUTIONS / "hw5_transfer_learning/exercises/hidden": 500,
}
"""Where they are kept, and how many of them: a large network should not be asked for minutes."""
PER_CLASS = 200
SHEET_IMAGES = 500

CANDIDATES = 20
"""So many images that are most alike when seen from afar are compared with each image closely."""
MOST_MOVED = 4
"""Pixels by which one of two images may be moved against the other."""
ALIKE = 0.8
"""Correlation of the pixels from which two images count as near-duplicates. Pairs were looked at: from 0.9 most are the
same photograph, at 0.85 few are, and those are hard to tell otherwise."""


def directions(images):
    """Pixels as vectors whose dot products are correlations: float32, of shape (N, C·H·W)."""
    flat = images.flatten(1)
    centred = flat - flat.mean(1, keepdim=True)
    return centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-6)


def likeness(images, others):
    """How alike each image is to the most similar one of the others, moved a little against it.

    Parameters
    ----------
    images : torch.Tensor
        Float32, of shape (N, 3, 32, 32).
    others : torch.Tensor
        Of shape (M, 3, 32, 32). What is exactly the image itself doesn't count.

    Returns
    -------
    torch.Tensor
        Correlations of pixels, of shape (N,).
    """
    afar = directions(avg_pool2d(others, 4)).T
    size = 32 - 2 * MOST_MOVED
    found = []
    for part in images.split(500):
        near = (directions(avg_pool2d(part, 4)) @ afar).topk(CANDIDATES).indices
        middle = directions(part[:, :, MOST_MOVED:-MOST_MOVED, MOST_MOVED:-MOST_MOVED])[:, None]
        candidates = others[near.ravel()]
        same = (candidates == part.repeat_interleave(CANDIDATES, 0)).flatten(1).all(1).view(near.shape)
        best = torch.full(near.shape, -1.0)
        for row in range(2 * MOST_MOVED + 1):
            for column in range(2 * MOST_MOVED + 1):
                moved = directions(candidates[:, :, row : row + size, column : column + size])
                best = best.maximum((moved.view(*near.shape, -1) * middle).sum(2))
        found.append(best.masked_fill(same, -1).amax(1))
    return torch.cat(found)


def as_floats(images):
    """From bytes (N, H, W, C) to floats (N, C, H, W)."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()


def keep(folder, images, labels, positions):
    """Write images and their labels as `autograder.hidden_images` reads them."""
    folder.mkdir(exist_ok=True)
    for number, start in enumerate(range(0, len(images), SHEET_IMAGES)):
        sheet = Image.fromarray(make_sheet(images[start : start + SHEET_IMAGES]))
        sheet.save(folder / f"{number}.png", optimize=True)
    about = {"labels": "".join(map(str, labels)), "positions": positions.tolist()}
    (folder / LABELS).write_text(json.dumps(about, separators=(",", ":")) + "\n")


def main():
    """Choose the photographs and write them."""
    test = load_full("cifar10", "test")
    embedded = json.loads((DATA / "cifar10/test.json").read_text())["positions"]
    everything = torch.cat([as_floats(load_full("cifar10", "train").images), as_floats(test.images)])
    alike = likeness(as_floats(test.images), torch.cat([everything, everything.flip(3)])).numpy()
    left_out = set(np.flatnonzero(alike > ALIKE).tolist()) | set(embedded)
    forbidden = {test.images[position].tobytes() for position in left_out}
    chosen = choose(test.images, test.labels, PER_CLASS, forbidden, np.random.default_rng(SEED))
    for folder, many in FOLDERS.items():
        keep(folder, test.images[chosen[:many]], test.labels[chosen[:many]], chosen[:many])
    count = (alike > ALIKE).sum()
    print(f"{count} of {len(alike)} test images may have a near-duplicate; {len(chosen)} others were chosen.")


if __name__ == "__main__":
    main()
