"""A network of one's own: graded by what its weights are worth on photographs that students don't have."""

from pathlib import Path

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, replaced
from autograder.hidden_images import reaches
from visionlab import datasets
from visionlab.checks.trained import observed

HIDDEN = Path(__file__).parent / "hidden"
BARS = {0.45: 5, 0.52: 2, 0.56: 2}
"""Shares of right answers, and the points for them: what a laptop can do (docs/proof.md). A class whose students all
have GPUs can be asked for more: then change the table in the notebook too."""


def test_photographs(student, rng):
    """your weights in your network: it knows the test photographs, a third of them at least"""
    data = datasets.load("cifar10", "test")
    return observed(
        student, "test photographs", np.ascontiguousarray(data.images.transpose(0, 3, 1, 2)), data.labels, 1 / 3
    )


WRITTEN_OUT = """
class OwnNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        for read, write in ((3, 24), (24, 48), (48, 96)):
            layers += [nn.Conv2d(read, write, 3, padding=1, bias=False), nn.BatchNorm2d(write), nn.ReLU()]
            layers += [nn.MaxPool2d(2)]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 10))

    def forward(self, x):
        return self.body((x - 0.47) / 0.25)
"""
BY_HAND = """
class OwnNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.ModuleDict()
        for i, (read, write) in enumerate(((3, 24), (24, 48), (48, 96))):
            self.body[str(4 * i)] = nn.Conv2d(read, write, 3, padding=1, bias=False)
            self.body[str(4 * i + 1)] = nn.BatchNorm2d(write)
        self.body["14"] = nn.Linear(96, 10)

    def forward(self, x):
        z = 4 * x - 1.88
        for i in (0, 4, 8):
            z = nn.functional.max_pool2d(self.body[str(i + 1)](self.body[str(i)](z)).relu(), 2)
        return self.body["14"](z.mean((2, 3)))
"""

OWN_NETWORK = Exercise(
    "OwnNetwork",
    points=10,
    cases=[
        Case(test_photographs),
        *(Case(reaches(bar, HIDDEN), hidden=True, weight=points) for bar, points in BARS.items()),
    ],
    bugs=[
        Bug(
            "not the network that was trained",
            "The weights beside the notebook belong to another network than the class in it. Whoever changes a layer, "
            "or its name, must train anew; a network that looks different on a GPU can't be graded without one.",
            source=replaced(WRITTEN_OUT, ("(3, 24), (24, 48), (48, 96)", "(3, 32), (32, 64), (64, 96)")),
        ),
        Bug(
            "no scores",
            "`forward` should give ten scores for each photograph, finite numbers of which the largest stands for the "
            "answer: not the answer itself, and nothing that has become infinite.",
            source=replaced(WRITTEN_OUT, ("/ 0.25)", "/ 0.25).argmax(1)")),
        ),
        Bug(
            "another order of the classes",
            "Your network tells the classes apart, and calls them by other numbers than the data set does. Was it "
            "trained with labels in another order, of another data set, or are its scores sorted afterwards?",
            source=replaced(WRITTEN_OUT, ("/ 0.25)", "/ 0.25).flip(1)")),
        ),
        Bug(
            "another brightness",
            "Your network judges well what has values from 0 to 255, and it gets values from 0 to 1, as in training: "
            "`fit` scales bytes before the network sees them. Don't divide by 255 once more in `forward`.",
            source=replaced(WRITTEN_OUT, ("(x - 0.47)", "(x / 255 - 0.47)")),
        ),
        Bug(
            "one answer for all",
            "Your network answers nearly all photographs with the same class. Has its training exploded or never "
            "begun, or is what it sees lost on the way?",
            source=replaced(WRITTEN_OUT, ("(x - 0.47)", "(x * 0 - 0.47)")),
        ),
        Bug(
            "not the same answer twice",
            "Asked twice about the same photographs, your network answers differently: chance or the rest of the batch "
            "has a say after training, too. Dropout and batch normalisation stop that in `eval()` if they are layers "
            "of the network, made in `__init__`; `functional.dropout` needs `training=self.training`.",
            source=replaced(
                WRITTEN_OUT,
                (
                    "return self.body((x - 0.47) / 0.25)",
                    "return self.body(nn.functional.dropout((x - 0.47) / 0.25, 0.1))",
                ),
            ),
        ),
    ],
    correct=[Correct("all layers written out", WRITTEN_OUT), Correct("layers by hand", BY_HAND)],
)
