"""`python -m experiments.depth`: 20 and 56 layers, plain and residual, trained alike on a small budget.

He et al. (2016, figures 1 and 6) trained such networks on all of CIFAR-10 for 64,000 steps, and the plain one of 56
layers ended with a larger *training* error than that of 20. Here the same four networks have half the channels, the
3000 images of the embedded subset at 16×16 pixels, and 900 steps. Nothing is done against overfitting: what is
compared is how well each network gets its own training images right.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from torch.nn.functional import avg_pool2d

from visionlab import datasets
from visionlab.nets import cifar_resnet
from visionlab.training import as_tensors, evaluate, fit, warm_up_and_cosine

RESULT = Path(__file__).resolve().parent.parent / "data" / "results" / "depth.json"
RUNS = [(depth, residual) for depth in (20, 56) for residual in (False, True)]
SEEDS = (0, 1)
EPOCHS = 30
SETTINGS = {"batch": 100, "rate": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "width": 8, "side": 16}
CURVES = {
    "loss": "loss",
    "accuracy": "accuracy",
    "validation_loss": "test_loss",
    "validation_accuracy": "test_accuracy",
}


def data(split, images=None):
    """Load CIFAR-10's embedded subset at 16×16 pixels.

    Parameters
    ----------
    split : {"train", "test"}
    images : int, optional
        Only so many of them.

    Returns
    -------
    images : torch.Tensor
        float32, (N, 3, 16, 16); each pixel is the mean of four, and each channel of the training images has about the
        mean 0 and the deviation 1.
    labels : torch.Tensor
        int64, (N,).
    """
    pictures, labels = as_tensors(datasets.load("cifar10", split=split))
    mean, deviation = (torch.tensor(x).view(3, 1, 1) for x in ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]))
    small = avg_pool2d((pictures[:images].float() / 255 - mean) / deviation, 2)
    return small, labels[:images]


def make(depth, residual, seed=0):
    """Make one of the networks with its first weights."""
    torch.manual_seed(seed)
    return cifar_resnet(depth, residual=residual, width=SETTINGS["width"], side=SETTINGS["side"])


def run(depth, residual, seed=0, *, epochs=EPOCHS, of=None, train=None, test=None):
    """Train one network.

    Parameters
    ----------
    depth : int
    residual : bool
    seed : int
        Fixes the first weights and the order of the images.
    epochs : int
    of : int, optional
        The schedule is that of a training of so many epochs, of which this is the beginning; by default of ``epochs``.
    train, test : tuple of two torch.Tensor, optional
        By default those of `data`.

    Returns
    -------
    dict
        ``depth``, ``residual``, ``seed``; curves with a value an epoch: ``loss`` and ``accuracy`` over the training
        batches as they went by, ``test_loss``, ``test_accuracy``; and ``end``: loss and accuracy of the trained network
        on all training images.
    """
    train, test = train or data("train"), test or data("test")
    network = make(depth, residual, seed)
    options = {name: SETTINGS[name] for name in ("momentum", "weight_decay")}
    optimiser = torch.optim.SGD(network.parameters(), lr=SETTINGS["rate"], **options)
    whole, share = warm_up_and_cosine(), epochs / (of or epochs)
    history = fit(
        network, train, test, epochs=epochs, optimiser=optimiser, batch_size=SETTINGS["batch"],
        schedule=lambda done: whole(done * share), seed=seed, on="cpu", progress=False,
    )  # fmt: skip
    curves = {ours: [round(value, 4) for value in history[theirs]] for theirs, ours in CURVES.items()}
    end = [round(value, 4) for value in evaluate(network, *train)]
    return {"depth": depth, "residual": residual, "seed": seed, **curves, "end": end}


def main():
    """Do all runs, print how each ends, and store them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, test = data("train"), data("test")
    runs = []
    for seed in options.seeds:
        for depth, residual in RUNS:
            started = time.perf_counter()
            runs.append(run(depth, residual, seed, epochs=options.epochs, train=train, test=test))
            loss, accuracy = runs[-1]["end"]
            kind = "residual" if residual else "plain"
            print(
                f"{depth} layers, {kind:8}  seed {seed}: training loss {loss:.3f}, accuracy {accuracy:.1%}; "
                f"test accuracy {runs[-1]['test_accuracy'][-1]:.1%}   ({time.perf_counter() - started:.0f} s)",
                flush=True,
            )
            settings = SETTINGS | {"epochs": options.epochs, "images": len(train[0]), "test_images": len(test[0])}
            options.result.write_text(json.dumps({"settings": settings, "runs": runs}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
