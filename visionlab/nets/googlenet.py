"""GoogLeNet, or Inception v1: 22 layers with weights, and a ninth of AlexNet's parameters, 2014.

C. Szegedy et al.: Going deeper with convolutions. CVPR 2015, table 1.

An Inception module looks through windows of several sizes at once, and stacks what they see. 1×1 convolutions make the
input narrow before the wide windows look, which is what saves the parameters. Shapes, channels first::

    input 3×224×224 → conv1 64×112×112 → pool1 64×56×56 → conv2 192×56×56 → pool2 192×28×28
    → inception3a 256×28×28 → 3b 480×28×28 → pool3 480×14×14 → 4a … 4d 512, 512, 512, 528 ×14×14 → 4e 832×14×14
    → pool4 832×7×7 → 5a 832×7×7 → 5b 1024×7×7 → average 1024×1×1 → fc 1000

One fully connected layer remains, after the average over each map. The two side classifiers that helped in training
(thrown away afterwards) are left out.
"""

import torch
from torch import nn

from visionlab.nets.network import Network, he_initialise

TABLE = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""The paper's table 1: #1×1, #3×3 reduce, #3×3, #5×5 reduce, #5×5, pool proj."""


class Inception(nn.Module):
    """Four branches side by side: 1×1; 1×1 then 3×3; 1×1 then 5×5; 3×3 pooling then 1×1.

    Parameters
    ----------
    in_channels, one, reduce3, three, reduce5, five, pooled : int
        Channels, as in `TABLE`.
    """

    def __init__(self, in_channels, one, reduce3, three, reduce5, five, pooled):
        super().__init__()
        self.window1 = nn.Sequential(*_convolution(in_channels, one, 1))
        self.window3 = nn.Sequential(*_convolution(in_channels, reduce3, 1), *_convolution(reduce3, three, 3))
        self.window5 = nn.Sequential(*_convolution(in_channels, reduce5, 1), *_convolution(reduce5, five, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *_convolution(in_channels, pooled, 1))

    def forward(self, x):
        """From (N, in_channels, H, W) to (N, one + three + five + pooled, H, W)."""
        return torch.cat([branch(x) for branch in self.children()], 1)


def googlenet(*, channels=3, classes=1000):
    """Make GoogLeNet without its side classifiers.

    Parameters
    ----------
    channels, classes : int

    Returns
    -------
    Network
        From (N, channels, H, W), 224×224 in training, to scores (N, classes).
    """
    layers = {
        "conv1": nn.Conv2d(channels, 64, 7, stride=2, padding=3), "relu1": nn.ReLU(),
        "pool1": _pool(), "norm1": _norm(),
        "reduce2": nn.Conv2d(64, 64, 1), "relu2a": nn.ReLU(),
        "conv2": nn.Conv2d(64, 192, 3, padding=1), "relu2b": nn.ReLU(),
        "norm2": _norm(), "pool2": _pool(),
    }  # fmt: skip
    read = 192
    for name, (one, reduce3, three, reduce5, five, pooled) in TABLE.items():
        layers[f"inception{name}"] = Inception(read, one, reduce3, three, reduce5, five, pooled)
        read = one + three + five + pooled
        if name in ("3b", "4e"):
            layers[f"pool{name[0]}"] = _pool()
    layers |= {
        "average": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(),
        "dropout": nn.Dropout(0.4), "fc": nn.Linear(read, classes),
    }  # fmt: skip
    return he_initialise(Network(layers, (channels, 224, 224), "GoogLeNet"))


def _convolution(in_channels, out_channels, kernel):
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2), nn.ReLU()


def _pool():
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)  # 112 → 56, where rounding down would give 55


def _norm():
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)  # see alexnet.py
