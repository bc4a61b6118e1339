"""Every published figure of the decks and papers, with the conventions that lead to it; and `size_table` itself."""

import dataclasses
import functools
import re

import pytest
import torch
from torch import nn

from visionlab.nets import (
    alexnet,
    cifar_resnet,
    googlenet,
    lenet5,
    lenet_1989,
    residual_network,
    resnet,
    simple_lenet,
    size_table,
    vgg,
)  # fmt: skip
from visionlab.nets.alexnet import TORCHVISION_WIDTHS
from visionlab.nets.resnet import Residual
from visionlab.nets.sizes import memory

torchvision_alexnet = functools.partial(alexnet, side=224, groups=1, widths=TORCHVISION_WIDTHS)
VGG = {letter: functools.partial(vgg, letter) for letter in ("A", "A-LRN", "B", "C", "D", "E")}
RESNET = {depth: functools.partial(resnet, depth) for depth in (18, 34, 50, 101, 152)}
CIFAR = {depth: functools.partial(cifar_resnet, depth) for depth in (20, 32, 44, 56, 110)}

# network, how it is counted, what is counted, how much, where it is from and why it is so
FIGURES = [
    (simple_lenet, {}, "units", 8_094, "E38's column summed, with the ten outputs"),
    (simple_lenet, {"output": False}, "units", 8_084, "E42: the ten outputs are left out, pooling is in"),
    (simple_lenet, {"biases": False}, "connections", 422_824, "E38's column summed: full C3, no biases, pooling in"),
    (simple_lenet, {"biases": False}, "weights", 61_470, "E38's column summed: no biases"),
    (simple_lenet, {}, "parameters", 61_706, "the same network with its 236 biases"),
    (lenet5, {}, "connections", 340_908, "LeCun 1998: partial C3, biases, pooling of 4 + 1 connections a unit"),
    (lenet5, {"trainable": True}, "parameters", 60_000, "LeCun 1998, E42: the 840 numbers of the output are drawn"),
    (lenet5, {}, "parameters", 60_840, "with the output's codes"),
    (lenet_1989, {"inputs": True}, "units", 1_256, "E42: the 256 pixels are in"),
    (lenet_1989, {}, "parameters", 9_760, "E42: each unit of H1 and H2 has a bias of its own"),
    (lenet_1989, {}, "connections", 64_660, "LeCun 1989; E42 rounds to 65,000"),
    (alexnet, {"pooling": False, "output": False}, "units", 658_272, "E42's 658,000: no pooling, no outputs"),
    (alexnet, {}, "parameters", 60_965_224, "K1: two groups, as published"),
    (alexnet, {"grouped": False}, "parameters", 62_378_344, "K1: every map reads all maps, as the slide's shapes say"),
    (torchvision_alexnet, {}, "parameters", 61_100_840, "K1: torchvision's narrower variant, without groups"),
    (
        alexnet,
        {"only": "convolution", "biases": False, "printed_units": {"conv1": 253_440}},
        "connections",
        652_368_384,
        "E42's 652 million: convolutions only, and the paper's 253,440 for conv1 instead of 55·55·96",
    ),
    (alexnet, {"biases": False, "pooling": False}, "connections", 724_406_816, "K44: all layers, 55·55·96"),
    (VGG["A"], {}, "parameters", 132_863_336, "C73: 133 million"),
    (VGG["A-LRN"], {}, "parameters", 132_863_336, "C73: a response normalisation has no parameters"),
    (VGG["B"], {}, "parameters", 133_047_848, "C73: 133 million"),
    (VGG["C"], {}, "parameters", 133_638_952, "C73: 134 million"),
    (VGG["D"], {}, "parameters", 138_357_544, "C73: 138 million"),
    (VGG["E"], {}, "parameters", 143_667_240, "C73: 144 million"),
    (VGG["D"], {"inputs": True}, "units", 15_237_608, "15.2 million numbers, 61 MB an image, forward only"),
    (googlenet, {}, "parameters", 6_998_552, "K47: 7 million; the paper's own column adds up to 6.8 million"),
    (googlenet, {"only": "convolution", "biases": False}, "weights", 5_966_272, "K47: a tenth of AlexNet"),
    (RESNET[18], {}, "parameters", 11_689_512, "torchvision's ResNet-18"),
    (RESNET[34], {}, "parameters", 21_797_672, "torchvision's ResNet-34"),
    (RESNET[50], {}, "parameters", 25_557_032, "torchvision's ResNet-50"),
    (RESNET[101], {}, "parameters", 44_549_160, "torchvision's ResNet-101"),
    (RESNET[152], {}, "parameters", 60_192_808, "torchvision's ResNet-152"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("network", "counted", "what", "figure", "why"), FIGURES, ids=[row[-1][:40] for row in FIGURES]
)
def test_published_figures(network, counted, what, figure, why):
    assert getattr(size_table(network, **counted).totals, what) == figure, why


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_cifar_networks_are_as_large_as_in_table_6(depth, millions):
    found = size_table(CIFAR[depth]).totals.parameters / 1e6
    assert round(found, 1 if depth == 110 else 2) == millions


@pytest.mark.parametrize(("depth", "billions"), [(18, 1.8), (34, 3.6), (50, 3.8), (101, 7.6), (152, 11.3)])
def test_multiply_adds_are_those_of_table_1(depth, billions):
    # The paper cuts off (3.66 → 3.6, 3.86 → 3.8), or rounds (7.57 → 7.6).
    found = size_table(RESNET[depth]).totals.multiply_adds / 1e9
    assert billions - 0.05 <= found < billions + 0.1


def test_shares_of_the_convolutions_in_lenet():
    """E39: most units and connections are in the convolutions, most weights are not."""
    whole, part = (size_table(simple_lenet, biases=False, only=only).totals for only in (None, "convolution"))
    shares = [getattr(part, field) / getattr(whole, field) for field in ("units", "connections", "weights")]
    assert [round(100 * share, 1) for share in shares] == [77.9, 84.6, 4.1]


def test_lenet_1998_row_by_row():
    rows = size_table(lenet5, trainable=True).rows
    assert [(row.name, row.connections, row.parameters) for row in rows] == [
        ("C1", 122_304, 156),
        ("S2", 5880, 12),
        ("C3", 151_600, 1516),
        ("S4", 2000, 32),
        ("C5", 48_120, 48_120),
        ("F6", 10_164, 10_164),
        ("output", 840, 0),
    ]


def test_only_c3_lies_between_the_two_lenets():
    full, partial = (size_table(functools.partial(lenet5, partial=partial)).totals for partial in (False, True))
    assert full.connections - partial.connections == (96 - 60) * 25 * 100
    assert full.parameters - partial.parameters == (96 - 60) * 25


def test_no_way_of_counting_googlenet_gives_two_million():
    """K47: even its convolutions alone, without biases, hold three times as many."""
    least = min(
        size_table(googlenet, only=only, biases=biases).totals.parameters
        for only in (None, "convolution")
        for biases in (True, False)
    )
    assert least > 5.9e6
    assert round(size_table(alexnet).totals.parameters / 12e6) == 5


def test_googlenet_operations_are_those_of_its_table():
    """Million multiply-adds, as printed; 5a is printed as 54 where the table's own channels give 51."""
    printed = {"3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5a": 51, "5b": 71}
    rows = {row.name: row for row in size_table(googlenet, depth=1).rows}
    for name, millions in printed.items():
        assert abs(rows[f"inception{name}"].multiply_adds / 1e6 - millions) < 1, name
    # 159K and 380K for 3a and 3b: the paper's K is 1024.
    assert [int(rows[f"inception{name}"].weights / 1024) for name in ("3a", "3b")] == [159, 379]


def test_googlenet_shapes_are_those_of_its_table():
    rows = {row.name: row.output for row in size_table(googlenet, depth=1).rows}
    assert rows["conv1"] == (64, 112, 112) and rows["pool1"] == (64, 56, 56) and rows["pool2"] == (192, 28, 28)
    depths = {"3a": 256, "3b": 480, "4a": 512, "4b": 512, "4c": 512, "4d": 528, "4e": 832, "5a": 832, "5b": 1024}
    side = {"3": 28, "4": 14, "5": 7}
    assert {name: rows[f"inception{name}"] for name in depths} == {
        name: (maps, side[name[0]], side[name[0]]) for name, maps in depths.items()
    }
    assert rows["average"] == (1024, 1, 1) and rows["fc"] == (1000,)


def test_alexnet_shapes():
    """C68 with K6 and K7 put right, in the paper's order (K9)."""
    rows = size_table(alexnet).rows
    assert [(row.name, row.output) for row in rows] == [
        ("conv1", (96, 55, 55)), ("norm1", (96, 55, 55)), ("pool1", (96, 27, 27)),
        ("conv2", (256, 27, 27)), ("norm2", (256, 27, 27)), ("pool2", (256, 13, 13)),
        ("conv3", (384, 13, 13)), ("conv4", (384, 13, 13)), ("conv5", (256, 13, 13)), ("pool5", (256, 6, 6)),
        ("fc6", (4096,)), ("fc7", (4096,)), ("fc8", (1000,)),
    ]  # fmt: skip


def test_vgg_16_row_by_row():
    """The memory table that courses show: where the numbers are (early), where the parameters are (fc6)."""
    rows = {row.name: row for row in size_table(VGG["D"]).rows}
    assert rows["conv1_1"].units == 224 * 224 * 64 and rows["conv1_1"].activation_bytes == 4 * 224 * 224 * 64
    assert rows["conv1_1"].weights == 1728 and rows["conv5_3"].weights == 512 * 512 * 9
    assert rows["pool5"].output == (512, 7, 7) and rows["fc6"].weights == 102_760_448
    assert rows["fc6"].weights > 0.7 * size_table(VGG["D"]).totals.parameters


@pytest.mark.parametrize(("letter", "layers"), [("A", 11), ("A-LRN", 11), ("B", 13), ("C", 16), ("D", 16), ("E", 19)])
def test_vgg_weight_layers(letter, layers):
    assert sum(row.kind in ("convolution", "fully connected") for row in size_table(VGG[letter]).rows) == layers


@pytest.mark.parametrize("network", [lenet5, alexnet, cifar_resnet], ids=["LeNet", "AlexNet", "ResNet"])
def test_parameters_are_torchs(network):
    made = network(20) if network is cifar_resnet else network()
    table = size_table(made)
    assert table.totals.parameters == sum(p.numel() for p in made.parameters())
    assert table.totals.parameter_bytes == 4 * table.totals.parameters


def test_the_network_is_left_as_it_was():
    network = cifar_resnet(20)
    network.stage2.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    size_table(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert modes == [module.training for module in network.modules()]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    with pytest.raises(ValueError, match="channels"):
        size_table(network, (1, 32, 32))
    assert modes == [module.training for module in network.modules()]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_a_function_that_makes_a_network_never_allocates_its_weights():
    made = []

    def make():
        made.append(resnet(152))
        return made[0]

    size_table(make)
    assert all(value.is_meta for value in made[0].state_dict().values())


def test_connections_counted_by_hand():
    """One output at a time: how many inputs have a gradient?"""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(4, 6, (3, 2), stride=2, groups=2), nn.Flatten(), nn.Linear(72, 3))
    table = size_table(network, (4, 9, 7), biases=False)
    x = torch.rand(1, 4, 9, 7, requires_grad=True)
    outputs = network[0](x).flatten()
    reads = sum(torch.autograd.grad(out, x, retain_graph=True)[0].count_nonzero().item() for out in outputs)
    assert table.rows[0].connections == reads
    assert table.rows[1].connections == 72 * 3
    undone = size_table(network, (4, 9, 7), biases=False, grouped=False).rows[0]
    assert (undone.weights, undone.connections) == (2 * table.rows[0].weights, 2 * reads)


def test_a_layer_that_is_called_twice_has_its_weights_once():
    shared = nn.Linear(5, 5)
    table = size_table(nn.Sequential(shared, nn.ReLU(), shared), (5,))
    assert [row.weights for row in table.rows] == [25, 0]
    assert [row.connections for row in table.rows] == [30, 30]
    assert table.totals.parameters == 30


def test_weights_that_two_layers_share_count_once():
    network = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 5))
    network[1].weight = network[0].weight
    assert size_table(network, (5,)).totals.parameters == sum(p.numel() for p in network.parameters()) == 35


