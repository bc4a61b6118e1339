"""VGG: nothing but 3×3 convolutions, in stages, 2014.

K. Simonyan, A. Zisserman: Very deep convolutional networks for large-scale image recognition. ICLR 2015, table 1.

The pattern: a convolution neither shrinks (3×3, padded by 1) nor widens within a stage; after each stage a 2×2 pooling
halves height and width, and the next stage has twice as many channels, up to 512. Shapes of all six configurations::

    input 3×224×224 → stage 1 64×224×224 → 2 128×112×112 → 3 256×56×56 → 4 512×28×28 → 5 512×14×14
    → pool5 512×7×7 → fc6 4096 → fc7 4096 → fc8 1000
"""

from torch import nn

from visionlab.nets.network import Network, he_initialise

CONFIGURATIONS = {
    "A": (1, 1, 2, 2, 2),
    "A-LRN": ((3, "LRN"), 1, 2, 2, 2),
    "B": (2, 2, 2, 2, 2),
    "C": (2, 2, (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "D": (2, 2, 3, 3, 3),
    "E": (2, 2, 4, 4, 4),
}
"""The paper's networks, as ``stages`` of `vgg`. VGG-11, 13, 16 and 19 are A, B, D and E."""


def vgg(stages="D", *, width=64, widest=512, hidden=(4096, 4096), batch_norm=False, channels=3, side=224, classes=1000):
    """Make a network by the VGG pattern.

    Parameters
    ----------
    stages : str or sequence
        A letter of `CONFIGURATIONS`; or for each stage how many 3×3 convolutions, or a tuple of kernel sizes
        (``"LRN"`` among them is a response normalisation).
    width, widest : int
        Channels of the first stage, and where the doubling stops.
    hidden : sequence of int
        Units of the fully connected layers before the last.
    batch_norm : bool
        Batch normalisation after each convolution (newer than the paper; it makes training much easier).
    channels, side : int
        Of the images.
    classes : int

    Returns
    -------
    Network
        From (N, channels, side, side) to scores (N, classes).

    Raises
    ------
    ValueError
        If the configuration is unknown, or the images are too small to be halved that often.

    Examples
    --------
    A small one for CIFAR-10, and how many channels its stages have:

    >>> network = vgg((1, 1, 2), width=16, hidden=(), batch_norm=True, side=32, classes=10)
    >>> [layer.out_channels for name, layer in network.named_children() if name.startswith("conv")]
    [16, 32, 64, 64]
    """
    title = f"VGG {stages}"
    if isinstance(stages, str):
        if stages not in CONFIGURATIONS:
            raise ValueError(f"there is no configuration {stages!r}; there are {', '.join(CONFIGURATIONS)}")
        stages = CONFIGURATIONS[stages]
    if side >> len(stages) == 0:
        raise ValueError(
            f"images of {side}×{side} cannot be halved {len(stages)} times: fewer stages, or larger images"
        )
    layers, read = {}, channels
    for i, stage in enumerate(stages, 1):
        wide = min(width * 2 ** (i - 1), widest)
        for j, kernel in enumerate((3,) * stage if isinstance(stage, int) else stage, 1):
            if kernel == "LRN":
                layers[f"norm{i}_{j}"] = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)  # see alexnet.py
                continue
            layers[f"conv{i}_{j}"] = nn.Conv2d(read, wide, kernel, padding=kernel // 2)
            if batch_norm:
                layers[f"norm{i}_{j}"] = nn.BatchNorm2d(wide)
            layers[f"relu{i}_{j}"] = nn.ReLU()
            read = wide
        layers[f"pool{i}"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    read *= (side >> len(stages)) ** 2
    for i, units in enumerate(hidden, len(stages) + 1):
        layers |= {f"fc{i}": nn.Linear(read, units), f"relu{i}": nn.ReLU(), f"dropout{i}": nn.Dropout(0.5)}
        read = units
    layers[f"fc{len(stages) + len(hidden) + 1}"] = nn.Linear(read, classes)
    return he_initialise(Network(layers, (channels, side, side), title))
