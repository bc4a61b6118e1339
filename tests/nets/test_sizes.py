"""The size table gives every published figure, under the convention that its authors used."""

import pytest
import torch
from torch import nn

from visionlab.nets import (
    alexnet,
    cifar_resnet,
    googlenet,
    lenet5,
    lenet_1989,
    resnet,
    simple_lenet,
    size_table,
    vgg,
)  # fmt: skip


def totals(network, *shape, **conventions):
    return size_table(network, *shape, **conventions).totals


def test_the_table_of_the_simplified_lenet():
    """COMS 4995, lecture 5: full C3, no biases."""
    table = size_table(simple_lenet, biases=False)
    assert [(row.name, row.units, row.connections, row.weights) for row in table.rows] == [
        ("C1", 4704, 117_600, 150), ("S2", 1176, 4704, 0), ("C3", 1600, 240_000, 2400), ("S4", 400, 1600, 0),
        ("F5", 120, 48_000, 48_000), ("F6", 84, 10_080, 10_080), ("output", 10, 840, 840),
    ]  # fmt: skip
    assert (table.totals.units, table.totals.connections, table.totals.weights) == (8094, 422_824, 61_470)


def test_lenet_as_published():
    """LeCun 1998: partial C3, biases, learnt subsampling, drawn output codes that are not learnt."""
    published = totals(lenet5, trainable=True)
    assert (published.connections, published.parameters) == (340_908, 60_000)
    assert totals(lenet5, output=False).units == 8084  # the slide leaves out the ten outputs
    assert totals(lambda: lenet5(partial=False)).connections > published.connections


def test_lenet_of_1989():
    table = size_table(lenet_1989, inputs=True)
    assert (table.totals.units, table.totals.parameters) == (1256, 9760)
    assert table.totals.connections == 64_660  # printed rounded: 65,000


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({}, 60_965_224),
        ({"groups": 1}, 62_378_344),
        ({"side": 224, "groups": 1, "widths": (64, 192, 384, 256, 256)}, 61_100_840),
    ],
)
def test_three_numbers_of_parameters_are_all_alexnets(settings, parameters):
    assert totals(lambda: alexnet(**settings)).parameters == parameters


def test_alexnets_units_and_connections():
    assert totals(alexnet, pooling=False, output=False).units == 658_272
    assert totals(alexnet, biases=False, pooling=False).connections == 724_406_816
    printed = {"printed_units": {"conv1": 253_440}, "only": "convolution", "biases": False}
    assert totals(alexnet, **printed).connections == 652_368_384


def test_undone_groups_are_as_a_network_without():
    without = totals(lambda: alexnet(groups=1))
    undone = totals(alexnet, grouped=False)
    assert (undone.connections, undone.parameters) == (without.connections, without.parameters)


@pytest.mark.parametrize(
    ("configuration", "parameters"),
    [
        ("A", 132_863_336), ("A-LRN", 132_863_336), ("B", 133_047_848), ("C", 133_638_952), ("D", 138_357_544),
        ("E", 143_667_240),
    ],
)  # fmt: skip
def test_vgg(configuration, parameters):
    assert totals(lambda: vgg(configuration)).parameters == parameters


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (googlenet, 6_998_552), (lambda: resnet(18), 11_689_512), (lambda: resnet(34), 21_797_672),
        (lambda: resnet(50), 25_557_032), (lambda: resnet(152), 60_192_808), (lambda: cifar_resnet(20), 269_722),
        (lambda: cifar_resnet(56), 853_018),
    ],
)  # fmt: skip
def test_other_networks(network, parameters):
    assert totals(network).parameters == parameters


def test_measuring_leaves_a_network_as_it_was():
    network = simple_lenet()
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    size_table(network)
    assert network.training and not list(network._forward_hooks)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_any_network_and_a_layer_called_twice():
    shared = nn.Conv2d(2, 2, 3, padding=1, bias=False)
    table = size_table(nn.Sequential(shared, nn.ReLU(), shared), (2, 5, 7))
    assert [row.weights for row in table.rows] == [36, 0]
    assert table.totals.connections == 2 * 36 * 35


def test_memory_is_four_bytes_a_number():
    row = size_table(nn.Conv2d(3, 8, 3), (3, 10, 12)).rows[0]
    assert (row.activation_bytes, row.parameter_bytes) == (4 * 8 * 8 * 10, 4 * (8 * 27 + 8))


def test_rows_can_be_merged_into_stages():
    merged = size_table(lambda: resnet(18), depth=1)
    assert {"stage1", "stage2", "stage3", "stage4"} <= {row.name for row in merged.rows}
    assert merged.totals.parameters == 11_689_512


def test_it_shows_itself_as_text_and_html():
    table = size_table(simple_lenet)
    assert "422,824" not in repr(table) and "422,824" in repr(size_table(simple_lenet, biases=False))
    assert "<caption>LeNet, simplified" in table._repr_html_()


@pytest.mark.parametrize(
    ("network", "shape", "said"),
    [
        (nn.Conv2d(3, 8, 3), (1, 9, 9), "expects 3 channels"),
        (nn.Sequential(nn.Flatten(), nn.Linear(100, 3)), (1, 8, 8), "expects 100 numbers"),
        (nn.Conv2d(3, 8, 3), None, "Give the shape"),
        (nn.Conv2d(3, 8, 3), (3, 0, 9), "positive whole numbers"),
    ],
)
def test_a_shape_that_does_not_fit_is_explained(network, shape, said):
    with pytest.raises(ValueError, match=said):
        size_table(network, shape)
