"""LeNet: the first convolutional networks that read digits, 1989 and 1998.

Y. LeCun et al.: Backpropagation applied to handwritten zip code recognition. Neural Computation 1 (4), 1989.
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. Proceedings of the
IEEE 86 (11), 1998: figure 2, table I.

Shapes of LeNet-5, channels first::

    input 1×32×32 → C1 6×28×28 → S2 6×14×14 → C3 16×10×10 → S4 16×5×5 → C5 120 → F6 84 → output 10
"""

import torch
from torch import nn
from torch.nn.functional import conv2d

from visionlab.nets.network import Network

C3_TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip
"""Which of S2's six maps each of C3's sixteen maps reads: 60 kernels, where all to all would be 96."""

DIGITS = """
.#####. ...#... .#####. .#####. #....#. ####### ..####. ####### .#####. .#####.
##...## ..##... ##...## ##...## #....#. #...... .##.... .....## ##...## ##...##
#.....# .###... #.....# #.....# #....#. #...... ##..... .....#. #.....# #.....#
#.....# ...#... ......# ......# #....#. #...... #...... ....##. #.....# #.....#
#.....# ...#... .....## .....## #....#. ######. #...... ....#.. ##...## ##...##
#.....# ...#... ....##. ..####. ####### .....## ######. ...##.. .#####. .######
#.....# ...#... ...##.. .....## .....#. ......# ##...## ...#... ##...## ......#
#.....# ...#... ..##... ......# .....#. ......# #.....# ..##... #.....# ......#
#.....# ...#... .##.... ......# .....#. ......# #.....# ..#.... #.....# ......#
#.....# ...#... ##..... #.....# .....#. #.....# #.....# ..#.... #.....# .....##
##...## ...#... #...... ##...## .....#. ##...## ##...## .##.... ##...## ....##.
.#####. .#####. ####### .#####. .....#. .#####. .#####. .#..... .#####. .####..
"""
"""The ten digits on 7×12 dots, drawn for this course after the idea of the paper's figure 3."""


class PartialConv2d(nn.Module):
    """A convolution whose output maps read only some of the input maps.

    Parameters
    ----------
    links : sequence of tuple of int
        For each output map, the input maps that it reads.
    in_channels, kernel, stride, padding : int
        As in `nn.Conv2d`.
    bias_shape : tuple of int, optional
        (F, 1, 1) by default, one bias a map; (F, H, W) gives each unit its own.
    background : float
        What the padding is filled with.
    """

    kind = "convolution"

    def __init__(self, links, in_channels, kernel, *, stride=1, padding=0, bias_shape=None, background=0.0):
        super().__init__()
        self.in_channels, self.stride, self.padding, self.background = in_channels, stride, padding, background
        self.written = [f for f, reads in enumerate(links) for _ in reads]
        self.read = [c for reads in links for c in reads]
        scale = torch.tensor([(3 / len(links[f])) ** 0.5 / kernel for f in self.written]).view(-1, 1, 1)
        uniform = torch.rand(len(self.read), kernel, kernel) * 2 - 1
        self.weight = nn.Parameter(uniform * scale)  # with a variance of 1 / fan-in
        self.bias = nn.Parameter(torch.zeros(bias_shape or (len(links), 1, 1)))

    def forward(self, x):
        """From (N, C, H, W) to (N, F, H', W'): the kernels are put into their places among zeros."""
        full = self.weight.new_zeros(len(self.bias), self.in_channels, *self.weight.shape[1:])
        at = tuple(torch.tensor(index, device=x.device) for index in (self.written, self.read))
        x = nn.functional.pad(x, [self.padding] * 4, value=self.background)
        return conv2d(x, full.index_put(at, self.weight), stride=self.stride) + self.bias


class Subsampling(nn.AvgPool2d):
    """The mean of each 2×2 window, times a coefficient, plus a bias: one of each a map, both learnt."""

    def __init__(self, channels):
        super().__init__(2)
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x):
        """From (N, C, H, W) to (N, C, H / 2, W / 2)."""
        return super().forward(x) * self.weight + self.bias


class ScaledTanh(nn.Module):
    """1.7159 tanh(⅔ x): the paper's squashing function; it maps 1 to 1 and −1 to −1."""

    def forward(self, x):
        """Keep the shape."""
        return 1.7159 * torch.tanh(x * (2 / 3))


