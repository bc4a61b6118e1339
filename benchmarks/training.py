"""`make bench`: `visionlab.training.fit` beside the plain loop of PyTorch's MNIST example, in one run.

Both train the example's network with its optimiser, batch size and rate on the same images for as many epochs, by
turns; the ratio is what counts: seconds belong to one machine. The plain loop reads its images as torchvision's data
set does, one by one, through Pillow (https://github.com/pytorch/examples/blob/main/mnist/main.py).
"""

import argparse
import functools
import statistics
import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

from visionlab import datasets
from visionlab.training import as_tensors, evaluate, fit, has_bfloat16

MEAN, DEVIATION = 0.1307, 0.3081


class PlainImages(Dataset):
    """Images that are decoded and converted each time they are asked for."""

    def __init__(self, images, labels):
        self.images, self.labels = torch.from_numpy(images), torch.from_numpy(labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = Image.fromarray(self.images[index].numpy())
        pixels = torch.from_numpy(np.array(image, copy=True))[None].contiguous().float().div(255)
        return (pixels - MEAN) / DEVIATION, int(self.labels[index])


def example_network():
    """The network of PyTorch's MNIST example; 1,199,882 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    )  # fmt: skip


def plain(data, epochs):
    """The example's loop; return the trained network."""
    network = example_network()
    optimiser = torch.optim.Adadelta(network.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=1, gamma=0.7)
    loader = DataLoader(PlainImages(data.images, data.labels), batch_size=64, shuffle=True)
    for _ in range(epochs):
        network.train()
        for images, labels in loader:
            optimiser.zero_grad()
            loss = cross_entropy(network(images), labels)
            loss.backward()
            optimiser.step()
        schedule.step()
    return network


def ours(data, epochs, bfloat16=False):
    """The same training by `fit`; return the trained network."""
    network = example_network()
    optimiser = torch.optim.Adadelta(network.parameters(), lr=1.0)
    images, labels = as_tensors(data)
    images = (images.float() / 255 - MEAN) / DEVIATION
    fit(
        network, (images, labels), epochs=epochs, optimiser=optimiser, on="cpu", progress=False, bfloat16=bfloat16,
        schedule=lambda progress: 0.7 ** int(progress * epochs),
    )  # fmt: skip
    return network


def main():
    """Train by turns and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    data = datasets.load("mnist", subset=options.images)
    test_images, test_labels = as_tensors(datasets.load("mnist", split="test"))
    test = (test_images.float() / 255 - MEAN) / DEVIATION, test_labels
    ways = {"the plain loop": plain, "fit": ours}
    if has_bfloat16(torch.device("cpu")):
        ways["fit(bfloat16=True)"] = functools.partial(ours, bfloat16=True)
    else:
        print("This processor has no bfloat16: fit(bfloat16=True) is left out.")
    seconds, accuracies = ({name: [] for name in ways} for _ in range(2))
    for number in range(options.rounds):
        for name, train in ways.items():
            torch.manual_seed(number)
            start = time.perf_counter()
            network = train(data, options.epochs)
            seconds[name].append(time.perf_counter() - start)
            accuracies[name].append(evaluate(network, *test)[1])
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, median in medians.items():
        times = medians["the plain loop"] / median
        print(f"{name:>18}: {median:5.1f} s, {times:.2f} ×, {np.mean(accuracies[name]):.2%} of the test images right")


if __name__ == "__main__":
    main()
