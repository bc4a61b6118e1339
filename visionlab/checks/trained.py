"""Networks that a student has trained: what the weights beside a notebook are worth in the student's own network.

`answers` runs where the student's class lives, by `visionlab.checks.handle.beside`; it gets images and never their
labels. What its answers are worth is found on the other side, by `observed`. Weights are read as safetensors, which
hold numbers and nothing else; nothing is ever unpickled.
"""

import hashlib
import weakref

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model
from scipy.optimize import linear_sum_assignment

from visionlab.checks.cases import Share
from visionlab.checks.files import beside_notebook
from visionlab.checks.handle import beside

WEIGHTS = "model.safetensors"
MOST_BYTES = 50_000_000
"""Size of a file of weights that is still read: 12 million numbers in float32."""

BATCH = 50
LOOKED_AT_ANEW = 90
"""So many images are judged once more, in batches of another size."""

FAR = 0.2
"""Share of right answers by which another order of the classes, or another scale, must be better to be the reason."""

_known = weakref.WeakKeyDictionary()


class WeightsMissing(Exception):
    """There is no file of weights beside the notebook."""


class WeightsTooLarge(Exception):
    """The file is larger than what is read."""


class NotSafetensors(Exception):
    """The file holds something else."""


class WeightsOfAnotherNetwork(Exception):
    """Names or shapes in the file are not those of the network."""


class ScoresUnusable(Exception):
    """What the network puts out is no score for each class."""


def observed(student, photographs, images, labels, least, classes=10):
    """Observe what a trained network is worth: the observations of a case that asks for a share of right answers.

    Parameters
    ----------
    student : Recorder
        The class of the network: made without arguments, from images (N, C, H, W), values 0 … 1, to scores.
    photographs : str
        What the images are called.
    images : numpy.ndarray
        uint8, of shape (N, C, H, W).
    labels : numpy.ndarray
        Integers of shape (N,).
    least : float
        The share of right answers that is asked for, 0 … 1.
    classes : int

    Returns
    -------
    dict of str to str
        The same for every network that reaches the share; the share itself is told, and not compared.
    """

    def ask(images, brightest=1):
        return np.asarray(beside(student, answers, student.itself, torch.from_numpy(images), brightest, classes))

    given = ask(images)
    if given.shape != labels.shape or given.dtype != np.int64:
        raise ValueError("no answer for each image")
    right = float(np.mean(given == labels))
    order, scale = "as in the data set", "0 … 1"
    if right < least:
        # Nothing here can be faked to advantage: it explains why an answer is not enough.
        matches = np.bincount(classes * labels + given, minlength=classes**2).reshape(classes, classes)
        if np.mean(given == np.bincount(given).argmax()) > 0.95:
            order = "one class, whatever the image shows"
        elif matches[linear_sum_assignment(matches, maximize=True)].sum() / len(labels) > right + FAR:
            order = "in another order than in the data set"
        if np.mean(ask(images[:LOOKED_AT_ANEW], 255) == labels[:LOOKED_AT_ANEW]) > right + FAR:
            scale = "0 … 255, and it gets 0 … 1"
    again = np.array_equal(ask(images[:LOOKED_AT_ANEW]), given[:LOOKED_AT_ANEW])
    return {
        "brightness the network expects": scale,
        "classes it answers with": order,
        "a second look at the same images": "gives the same answers" if again else "gives other answers",
        "right answers": f"{least:.0%} or more" if right >= least else f"{right:.1%}, and {least:.0%} are asked for",
        f"right answers among the {photographs}": Share(right),
    }


def answers(network_class, images, brightest=1, classes=10):
    """Ask a network, with the weights beside the notebook, for the class of each image.

    Parameters
    ----------
    network_class : class
    images : torch.Tensor
        uint8, of shape (N, C, H, W).
    brightest : float
        What 255 is scaled to before the network sees it.
    classes : int

    Returns
    -------
    numpy.ndarray
        int64, of shape (N,): where the largest score is.

    Raises
    ------
    WeightsMissing, WeightsTooLarge, NotSafetensors, WeightsOfAnotherNetwork, ScoresUnusable
        With what to do, to the student.
    """
    path = beside_notebook(WEIGHTS)
    readable = path.exists() and path.stat().st_size <= MOST_BYTES
    key = _digest(path.read_bytes() if readable else b""), _digest(images.numpy().tobytes()), brightest
    # Several cases ask the same network about the same images, and a large one takes long even to make.
    known = _known.setdefault(network_class, {})
    if key not in known:
        network = network_class()
        load(network, path)
        known[key] = _judge(network, images, brightest, classes)
    return known[key]


def _digest(content):
    return hashlib.sha256(content).digest()


def load(network, path):
    """Put the weights of a file into a network.

    Parameters
    ----------
    network : torch.nn.Module
    path : Path
    """
    if not path.exists():
        raise WeightsMissing(
            f"There is no {path.name} beside the notebook: run the cell that trains, and hand in the file with the "
            "notebook."
        )
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise WeightsTooLarge(
            f"{path.name} has {size / 1e6:,.0f} MB, and at most {MOST_BYTES / 1e6:.0f} MB are read. Keep the weights "
            "alone (`fit(folder=…)` does), in float32, of a smaller network."
        )
    if path.read_bytes()[:2] in (b"PK", b"\x80\x02", b"\x80\x04"):
        raise NotSafetensors(
            f"{path.name} is a pickle, as torch.save writes it. Pickles can hold any program, so it was not opened: "
            "write the weights with `safetensors.torch.save_model(network, path)`; `fit(folder=…)` does."
        )
    own = network.state_dict()
    try:
        load_model(network, path)
    except SafetensorError as problem:
        raise NotSafetensors(
            f"{path.name} is not a whole safetensors file ({problem}). Train once more, or copy the file again."
        ) from None
    except RuntimeError:
        shapes = [{name: tuple(tensor.shape) for name, tensor in part.items()} for part in (own, load_file(path))]
        raise WeightsOfAnotherNetwork(
            f"{path.name} holds the weights of another network than the one that stands in the notebook now: "
            f"{_difference(*shapes)}. Train anew, or put back the network that was trained."
        ) from None


def _difference(network, file):
    """The first layer in which a network and a file of weights differ; both are shapes by name."""
    name = next(name for name in network | file if network.get(name) != file.get(name))
    there, here = (part.get(name, "missing") for part in (network, file))
    return f"{name} is {there} in the network and {here} in the file"


@torch.no_grad()
def _judge(network, images, brightest, classes):
    network.eval()
    found = []
    for batch in images.split(BATCH):
        scores = network(batch.float() * (brightest / 255))
        if not isinstance(scores, torch.Tensor) or scores.shape != (len(batch), classes):
            got = f"shape {tuple(scores.shape)}" if isinstance(scores, torch.Tensor) else type(scores).__name__
            raise ScoresUnusable(
                f"For {len(batch)} images the network should put out {classes} scores each, shape "
                f"({len(batch)}, {classes}), and puts out {got}."
            )
        if not scores.isfinite().all():
            raise ScoresUnusable("Among the network's scores are infinite ones or nan: did the training explode?")
        found.append(scores.argmax(1))
    return torch.cat(found).numpy()
