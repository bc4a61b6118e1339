"""`python -m experiments.class_images`: what EfficientNet-Lite0 wants to see, for twelve classes.

Each image is made by the class maximiser of the lecture with its usual regularisation, only larger and for longer. They
are stored side by side as one JPEG; beside it, in JSON, the scores and probabilities that the network gives to the
images as stored.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from visionlab.datasets import cut_sheet
from visionlab.nets import pretrained
from visionlab.widgets.class_maximiser import TARGETS, USUAL, ClassMaximiser

RESULT = Path(__file__).resolve().parent.parent / "data" / "results" / "class_images.json"
SIDE, STEPS, RATE = 176, 200, 0.03
COLUMNS = 6


def picture(lite, target, steps=STEPS):
    """Make the image of one class: (SIDE, SIDE, 3), uint8."""
    dream = ClassMaximiser(lite, target, **USUAL, side=SIDE, steps=steps, rate=RATE, seed=1)
    dream.run()
    return (255 * dream.image).round().astype(np.uint8)


def stored():
    """The images of all classes, in the order of `TARGETS`: (12, SIDE, SIDE, 3), uint8."""
    return cut_sheet(np.asarray(Image.open(RESULT.with_suffix(".jpg"))), (SIDE, SIDE, 3))


@torch.inference_mode()
def judged(lite, images):
    """For each class the score and the probability that the network gives to its image."""
    scores = lite.network(lite.prepare(list(images), size=SIDE))
    rows = enumerate(lite.labels.index(target) for target in TARGETS)
    return [(float(scores[i, chosen]), float(scores[i].softmax(0)[chosen])) for i, chosen in rows]


def main():
    """Make all images and store them."""
    torch.set_num_threads(1)
    lite = pretrained("efficientnet_lite0")
    images = np.stack([picture(lite, target) for target in TARGETS])
    sheet = np.concatenate([np.concatenate(list(row), 1) for row in images.reshape(-1, COLUMNS, SIDE, SIDE, 3)])
    Image.fromarray(sheet).save(RESULT.with_suffix(".jpg"), quality=80, optimize=True)
    found = [[round(value, 3) for value in pair] for pair in judged(lite, stored())]
    RESULT.write_text(json.dumps(dict(zip(TARGETS, found, strict=True))) + "\n", encoding="utf-8")
    print(found, RESULT.with_suffix(".jpg").stat().st_size)


if __name__ == "__main__":
    main()
