"""Residual networks, and the plain networks that they were compared with, 2015.

K. He, X. Zhang, S. Ren, J. Sun: Deep residual learning for image recognition. CVPR 2016, table 1 and section 4.2.

A residual block computes z + g(z), where a plain one computes f(z): its derivative is ∂g/∂z + I, so that gradients find
a way past the weights. The pattern: shrink much in the first layer, then stages of blocks; between stages half the
height and width and twice the channels; at the end the average of each channel. Shapes, channels first::

    ImageNet: input 3×224×224 → conv1 64×112×112 → pool1 64×56×56
              → stages 64×56×56, 128×28×28, 256×14×14, 512×7×7 (bottlenecks: 4 times as many channels) → average → fc
    CIFAR-10: input 3×32×32 → conv1 16×32×32 → stages 16×32×32, 32×16×16, 64×8×8 → average → fc
"""

from torch import nn
from torch.nn.functional import pad, relu

from visionlab.nets.network import Network, he_initialise

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Blocks in each stage, for ImageNet, by depth; from 50 on they are bottlenecks."""

SHORTCUTS = ("projection", "pad", "subsample")


class Residual(nn.Module):
    """Add what a branch computes to its input, then ReLU.

    Parameters
    ----------
    branch : torch.nn.Module
        g, from (N, C, H, W) to any shape (N, C', H', W').
    shortcut : torch.nn.Module, optional
        What brings the input to that shape; by default the input as it is.
    """

    def __init__(self, branch, shortcut=None):
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut or nn.Identity()

    def forward(self, z):
        """Compute relu(g(z) + shortcut(z))."""
        return relu(self.branch(z) + self.shortcut(z))


class Pad(nn.Module):
    """The shortcut without parameters: every stride-th row and column, and channels of zeros for those missing.

    Parameters
    ----------
    missing, stride : int
    """

    def __init__(self, missing, stride):
        super().__init__()
        self.missing, self.stride = missing, stride

    def forward(self, z):
        """From (N, C, H, W) to (N, C + missing, ⌈H / stride⌉, ⌈W / stride⌉)."""
        return pad(z[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.missing))


def residual_network(
    stages=(2, 2, 2, 2), width=64, *, bottleneck=False, residual=True, shortcut="projection", shrink_early=True,
    channels=3, side=224, classes=1000,
):  # fmt: skip
    """Make a network by the ResNet pattern.

    Parameters
    ----------
    stages : sequence of int
        Blocks in each stage.
    width : int
        Channels of the first stage; each further stage doubles them.
    bottleneck : bool
        Blocks of 1×1, 3×3, 1×1 convolutions that put out 4 times as many channels, or of two 3×3.
    residual : bool
        False leaves the additions out: a plain network of the same depth.
    shortcut : {"projection", "pad", "subsample"}
        Where a block changes the shape. "projection": 1×1 convolution of stride 2 with batch normalisation (the paper's
        option B); "pad": no parameters, zeros for new channels (option A); "subsample": subsample(W z), a 1×1
        convolution of stride 2 and nothing else, computed only where it is kept.
    shrink_early : bool
        Begin with a 7×7 convolution of stride 2 and a pooling of stride 2, or with a 3×3 convolution (small images).
    channels, side : int
        Of the images. Other heights and widths work too: ``side`` is what tables of sizes take by default.
    classes : int

    Returns
    -------
    Network
        From (N, channels, H, W) to scores (N, classes).
    """
    if shortcut not in SHORTCUTS:
        raise ValueError(f"there is no shortcut {shortcut!r}; there are {', '.join(SHORTCUTS)}")
    conv1, norm1 = _convolution(channels, width, 7, 2) if shrink_early else _convolution(channels, width, 3)
    layers = {"conv1": conv1, "norm1": norm1, "relu1": nn.ReLU()}
    if shrink_early:
        layers["pool1"] = nn.MaxPool2d(3, stride=2, padding=1)
    read = width
    for i, count in enumerate(stages):
        narrow, blocks = width * 2**i, []
        wide = narrow * 4 if bottleneck else narrow
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            branch = _bottleneck(read, narrow, wide, stride) if bottleneck else _pair(read, wide, stride)
            if residual:
                fits = read == wide and stride == 1
                blocks.append(Residual(branch, None if fits else _shortcut(shortcut, read, wide, stride)))
            else:
                blocks.append(branch.append(nn.ReLU()))
            read = wide
        layers[f"stage{i + 1}"] = nn.Sequential(*blocks)
    layers |= {"average": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(read, classes)}
    title = f"{'ResNet' if residual else 'plain'}-{sum(stages) * (3 if bottleneck else 2) + 2}"
    return he_initialise(Network(layers, (channels, side, side), title))


def resnet(depth, **settings):
    """Make the paper's network for ImageNet with 18, 34, 50, 101 or 152 layers that have weights.

    Parameters
    ----------
    depth : {18, 34, 50, 101, 152}
    **settings
        Of `residual_network`: ``residual=False`` makes the plain network, ``classes=10`` another last layer.
    """
    if depth not in STAGES:
        raise ValueError(f"the paper has no ImageNet network of depth {depth}; it has {', '.join(map(str, STAGES))}")
    return residual_network(STAGES[depth], bottleneck=depth >= 50, **settings)


def resnet18(**settings):
    """Make ``resnet(18)``, the one that a laptop can use."""
    return resnet(18, **settings)


def cifar_resnet(depth, **settings):
    """Make the paper's network for CIFAR-10: three stages, shortcuts without parameters.

    Parameters
    ----------
    depth : int
        6n + 2 for n blocks a stage: the paper has 20, 32, 44, 56 and 110.
    **settings
        Of `residual_network`: ``residual=False`` makes the plain network, ``shortcut="subsample"`` learns W.
    """
    blocks, left = divmod(depth - 2, 6)
    if left or blocks < 1:
        raise ValueError(f"the depth should be 6n + 2, as 20, 32, 44, 56, 110; {depth} is not")
    small = {"width": 16, "shortcut": "pad", "shrink_early": False, "side": 32, "classes": 10}
    return residual_network((blocks,) * 3, **(small | settings))


def _pair(read, wide, stride):
    return nn.Sequential(
        *_convolution(read, wide, 3, stride), nn.ReLU(),
        *_convolution(wide, wide, 3),
    )  # fmt: skip


def _bottleneck(read, narrow, wide, stride):
    return nn.Sequential(
        *_convolution(read, narrow, 1, stride), nn.ReLU(),
        *_convolution(narrow, narrow, 3), nn.ReLU(),
        *_convolution(narrow, wide, 1),
    )  # fmt: skip


def _convolution(read, wide, kernel, stride=1):
    # No bias: the batch normalisation takes the mean away and has a bias of its own.
    return nn.Conv2d(read, wide, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(wide)


def _shortcut(kind, read, wide, stride):
    if kind == "pad":
        return Pad(wide - read, stride)
    projection = nn.Sequential(*_convolution(read, wide, 1, stride))
    return projection if kind == "projection" else projection[0]
