"""`make gpu-bench`: CIFAR-10 from scratch to 94 % of the test images on one GPU, in code that can be read.

The network and recipe follow David Page's "How to train your ResNet" (myrtle.ai, 2018–2019): a residual network of nine
layers, large batches, one triangle of a learning rate, label smoothing, crops, flips and cutout; the newest weights
averaged over the last steps. What makes it quick here: all images stay on the GPU and are augmented there a batch at a
time, numbers are bfloat16, and the whole step is compiled.

Reported apart: the time to compile and warm up, and that to train (with augmentation, without judging the test set,
which is looked at once, in the end).
"""

import argparse
import copy
import statistics
import time
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from visionlab.datasets import load
from visionlab.training import as_tensors, device

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
MARGIN = 4
"""Pixels by which images are moved at most."""


@dataclass(frozen=True)
class Recipe:
    """How the network is trained; shares are of the whole training."""

    epochs: int = 18
    batch_size: int = 512
    width: int = 64  # channels of the first convolution; later ones have 2, 4 and 8 times as many
    rate: float = 0.4  # the highest
    weight_decay: float = 5e-4
    momentum: float = 0.9
    rising: float = 0.2  # share in which the rate rises
    smoothing: float = 0.1  # of the labels
    cutout: int = 8  # side of the square that is blanked
    averaged: float = 0.1  # share at the end over which weights are averaged


def convolution(read, write, *then):
    """A 3×3 convolution, batch normalisation and a ReLU, and what follows them."""
    return nn.Sequential(
        nn.Conv2d(read, write, 3, padding=1, bias=False), nn.BatchNorm2d(write), nn.ReLU(inplace=True), *then
    )


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(convolution(channels, channels), convolution(channels, channels))

    def forward(self, x):
        """From (N, C, H, W) to the same shape."""
        return x + self.branch(x)


class ResNet9(nn.Module):
    """Page's network: from normalised images (N, 3, 32, 32) to scores (N, 10)."""

    def __init__(self, width=64, scale=0.125):
        super().__init__()
        self.body = nn.Sequential(
            convolution(3, width),
            convolution(width, 2 * width, nn.MaxPool2d(2), Residual(2 * width)),
            convolution(2 * width, 4 * width, nn.MaxPool2d(2)),
            convolution(4 * width, 8 * width, nn.MaxPool2d(2), Residual(8 * width)),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
        )
        self.linear = nn.Linear(8 * width, 10, bias=False)
        self.scale = scale

    def forward(self, x):
        """Judge the images; the scores are scaled down, so that the training begins unsure."""
        return self.scale * self.linear(self.body(x))


def prepared(split, images, on):
    """Load a split: normalised images, in bfloat16 on a GPU, and labels."""
    pixels, labels = as_tensors(load("cifar10", split, images))
    kind = torch.bfloat16 if on.type == "cuda" else torch.float32
    normalised = (pixels.float() / 255 - MEAN) / DEVIATION
    return normalised.to(on, kind).contiguous(memory_format=torch.channels_last), labels.to(on)


def augmented(images, cutout):
    """Move, flip and blank each image of a batch by itself.

    Parameters
    ----------
    images : torch.Tensor
        Of shape (N, 3, H, W).
    cutout : int
        Side of the blanked square.

    Returns
    -------
    torch.Tensor
        Of the same shape.
    """
    count, _, height, width = images.shape
    on = images.device
    rows, columns = torch.randint(-MARGIN, MARGIN + 1, (2, count, 1), device=on)
    flipped = torch.rand(count, 1, device=on) < 0.5
    along = torch.arange(width, device=on).expand(count, width)
    y = torch.arange(height, device=on).expand(count, height) + rows
    x = torch.where(flipped, width - 1 - along, along) + columns
    picked = images[
        torch.arange(count, device=on)[:, None, None], :, _mirrored(y, height)[:, :, None], _mirrored(x, width)[:, None]
    ]  # (N, H, W, 3)
    top = torch.randint(0, height - cutout + 1, (count, 1), device=on)
    left = torch.randint(0, width - cutout + 1, (count, 1), device=on)
    down, across = torch.arange(height, device=on), torch.arange(width, device=on)
    inside = ((down >= top) & (down < top + cutout))[:, :, None] & ((across >= left) & (across < left + cutout))[
        :, None
    ]
    return picked.masked_fill(inside[..., None], 0).permute(0, 3, 1, 2)