def test_frozen_weights():
    network = simple_lenet()
    network[:6].requires_grad_(False)
    table = size_table(network, trainable=True)
    assert [row.parameters for row in table.rows][:4] == [0, 0, 0, 0]
    assert table.totals.connections == size_table(network).totals.connections


def test_pooling():
    network = nn.Sequential(nn.MaxPool2d((2, 3)), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1))
    assert [row.connections for row in size_table(network, (2, 8, 12)).rows] == [2 * 4 * 4 * 6, 2 * 2 * 2 * 4, 2 * 4]
    assert size_table(network, (2, 8, 12), pooling=False).totals.units == 0


def test_merged_rows_add_up():
    table, merged = size_table(RESNET[18]), size_table(RESNET[18], depth=1)
    assert merged.totals == table.totals
    assert [row.name for row in merged.rows] == [
        "conv1", "norm1", "pool1", "stage1", "stage2", "stage3", "stage4", "average", "fc",
    ]  # fmt: skip
    assert {row.name: row.output for row in merged.rows}["stage3"] == (256, 14, 14)
    assert sum(row.name.startswith("stage2") for row in size_table(RESNET[18], depth=2).rows) == 2


def test_half_precision_takes_half_the_memory():
    full, half = (size_table(simple_lenet().to(dtype)).totals for dtype in (torch.float32, torch.bfloat16))
    assert full.activation_bytes == 2 * half.activation_bytes and full.parameter_bytes == 2 * half.parameter_bytes


