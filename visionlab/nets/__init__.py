"""Networks that made history, written to be read, and `size_table` to measure them and any other."""

from visionlab.nets.alexnet import alexnet
from visionlab.nets.googlenet import googlenet
from visionlab.nets.imagenet import Pretrained, imagenet_labels, pretrained
from visionlab.nets.lenet import lenet5, lenet_1989, simple_lenet
from visionlab.nets.mobile import efficientnet_lite0, mobilenet_v2
from visionlab.nets.network import Network
from visionlab.nets.resnet import cifar_resnet, residual_network, resnet, resnet18
from visionlab.nets.sizes import LayerSize, SizeTable, size_table
from visionlab.nets.vgg import vgg

__all__ = [
    "LayerSize", "Network", "Pretrained", "SizeTable", "alexnet", "cifar_resnet", "efficientnet_lite0", "googlenet",
    "imagenet_labels", "lenet5", "lenet_1989", "mobilenet_v2", "pretrained", "residual_network", "resnet", "resnet18",
    "simple_lenet", "size_table", "vgg",
]  # fmt: skip
