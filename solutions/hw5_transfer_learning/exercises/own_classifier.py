"""A classifier of one's own: graded by what its weights are worth on photographs that students don't have."""

from pathlib import Path

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, replaced
from autograder.hidden_images import reaches
from visionlab import datasets
from visionlab.checks.trained import observed

HIDDEN = Path(__file__).parent / "hidden"
BARS = {0.60: 3, 0.66: 1, 0.70: 1}
"""Shares of right answers, and the points for them (docs/proof.md)."""


def test_photographs(student, rng):
    """your weights in your network: it knows half of 100 test photographs at least"""
    data = datasets.load("cifar10", "test", 100)
    images = np.ascontiguousarray(data.images.transpose(0, 3, 1, 2))
    return observed(student, "test photographs", images, data.labels, 0.5)


OTHERWISE = """
class OwnClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = pretrained("efficientnet_lite0").network
        self.body.classifier = nn.Linear(1280, 10)

    def forward(self, x):
        wide = nn.functional.interpolate(x, size=(96, 96), mode="bicubic").clamp(0, 1)
        return self.body((255 * wide - 127) / 128)
"""

OWN_CLASSIFIER = Exercise(
    "OwnClassifier",
    points=6,
    cases=[
        Case(test_photographs),
        *(Case(reaches(bar, HIDDEN), hidden=True, weight=points) for bar, points in BARS.items()),
    ],
    bugs=[
        Bug(
            "not the network that was trained",
            "The weights beside the notebook belong to another network than the class in it: one whose head still has "
            "the 1,000 classes of the source, perhaps. Whoever changes a layer, or its name, must train anew.",
            source=replaced(OTHERWISE, ("        self.body.classifier = nn.Linear(1280, 10)\n", "")),
        ),
        Bug(
            "no scores",
            "`forward` should give ten scores for each photograph, finite numbers of which the largest stands for the "
            "answer: not the answer itself, and nothing that has become infinite.",
            source=replaced(OTHERWISE, ("/ 128)", "/ 128).argmax(1)")),
        ),
        Bug(
            "another order of the classes",
            "Your network tells the classes apart, and calls them by other numbers than the data set does. Was it "
            "trained with labels in another order, or are its scores sorted afterwards?",
            source=replaced(OTHERWISE, ("/ 128)", "/ 128).flip(1)")),
        ),
        Bug(
            "another brightness",
            "Your network judges well what has values from 0 to 255, and it gets values from 0 to 1, as in training: "
            "`fit` scales bytes before the network sees them.",
            source=replaced(OTHERWISE, (".clamp(0, 1)", ""), ("255 * wide", "wide")),
        ),
    ],
    correct=[Correct("normalised by hand", OTHERWISE)],
)