def test_layers_it_does_not_know_are_named():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.inside = nn.Parameter(torch.ones(3)), nn.Linear(4, 3)

        def forward(self, x):
            return self.inside(x) * self.scale

    table = size_table(nn.Sequential(Scaled(), nn.Linear(3, 2)), (4,))
    assert [(row.name, row.kind, row.parameters) for row in table.rows] == [
        ("0.inside", "fully connected", 15), ("0", "Scaled", 3), ("1", "fully connected", 8),
    ]  # fmt: skip
    assert "unknown: 0 (Scaled)" in str(table)
    assert size_table(nn.Linear(4, 3), (4,)).rows[0].connections == 15  # one layer is a network too


def test_rows_are_for_plots_and_cannot_be_changed():
    row = size_table(simple_lenet).rows[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.units = 1
    assert dataclasses.asdict(row)["output"] == (6, 28, 28)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: size_table(nn.Linear(2, 2)), "which input"),
        (lambda: size_table(alexnet, (3, 0, 4)), "positive whole numbers"),
        (lambda: size_table(alexnet, only="pooling"), "only='pooling'"),
        (lambda: size_table(alexnet, printed_units={"conv9": 3}), "conv9: there is no such layer"),
        (lambda: size_table(alexnet, (3, 224, 224)), r"fc6 \(Linear\) expects 9,216 numbers per image, and gets 6,400"),
        (lambda: size_table(CIFAR[20], (1, 32, 32)), r"conv1 \(Conv2d\) expects 3 channels, and .* has 1"),
        (lambda: size_table(alexnet, (3, 8, 8)), r"conv1 \(Conv2d\) cannot work on an input of shape \(1, 3, 8, 8\)"),
    ],
)
def test_errors_are_for_people(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_a_branch_of_another_shape_is_named():
    network = nn.Sequential(Residual(nn.Conv2d(3, 8, 3)))
    with pytest.raises(ValueError, match=r"0 \(Residual\) cannot work on an input of shape \(1, 3, 9, 9\)"):
        size_table(network, (3, 9, 9))


def test_text_is_aligned_and_says_how_it_was_counted():
    lines = str(size_table(alexnet, biases=False, output=False)).splitlines()
    assert lines[0] == "AlexNet, input 3×227×227. Biases not counted. Output layer not counted."
    assert "biases" not in lines[1]  # a column of zeros is left out
    assert lines[-3].split()[:3] == ["fc8", "fully", "connected"] and lines[-3].split()[-1] == "–"
    assert len({len(line) for line in lines[1:]}) == 1


def test_html_has_the_same_cells_and_follows_the_theme():
    table = size_table(lambda: vgg((1, 1), width=8, hidden=(), side=16, classes=3), inputs=True)
    page = table._repr_html_()
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", page)
    cells = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in rows]
    assert cells == table._cells() and len(cells) == len(table.rows) + 2
    assert "Input counted" in page and "text-align: right" in page
    assert not re.search(
        r"(?<!, )#[0-9a-f]{3,6}", page.split("</style>")[0]
    )  # colours only as what a theme falls back on


def test_memory_in_words():
    sizes = (999, 999.6, 999_600, 528_280_000, 3e13)
    assert [memory(size) for size in sizes] == ["999 bytes", "1 kB", "1 MB", "528 MB", "30 TB"]


def test_networks_of_any_depth_and_width_can_be_measured():
    """What sliders do: parameters grow with the square of the width, and with depth."""
    counts = [size_table(lambda w=w: residual_network((1, 1), w, classes=10)).totals.weights for w in (16, 32, 64)]
    assert 3.5 < counts[1] / counts[0] < counts[2] / counts[1] < 4
    assert size_table(lambda: vgg((4, 4), widest=64)).rows[-6].output[0] == 64
