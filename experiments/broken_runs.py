"""`python -m experiments.broken_runs`: eight trainings of one small network, seven of them with something wrong.

The lecture on training shows their curves and asks what is wrong with each. Every run uses real digits, and its fault
is one that really happens; what is stored are the measurements of that run and nothing drawn by hand.
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from visionlab import datasets
from visionlab.training import as_tensors, evaluate

RESULT = Path(__file__).resolve().parent.parent / "data" / "results" / "broken_runs.json"
BATCH = 50
STEPS = 400
EVERY = 8
"""Steps between two measurements; the first is after step 1."""


def network(seed=1):
    """Two convolutions and two linear layers: (N, 1, 28, 28) -> (N, 10). Torch's own first weights."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(8, 16, 5, stride=2, padding=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(16 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def data():
    """5,500 digits to train on and 500 to validate with, as floats from 0 to 1."""
    images, labels = as_tensors(datasets.load("mnist"))
    images = images.float() / 255
    return (images[:5500], labels[:5500]), (images[5500:], labels[5500:])


def run(steps=STEPS, *, rate=0.1, momentum=0.9, images=5500, shuffle=True, change=None, loss=cross_entropy, seed=1):
    """Train, and measure on the way.

    Parameters
    ----------
    steps : int
    rate : float or function
        Learning rate of plain SGD with momentum; a function of the step.
    momentum : float
    images : int
        How many of the training images are used.
    shuffle : bool
        Otherwise all zeros come first, then all ones, …
    change : function, optional
        What is done with every image, of training and validation.
    loss : function
        From scores and labels to a scalar.
    seed : int
        For the first weights and the order of the images.

    Returns
    -------
    dict of str to list
        ``step``; ``loss`` and ``accuracy``, means over the training batches since the last measurement;
        ``validation_loss``, ``validation_accuracy``; ``update_ratio``, the length of the last update of each of the
        four weight arrays as a share of the length of the array; ``dead``, the share of the units of the hidden linear
        layer that are 0 on every validation image.
    """
    (x, y), (new_x, new_y) = data()
    x, y = x[:images], y[:images]
    if change:
        x, new_x = change(x), change(new_x)
    if not shuffle:
        by_class = y.argsort(stable=True)
        x, y = x[by_class], y[by_class]
    model = network(seed)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum)
    weights = [p for p in model.parameters() if p.dim() > 1]
    torch.manual_seed(seed + 1)
    names = ("step", "loss", "accuracy", "validation_loss", "validation_accuracy", "update_ratio", "dead")
    curves = {name: [] for name in names}
    queue, losses, right = [], [], []
    for step in range(1, steps + 1):
        if not queue:
            order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
            queue = list(order.split(BATCH))
        batch = queue.pop(0)
        optimiser.param_groups[0]["lr"] = rate(step) if callable(rate) else rate
        scores = model(x[batch])
        value = loss(scores, y[batch])
        optimiser.zero_grad()
        value.backward()
        before = [w.detach().clone() for w in weights]
        optimiser.step()
        losses.append(value.item())
        right.append((scores.argmax(1) == y[batch]).float().mean().item())
        if step == 1 or step % EVERY == 0:
            after = evaluate(model, new_x, new_y, loss=loss)
            with torch.no_grad():
                ratio = [float((w - old).norm() / old.norm()) for w, old in zip(weights, before, strict=True)]
                dead = float((model[:7](new_x) == 0).all(0).float().mean())
            row = (step, sum(losses) / len(losses), sum(right) / len(right), *after, ratio, dead)
            for name, measured in zip(names, row, strict=True):
                curves[name].append(measured)
            losses, right = [], []
    return curves


def centred(images):
    """Subtract the mean of the training pixels and divide by their deviation: 0.1307 and 0.3081 for MNIST."""
    return (images - 0.1307) / 0.3081


def one_long_step(step):
    """Give the usual rate, but for one accident at the beginning."""
    return 10.0 if step == 10 else 0.02


def with_softmax(scores, labels):
    """The bug: cross_entropy takes scores and does the softmax itself; here it is done twice."""
    return cross_entropy(scores.softmax(1), labels)


RUNS = {
    "healthy": {"change": centred, "rate": 0.01},
    "rate too high": {"change": centred, "rate": 0.1},
    "dead ReLUs": {"change": centred, "rate": one_long_step},
    "no shuffling": {"change": centred, "rate": 0.1, "momentum": 0.0, "shuffle": False},
    "overfitting": {"change": centred, "rate": 0.01, "images": 100},
    "bad scaling": {"change": lambda images: 255 * images, "rate": 0.0002},
    "softmax twice": {"change": centred, "rate": 0.05, "loss": with_softmax},
    "rate too low": {"change": centred, "rate": 1e-4},
}


def rounded(value):
    """Keep four significant digits: the file stays small."""
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return value if isinstance(value, int) else float(f"{value:.4g}")


def main():
    """Do all runs, print how each ends, and store the curves."""
    torch.set_num_threads(1)
    runs = {}
    for name, settings in RUNS.items():
        runs[name] = {key: rounded(curve) for key, curve in run(**settings).items()}
        last = {
            key: runs[name][key][-1] for key in ("loss", "accuracy", "validation_loss", "validation_accuracy", "dead")
        }
        print(f"{name:16}", "   ".join(f"{key} {value:.3g}" for key, value in last.items()), flush=True)
    RESULT.write_text(json.dumps({"batch": BATCH, "runs": runs}, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