class DigitCodes(nn.Module):
    """The 1998 output layer: how far are the 84 numbers of F6 from a drawing of each digit?

    The scores are minus the squared distances, so that the largest wins, as in every other network here. The drawings
    are fixed: `DIGITS`, −1 for paper and +1 for ink.
    """

    kind = "fully connected"
    in_features = 84

    def __init__(self):
        super().__init__()
        rows = [row.split() for row in DIGITS.split("\n") if row]
        codes = [[1.0 if dot == "#" else -1.0 for row in rows for dot in row[digit]] for digit in range(10)]
        self.weight = nn.Parameter(torch.tensor(codes), requires_grad=False)

    def forward(self, x):
        """From (N, 84) to scores (N, 10)."""
        return -(x[:, None] - self.weight).square().sum(2)


def lenet5(*, partial=True, side=32):
    """Make LeNet-5 as published: partial C3, learnt subsampling, squashing everywhere, drawn output codes.

    Parameters
    ----------
    partial : bool
        C3 by the paper's table, or every map from every map.
    side : {32, 28}
        Height and width of the images; 28 pads C1 by 2, which is the same as to pad the images.

    Returns
    -------
    Network
        From (N, 1, side, side) to scores (N, 10). The paper's images are −0.1 where there is paper and 1.175 where
        there is ink, so that their mean is about 0 and their variance about 1.
    """
    links = C3_TABLE if partial else [range(6)] * 16
    layers = {
        "C1": nn.Conv2d(1, 6, 5, padding=_padding(side)), "squash1": ScaledTanh(),
        "S2": Subsampling(6), "squash2": ScaledTanh(),
        "C3": PartialConv2d(links, 6, 5), "squash3": ScaledTanh(),
        "S4": Subsampling(16), "squash4": ScaledTanh(),
        "C5": nn.Conv2d(16, 120, 5), "squash5": ScaledTanh(), "flatten": nn.Flatten(),
        "F6": nn.Linear(120, 84), "squash6": ScaledTanh(),
        "output": DigitCodes(),
    }  # fmt: skip
    return Network(layers, (1, side, side), "LeNet-5 (1998)")


def simple_lenet(*, partial=False, side=28, classes=10):
    """Make LeNet as courses draw it today: pooling without weights, ReLU, a linear output layer.

    Parameters
    ----------
    partial, side
        As in `lenet5`.
    classes : int

    Returns
    -------
    Network
        From (N, 1, side, side) to scores (N, classes).
    """
    c3 = PartialConv2d(C3_TABLE, 6, 5) if partial else nn.Conv2d(6, 16, 5)
    layers = {
        "C1": nn.Conv2d(1, 6, 5, padding=_padding(side)), "relu1": nn.ReLU(), "S2": nn.MaxPool2d(2),
        "C3": c3, "relu3": nn.ReLU(), "S4": nn.MaxPool2d(2), "flatten": nn.Flatten(),
        "F5": nn.Linear(400, 120), "relu5": nn.ReLU(),
        "F6": nn.Linear(120, 84), "relu6": nn.ReLU(),
        "output": nn.Linear(84, classes),
    }  # fmt: skip
    return Network(layers, (1, side, side), "LeNet, simplified")


def lenet_1989():
    """Make the network of 1989: 16×16 images, no pooling, and a bias for each unit instead of one for each map.

    Each map of H2 reads 8 of H1's 12; which ones, the paper leaves open, and here they go round in a circle.

    Returns
    -------
    Network
        From (N, 1, 16, 16) to (N, 10), each −1.7 … 1.7; the paper trains them towards ±1.
    """
    eight_of_twelve = [[(f + i) % 12 for i in range(8)] for f in range(12)]
    near = {"stride": 2, "padding": 2, "background": -1.0}
    layers = {
        "H1": PartialConv2d([[0]] * 12, 1, 5, bias_shape=(12, 8, 8), **near), "squash1": ScaledTanh(),
        "H2": PartialConv2d(eight_of_twelve, 12, 5, bias_shape=(12, 4, 4), **near), "squash2": ScaledTanh(),
        "flatten": nn.Flatten(),
        "H3": nn.Linear(192, 30), "squash3": ScaledTanh(),
        "output": nn.Linear(30, 10), "squash4": ScaledTanh(),
    }  # fmt: skip
    return Network(layers, (1, 16, 16), "LeNet (1989)")


def _padding(side):
    if side not in (28, 32):
        raise ValueError(f"LeNet reads images of 28×28 or 32×32, not {side}×{side}: side=28 or side=32")
    return (32 - side) // 2
