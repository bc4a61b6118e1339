"""`make mnist-table`: five classifiers on all of MNIST, beside the numbers that the lecture slides print for them.

The published numbers are those of the slides "Image classification": after LeCun, Bottou, Bengio, Haffner (1998) for
pixels and the convolutional network, after Maji and Malik (2009) for histograms of oriented gradients.
"""

import json
import time
from pathlib import Path

import numpy as np
import torch
from skimage.feature import hog
from sklearn.svm import SVC, LinearSVC
from torch import nn

from visionlab import datasets

RESULT = Path(__file__).resolve().parent.parent / "data" / "results" / "mnist_table.json"
PUBLISHED = {
    "linear classifier on pixels": 12.0,
    "two-layer network on pixels": 1.41,
    "linear classifier on HOG": 1.44,
    "kernel SVM on HOG": 0.79,
    "convolutional network": 0.95,
}


def gradients(images):
    """HOG features, 9 directions in cells of 4×4 pixels, blocks of 2×2 cells: (N, 28, 28) -> (N, 1296)."""
    settings = {"orientations": 9, "pixels_per_cell": (4, 4), "cells_per_block": (2, 2), "block_norm": "L2-Hys"}
    return np.stack([hog(image, **settings) for image in images]).astype(np.float32)


def train(network, x, y, epochs, rate, decay=0.0):
    """Train with Adam and a cosine schedule, batches of 128."""
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate, weight_decay=decay)
    steps = epochs * (len(x) // 128)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(x))[: len(x) // 128 * 128].split(128):
            loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def error_of_network(network, x, y):
    """Percentage of wrong answers."""
    with torch.no_grad():
        answers = torch.cat([network(part).argmax(1) for part in x.split(1000)])
    return 100 * (answers != y).float().mean().item()


def convolutional():
    """A small network of LeNet's kind, in today's style: ReLU, max pooling, batch normalisation."""
    layers = []
    for channels_in, channels in ((1, 16), (16, 32)):
        layers += [nn.Conv2d(channels_in, channels, 5, padding=2), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10))


def main():
    """Run all five, print and store the table."""
    train_set, test_set = (datasets.load("mnist", split=split, subset="full") for split in ("train", "test"))
    pixels, test_pixels = (torch.tensor(part.images).float().flatten(1) / 255 for part in (train_set, test_set))
    labels, test_labels = (torch.tensor(part.labels).long() for part in (train_set, test_set))
    pictures, test_pictures = (part.reshape(-1, 1, 28, 28) for part in (pixels, test_pixels))
    edges, test_edges = gradients(train_set.images), gradients(test_set.images)

    def linear():
        torch.manual_seed(0)
        network = train(nn.Sequential(nn.Linear(784, 10)), pixels, labels, 30, 3e-3)
        return error_of_network(network, test_pixels, test_labels)

    def two_layers():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(784, 800), nn.ReLU(), nn.Dropout(0.2), nn.Linear(800, 10))
        return error_of_network(train(network, pixels, labels, 20, 1e-3), test_pixels, test_labels)

    def linear_on_edges():
        machine = LinearSVC(C=0.05, random_state=0).fit(edges, train_set.labels)
        return 100 * (machine.predict(test_edges) != test_set.labels).mean()

    def kernel_machine():
        machine = SVC(C=10, gamma=0.02, cache_size=2000).fit(edges, train_set.labels)
        return 100 * (machine.predict(test_edges) != test_set.labels).mean()

    def network():
        torch.manual_seed(0)
        return error_of_network(train(convolutional(), pictures, labels, 8, 2e-3), test_pictures, test_labels)

    runs = {
        "linear classifier on pixels": (linear, "softmax regression, 784·10 + 10 weights"),
        "two-layer network on pixels": (two_layers, "784–800–10, ReLU, dropout"),
        "linear classifier on HOG": (linear_on_edges, "linear SVM on 1296 features"),
        "kernel SVM on HOG": (kernel_machine, "RBF kernel, the same features"),
        "convolutional network": (network, "two convolutions of 5×5, batch normalisation, 8 epochs"),
    }
    rows = []
    for name, (run, note) in runs.items():
        started = time.perf_counter()
        error = round(float(run()), 2)
        seconds = round(time.perf_counter() - started)
        rows.append({"name": name, "error_percent": error, "published": PUBLISHED[name], "note": note})
        print(f"{name:30} {error:6.2f} %   published {PUBLISHED[name]:5.2f} %   {seconds} s", flush=True)
    data = {"training_images": len(labels), "test_images": len(test_labels), "rows": rows}
    RESULT.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