def _mirrored(index, size):
    """Indices that have left an axis, reflected at its ends."""
    index = index.abs()
    return torch.where(index >= size, 2 * (size - 1) - index, index)


def factor(progress, rising):
    """The rate at a point of the training, as a share of the highest: up in a straight line, and down again."""
    return progress / rising if progress < rising else (1 - progress) / (1 - rising)


def train(recipe, data, on, compiled):
    """Train a network.

    Parameters
    ----------
    recipe : Recipe
    data : tuple of two torch.Tensor
        From `prepared`.
    on : torch.device
    compiled : bool
        Whether the step is compiled, before the clock starts.

    Returns
    -------
    network : torch.nn.Module
    warm_up, seconds : float
        What compiling and the first steps took, and what training took.
    """
    images, labels = data
    network = ResNet9(recipe.width).to(on, memory_format=torch.channels_last)
    averaged = copy.deepcopy(network)
    steps_an_epoch = len(labels) // recipe.batch_size
    steps = recipe.epochs * steps_an_epoch

    def loss_of(images, labels):
        with torch.autocast(on.type, torch.bfloat16, enabled=on.type == "cuda"):
            scores = network(augmented(images, recipe.cutout))
        return cross_entropy(scores.float(), labels, label_smoothing=recipe.smoothing)

    step_loss = torch.compile(loss_of) if compiled else loss_of
    first = copy.deepcopy(network.state_dict())
    began = time.perf_counter()
    for _ in range(3 if compiled else 1):  # with data of no meaning, and weights that are put back afterwards
        step_loss(images[: recipe.batch_size], labels[: recipe.batch_size]).backward()
    network.load_state_dict(first)
    network.zero_grad()
    _wait(on)
    warm_up = time.perf_counter() - began

    optimiser = torch.optim.SGD(
        network.parameters(), lr=recipe.rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay, nesterov=True
    )
    began, step, kept = time.perf_counter(), 0, 0
    for _ in range(recipe.epochs):
        order = torch.randperm(len(labels), device=on)
        for chosen in order[: steps_an_epoch * recipe.batch_size].split(recipe.batch_size):
            optimiser.param_groups[0]["lr"] = recipe.rate * factor((step + 0.5) / steps, recipe.rising)
            step_loss(images[chosen], labels[chosen]).backward()
            optimiser.step()
            optimiser.zero_grad()
            step += 1
            if step > steps * (1 - recipe.averaged):
                kept += 1
                _add(averaged, network, kept)
    _wait(on)
    return averaged if kept else network, warm_up, time.perf_counter() - began


@torch.no_grad()
def _add(averaged, network, count):
    """Take the newest weights into a mean of ``count``."""
    for mean, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        mean.copy_(new) if count == 1 or not mean.is_floating_point() else mean.lerp_(new, 1 / count)


@torch.no_grad()
def accuracy(network, data):
    """The share of images that are told right, judged together with their mirror images."""
    images, labels = data
    network.eval()
    with torch.autocast(images.device.type, torch.bfloat16, enabled=images.device.type == "cuda"):
        scores = [network(part) + network(part.flip(3)) for part in images.split(1000)]
    return (torch.cat(scores).argmax(1) == labels).float().mean().item()


def _wait(on):
    if on.type == "cuda":
        torch.cuda.synchronize()


def main(arguments=None):
    """Train with a few seeds and print what it took."""
    parser = argparse.ArgumentParser(description="CIFAR-10 from scratch to 94 % on one GPU.")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args(arguments)
    on = device()
    if on.type != "cuda":
        raise SystemExit("There is no NVIDIA or AMD GPU here, so there is nothing to measure.")
    torch.set_float32_matmul_precision("high")
    train_set, test_set = (prepared(split, "full", on) for split in ("train", "test"))
    if len(train_set[1]) != 50_000:
        raise SystemExit("The full CIFAR-10 is not here and could not be fetched: nothing was measured.")
    print(torch.cuda.get_device_name(), "PyTorch", torch.__version__)
    seconds, accuracies = [], []
    for seed in range(options.seeds):
        torch.manual_seed(seed)
        network, warm_up, taken = train(Recipe(), train_set, on, compiled=True)
        seconds.append(taken)
        accuracies.append(accuracy(network, test_set))
        print(f"seed {seed}: {accuracies[-1]:.2%}, {taken:.1f} s (before that {warm_up:.1f} s to compile and warm up)")
    print(f"mean {statistics.mean(accuracies):.2%} of the test images in {statistics.median(seconds):.1f} s (median)")


if __name__ == "__main__":
    main()
