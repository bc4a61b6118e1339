"""MobileNetV2 and EfficientNet-Lite0: networks small enough for a telephone, and for a laptop in class.

Both are a column of inverted bottlenecks: a 1×1 convolution widens the features, a convolution that treats each
channel for itself looks around, and a 1×1 convolution makes them narrow again. Where input and output have the same
shape, the input is added: a residual block turned inside out.

M. Sandler et al.: MobileNetV2: inverted residuals and linear bottlenecks. CVPR 2018, table 2.
M. Tan, Q. Le: EfficientNet: rethinking model scaling for convolutional neural networks. ICML 2019, table 1; "Lite"
leaves out squeeze-and-excitation and uses ReLU6 (TensorFlow's model repository).
"""

from torch import nn
from torch.nn.functional import pad


class SameConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's "SAME" does: the output has ⌈size / stride⌉ rows and columns.

    With stride 2 and an even size one side gets one zero more: below and on the right.
    """

    def forward(self, x):
        """Pad (N, C, H, W), then convolve."""
        edges = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            edges += [missing // 2, missing - missing // 2]
        return super().forward(pad(x, edges))


def convolution(in_channels, out_channels, kernel, stride=1, *, groups=1, tensorflow=False):
    """Make a convolution without bias and its batch normalisation, as a list of two layers.

    Parameters
    ----------
    in_channels, out_channels, kernel, stride, groups : int
    tensorflow : bool
        Pad and normalise as the networks from TensorFlow do, or as those from PyTorch.
    """
    if tensorflow:
        layer = SameConv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False)
        return [layer, nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.01)]
    layer = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(out_channels)]


class InvertedBottleneck(nn.Module):
    """Widen, look around channel by channel, make narrow; add the input where the shapes agree.

    Parameters
    ----------
    in_channels, out_channels : int
    expansion : int
        How many times wider the features are in between; with 1 the widening convolution is left out.
    kernel, stride : int
        Of the convolution in between.
    tensorflow : bool
        See `convolution`.
    """

    def __init__(self, in_channels, out_channels, expansion, kernel, stride, *, tensorflow=False):
        super().__init__()
        wide = in_channels * expansion
        widen = [*convolution(in_channels, wide, 1, tensorflow=tensorflow), nn.ReLU6()] if expansion > 1 else []
        self.branch = nn.Sequential(
            *widen,
            *convolution(wide, wide, kernel, stride, groups=wide, tensorflow=tensorflow),
            nn.ReLU6(),
            *convolution(wide, out_channels, 1, tensorflow=tensorflow),
        )
        self.adds_input = stride == 1 and in_channels == out_channels

    def forward(self, x):
        """From (N, in_channels, H, W) to (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        return x + self.branch(x) if self.adds_input else self.branch(x)


class MobileNet(nn.Module):
    """A column of inverted bottlenecks between a first and a last convolution, then one linear layer.

    Parameters
    ----------
    stages : sequence of tuple of int
        For each stage: expansion, channels, blocks, stride of its first block, kernel.
    classes : int
    dropout : float
        Share of the 1280 features that training leaves out.
    tensorflow : bool
        See `convolution`.
    """

    def __init__(self, stages, *, classes=1000, dropout=0.2, tensorflow=False):
        super().__init__()
        blocks, channels = [], 32
        for expansion, out_channels, count, stride, kernel in stages:
            for i in range(count):
                block = (channels, out_channels, expansion, kernel, stride if i == 0 else 1)
                blocks.append(InvertedBottleneck(*block, tensorflow=tensorflow))
                channels = out_channels
        self.features = nn.Sequential(
            *convolution(3, 32, 3, stride=2, tensorflow=tensorflow), nn.ReLU6(), *blocks,
            *convolution(channels, 1280, 1, tensorflow=tensorflow), nn.ReLU6(),
        )  # fmt: skip
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(1280, classes)

    def embed(self, x):
        """Return the features that the last layer classifies: from images (N, 3, H, W) to (N, 1280)."""
        return self.pool(self.features(x)).flatten(1)

    def forward(self, x):
        """From images (N, 3, H, W), 224×224 in training, to scores (N, classes)."""
        return self.classifier(self.dropout(self.embed(x)))


def mobilenet_v2(classes=1000):
    """Make MobileNetV2; 3,504,872 parameters with 1000 classes.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     network = mobilenet_v2()
    >>> f"{sum(p.numel() for p in network.parameters()):,}"
    '3,504,872'
    """
    stages = (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3), (6, 96, 3, 1, 3), (6, 160, 3, 2, 3),
        (6, 320, 1, 1, 3),
    )  # fmt: skip
    return MobileNet(stages, classes=classes)


def efficientnet_lite0(classes=1000):
    """Make EfficientNet-Lite0; 4,652,008 parameters with 1000 classes.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     network = efficientnet_lite0()
    >>> f"{sum(p.numel() for p in network.parameters()):,}"
    '4,652,008'
    """
    stages = (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    )  # fmt: skip
    return MobileNet(stages, classes=classes, tensorflow=True)
