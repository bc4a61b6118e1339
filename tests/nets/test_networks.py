"""The networks compute what their papers say: shapes, shortcuts, orders of layers."""

import pytest
import torch
from torch import nn

from visionlab.nets import alexnet, cifar_resnet, googlenet, lenet5, lenet_1989, residual_network, simple_lenet, vgg
from visionlab.nets.lenet import C3_TABLE, PartialConv2d
from visionlab.nets.resnet import SHORTCUTS, Residual


@pytest.mark.parametrize(
    "make", [lenet5, lambda: lenet5(side=28), lambda: lenet5(partial=False), simple_lenet, lenet_1989]
)
def test_lenets_give_ten_scores(make):
    network = make()
    assert network(torch.rand(2, *network.input_shape)).shape == (2, 10)


@pytest.mark.parametrize("make", [alexnet, lambda: alexnet(side=224), lambda: vgg("A"), googlenet])
def test_large_networks_give_a_thousand_scores(make):
    with torch.device("meta"):
        network = make().eval()
        assert network(torch.empty(2, *network.input_shape)).shape == (2, 1000)


def test_c3_reads_what_the_papers_table_says():
    layer = PartialConv2d(C3_TABLE, 6, 5)
    images = torch.rand(1, 6, 14, 14)
    before = layer(images)[0]
    images[:, 0] += 1  # the first map of S2
    changed = [f for f, (a, b) in enumerate(zip(before, layer(images)[0], strict=True)) if not torch.allclose(a, b)]
    assert changed == [f for f, reads in enumerate(C3_TABLE) if 0 in reads]
    assert sum(map(len, C3_TABLE)) == 60


def test_the_paper_normalises_then_pools_and_its_copy_the_other_way_round():
    def names(network):
        return [name for name, _ in network.named_children()][2:4]

    with torch.device("meta"):
        assert names(alexnet()) == ["norm1", "pool1"] and names(alexnet(pool_first=True)) == ["pool1", "norm1"]


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("side", [32, 27])
def test_residual_networks_take_odd_sizes(shortcut, side):
    network = residual_network((1, 1, 1), 4, shortcut=shortcut, shrink_early=False, side=32, classes=10).eval()
    assert network(torch.rand(2, 3, side, side + 2)).shape == (2, 10)


def test_a_block_whose_branch_is_zero_passes_on_what_is_positive():
    branch = nn.Conv2d(4, 4, 3, padding=1)
    nn.init.zeros_(branch.weight), nn.init.zeros_(branch.bias)
    z = torch.randn(2, 4, 5, 6)
    assert torch.equal(Residual(branch)(z), z.relu())


def test_gradients_find_a_way_past_dead_branches():
    network = cifar_resnet(8).eval()
    for name, weight in network.named_parameters():
        if ".branch." in name:
            nn.init.zeros_(weight)
    images = torch.rand(1, 3, 32, 32, requires_grad=True)
    network(images).sum().backward()
    assert images.grad.abs().sum() > 0


def test_a_plain_network_has_as_many_weights_as_the_residual_one():
    counts = {sum(p.numel() for p in cifar_resnet(20, residual=residual).parameters()) for residual in (True, False)}
    assert len(counts) == 1  # shortcuts of the paper's networks for CIFAR-10 have no parameters


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: vgg("F"), "no configuration 'F'"),
        (lambda: vgg(side=16), "cannot be halved"),
        (lambda: alexnet(side=256), "224×224 or 227×227"),
        (lambda: residual_network(shortcut="bridge"), "no shortcut 'bridge'"),
        (lambda: cifar_resnet(21), "21|6n"),
        (lambda: simple_lenet(side=30), "28×28 or 32×32"),
    ],
)
def test_what_there_is_not_is_explained(make, said):
    with torch.device("meta"), pytest.raises(ValueError, match=said):
        make()


def test_images_of_another_shape_name_the_layer():
    with pytest.raises(ValueError, match="expects 1 channels"):
        simple_lenet()(torch.rand(1, 3, 28, 28))
