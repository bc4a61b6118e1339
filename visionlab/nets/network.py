"""What the networks of this package share: layers in a row, with names, and errors for people."""

from collections import OrderedDict

from torch import nn

from visionlab.nets.sizes import misfit


class Network(nn.Sequential):
    """Layers in a row: `nn.Sequential`, with an input shape and with errors that say which layer is at fault.

    As with `nn.Sequential`, ``network.conv1`` is a layer and ``network[:3]`` are the first three.

    Parameters
    ----------
    layers : dict of str to torch.nn.Module
        In order; the names appear in tables of sizes and in errors.
    input_shape : tuple of int, optional
        (C, H, W) of the images that the network is made for. A network that ends in global average pooling takes
        other heights and widths as well.
    title : str
        What tables call it.

    Raises
    ------
    ValueError
        When called with images that do not fit: the message names the layer, and what it expects.

    Examples
    --------
    >>> import torch
    >>> from visionlab.nets import alexnet
    >>> network = alexnet(side=227)
    >>> network(torch.zeros(1, 3, 224, 224))
    Traceback (most recent call last):
    ...
    ValueError: fc6 (Linear) expects 9,216 numbers per image, and gets 6,400. The network is made for images of shape
    (N, 3, 227, 227); these are (1, 3, 224, 224).
    """

    def __init__(self, layers, input_shape=None, title="Network"):
        super().__init__(OrderedDict(layers))
        self.input_shape, self.title = input_shape, title

    def __call__(self, images):
        """Run the network; where it fails, say why in words."""
        try:
            return super().__call__(images)
        except RuntimeError:
            if images.is_meta or not (message := misfit(self, images)):
                raise
        raise ValueError(message)

    def embed(self, images):
        """Return what the last layer reads: the features of each image, before they become scores."""
        for layer in list(self)[:-1]:
            images = layer(images)
        return images


def he_initialise(network):
    """Draw the weights of convolutions from a normal distribution of variance 2 / fan-out; biases become zero.

    A ReLU halves the variance of what passes, and the 2 makes up for it, so that signals neither die out nor explode.
    K. He et al.: Delving deep into rectifiers. ICCV 2015.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
