"""A network of the student's own, to be worked out on paper: its numbers are drawn from the student's name."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise
from visionlab.checks.draws import paper_network


def form(value):
    """Say what kind of answer something is."""
    whole = int | np.integer
    if isinstance(value, tuple | list) and len(value) == 3 and all(isinstance(number, whole) for number in value):
        return "three whole numbers"
    return "a whole number" if isinstance(value, whole) and not isinstance(value, bool) else "neither"


def own_form(student, rng):
    """the form of your answers: whether they are *right* you learn when your work is graded"""
    answers = student(paper_network(rng))
    return {f"kind of {name!r}": form(value) for name, value in answers.items()}


def own_sizes(student, rng):
    """the sizes in your own network"""
    answers = student(paper_network(rng))
    return {name: answers[name] for name in ("after conv1", "after pool", "after conv2")}


def own_parameters(student, rng):
    """the parameters of your own network"""
    answers = student(paper_network(rng))
    return {name: answers[name] for name in ("parameters of conv1", "parameters of conv2")}


def own_connections(student, rng):
    """the connections of your own network's second convolution"""
    return {"connections of conv2": student(paper_network(rng))["connections of conv2"]}


def own_field(student, rng):
    """the pixels that a unit of your own network sees"""
    return {"pixels seen": student(paper_network(rng))["pixels seen"]}


EXERCISES = [
    Exercise(
        "my_numbers",
        points=3,
        cases=[
            Case(own_form, weight=0),
            Case(own_sizes, personal=True, weight=3),
            Case(own_parameters, personal=True, weight=2),
            Case(own_connections, personal=True),
            Case(own_field, personal=True),
        ],
        bugs=[
            Bug(
                "+ 1 forgotten",
                "Your sizes count the steps that the window takes, but not the place where it starts: add 1.",
                ('layer["stride"] + 1', 'layer["stride"]'),
            ),
            Bug(
                "rounded up",
                "You round up what doesn't come out whole. A window that would stick out is left out: round down.",
                ("    return (length + 2", "    return -(-(length + 2"),
                ('// layer["stride"] + 1', '// -layer["stride"]) + 1'),
            ),
            Bug(
                "padding on one side only",
                "You add the padding once. It lies on both sides: twice the padding.",
                ("2 * layer.get", "layer.get"),
            ),
            Bug(
                "biases forgotten",
                "You count the weights alone. Each filter also has a bias.",
                ('weights + layer["filters"]', "weights"),
            ),
            Bug(
                "filters of one channel",
                "Your filters have one sheet of weights. A filter reaches through all channels of what it reads.",
                ("* channels * layer", "* layer"),
            ),
            Bug(
                "the image's channels everywhere",
                "For conv2 you take the image's channels. It reads conv1's maps: one channel for each of its filters.",
                ('weights = layer["filters"] * channels', 'weights = layer["filters"] * network["input"][0]'),
            ),
            Bug(
                "weights instead of connections",
                "For the connections you give the weights. Each weight is used once at every place of the output.",
                ("weights * rows * columns", "weights"),
            ),
            Bug(
                "strides forgotten in what is seen",
                "You add up kernels as if neighbours were always one pixel apart. A stride of S makes that S pixels.",
                ('jump *= layer["stride"]', "jump *= 1"),
            ),
            Bug(
                "a layer's own stride",
                "You let a layer's stride widen its own window. It only spreads the windows of the layers after it.",
                (
                    'seen += (layer["kernel"] - 1) * jump\n        jump *= layer["stride"]',
                    'jump *= layer["stride"]\n        seen += (layer["kernel"] - 1) * jump',
                ),
            ),
            Bug(
                "rows and columns exchanged",
                "You give columns before rows. The order is channels, rows, columns.",
                ("(channels, rows, columns)\n", "(channels, columns, rows)\n"),
            ),
        ],
        correct=[
            Correct(
                "layer by layer, with numpy's whole numbers and lists",
                '''
import numpy as np
def my_numbers(network):
    """One layer after the other."""
    c1, p, c2 = network["conv1"], network["pool"], network["conv2"]
    image = np.array(network["input"][1:])
    after1 = (image + 2 * c1["padding"] - c1["kernel"]) // c1["stride"] + 1
    after_pool = (after1 - p["kernel"]) // p["stride"] + 1
    after2 = (after_pool + 2 * c2["padding"] - c2["kernel"]) // c2["stride"] + 1
    F, G = c1["filters"], c2["filters"]
    return {
        "pixels seen": c1["kernel"] + c1["stride"] * (p["kernel"] - 1 + p["stride"] * (c2["kernel"] - 1)),
        "after conv1": [F, *after1], "after pool": [F, *after_pool], "after conv2": [G, *after2],
        "parameters of conv1": F * (network["input"][0] * c1["kernel"] ** 2 + 1),
        "parameters of conv2": G * (F * c2["kernel"] ** 2 + 1),
        "connections of conv2": np.prod(after2) * G * F * c2["kernel"] ** 2,
    }
''',
            )
        ],
    )
]
