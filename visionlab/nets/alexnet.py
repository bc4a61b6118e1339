"""AlexNet: eight layers with weights, and the network that made people believe, 2012.

A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet classification with deep convolutional neural networks. NIPS 2012.

Shapes, channels first::

    input 3×227×227 → conv1 96×55×55 → pool1 96×27×27 → conv2 256×27×27 → pool2 256×13×13
    → conv3, conv4 384×13×13 → conv5 256×13×13 → pool5 256×6×6 → fc6 4096 → fc7 4096 → fc8 1000

The paper says 224×224, which does not work out: (224 − 11) / 4 + 1 = 54.25. It is 55 with 227, or with padding 2.
Half of conv2's, conv4's and conv5's maps were on each of two GPUs and read only that half: ``groups=2``.
"""

from torch import nn

from visionlab.nets.network import Network

WIDTHS = (96, 256, 384, 384, 256)
TORCHVISION_WIDTHS = (64, 192, 384, 256, 256)
"""Of the variant that torchvision has: A. Krizhevsky: One weird trick for parallelizing CNNs. arXiv:1404.5997, 2014."""


def alexnet(*, side=227, groups=2, widths=WIDTHS, normalise=True, pool_first=False, classes=1000):
    """Make AlexNet.

    Parameters
    ----------
    side : {227, 224}
        Height and width of the images; for 224 conv1 is padded by 2.
    groups : int
        2 as published; 1 lets every map read all maps before it.
    widths : sequence of five int
        Maps of the five convolutions.
    normalise : bool
        Response normalisation after conv1 and conv2.
    pool_first : bool
        The paper normalises, then pools; its copy CaffeNet pools first, which is less work.
    classes : int

    Returns
    -------
    Network
        From (N, 3, side, side) to scores (N, classes).
    """
    if side not in (224, 227):
        raise ValueError(f"AlexNet reads images of 224×224 or 227×227, not {side}×{side}: side=224 or side=227")
    c1, c2, c3, c4, c5 = widths
    layers = {
        "conv1": nn.Conv2d(3, c1, 11, stride=4, padding=2 if side == 224 else 0), "relu1": nn.ReLU(),
        **_shrink(1, normalise, pool_first),
        "conv2": nn.Conv2d(c1, c2, 5, padding=2, groups=groups), "relu2": nn.ReLU(),
        **_shrink(2, normalise, pool_first),
        "conv3": nn.Conv2d(c2, c3, 3, padding=1), "relu3": nn.ReLU(),
        "conv4": nn.Conv2d(c3, c4, 3, padding=1, groups=groups), "relu4": nn.ReLU(),
        "conv5": nn.Conv2d(c4, c5, 3, padding=1, groups=groups), "relu5": nn.ReLU(),
        "pool5": nn.MaxPool2d(3, stride=2), "flatten": nn.Flatten(),
        "fc6": nn.Linear(c5 * 6 * 6, 4096), "relu6": nn.ReLU(), "dropout6": nn.Dropout(0.5),
        "fc7": nn.Linear(4096, 4096), "relu7": nn.ReLU(), "dropout7": nn.Dropout(0.5),
        "fc8": nn.Linear(4096, classes),
    }  # fmt: skip
    return Network(layers, (3, side, side), "AlexNet")


def _shrink(number, normalise, pool_first):
    """Make the normalisation and the pooling after a convolution, in the order wanted."""
    # The paper adds 10⁻⁴ times the *sum* over 5 neighbouring maps; torch takes their mean: hence 5 · 10⁻⁴.
    norm = {f"norm{number}": nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)} if normalise else {}
    pool = {f"pool{number}": nn.MaxPool2d(3, stride=2)}
    return pool | norm if pool_first else norm | pool
