"""The architecture builder without a browser: its numbers are size_table's, and those that were published."""

import base64
import io
import random

import pytest
import torch
import traitlets
from PIL import Image

from tests.nets.test_published_figures import FIGURES, RESNET, VGG
from visionlab.nets import cifar_resnet, size_table
from visionlab.nets.resnet import SHORTCUTS
from visionlab.widgets import architecture_builder
from visionlab.widgets.architecture_builder import (
    CLASSES,
    HIDDEN,
    MEASURES,
    MOST_BLOCKS,
    OWN,
    PRESETS,
    SIDES,
    WIDEST,
    WIDTHS,
    ArchitectureBuilder,
)

NETWORKS = {f"VGG-{depth}": VGG[letter] for depth, letter in ((11, "A"), (13, "B"), (16, "D"), (19, "E"))}
NETWORKS |= {f"ResNet-{depth}": network for depth, network in RESNET.items()}


def published(network):
    """The parameters printed for a network."""
    return next(row[3] for row in FIGURES if row[0] is network and row[1] == {} and row[2] == "parameters")


def drawn(seed):
    """Settings at random; the seeds below draw none that cannot work."""
    rng = random.Random(seed)
    blocks = [rng.randint(1, min(most, 12)) for most in MOST_BLOCKS[: rng.randint(1, 5)]]
    return {
        "pattern": rng.choice(["VGG", "ResNet"]), "blocks": blocks, "width": rng.choice(WIDTHS),
        "side": rng.choice(SIDES), "classes": rng.choice(CLASSES), "widest": rng.choice(WIDEST),
        "hidden": rng.choice(HIDDEN), "bottleneck": rng.random() < 0.5, "shortcut": rng.choice(SHORTCUTS),
        "shrink_early": rng.random() < 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("preset", NETWORKS)
def test_presets_are_the_published_networks(preset):
    builder = ArchitectureBuilder(preset)
    assert builder.preset == preset
    assert builder.table.totals.parameters == published(NETWORKS[preset])
    assert builder.table.rows == size_table(NETWORKS[preset]).rows
    assert builder.depth == int(preset.split("-")[1])
    assert dict(map(reversed, builder._picture["totals"]))["multiply-adds"] == f"{builder.table.totals.multiply_adds:,}"


def test_the_small_presets():
    builder = ArchitectureBuilder("CIFAR ResNet-20")
    assert builder.table.rows == size_table(lambda: cifar_resnet(20)).rows
    assert round(builder.table.totals.parameters / 1e6, 2) == 0.27 and builder.depth == 20
    assert ArchitectureBuilder("small").table.totals.parameters < 1e5


@pytest.mark.parametrize("seed", range(24))
def test_what_is_shown_adds_up_to_the_table(seed):
    """Two blocks of a stage are measured, and all are counted: exactly."""
    settings = drawn(seed)
    builder = ArchitectureBuilder(**settings)
    table, (depth, parts) = builder.table, architecture_builder._measured(**builder.settings)
    for measure in ("units", *MEASURES):
        assert sum(part[measure] for part in parts) == getattr(table.totals, measure)
    weighted = [row for row in table.rows if row.kind in ("convolution", "fully connected")]
    assert depth == sum(".shortcut" not in row.name for row in weighted)
    picture = builder._picture
    assert [total[0].replace(",", "") for total in picture["totals"][1::2]] == [
        str(table.totals.parameters), str(table.totals.multiply_adds),
    ]  # fmt: skip
    for i in range(len(MEASURES)):
        assert sum(part["costs"][i][0] for part in picture["parts"]) == pytest.approx(1)
    # Each stage is the sum of the rows whose names begin with it, and as large as the last of them says.
    number = len(settings["blocks"])
    begins = f"stage{number}." if settings["pattern"] == "ResNet" else (f"conv{number}_", f"pool{number}")
    rows = [row for row in table.rows if row.name.startswith(begins)]
    stage = next(part for part in parts if part["name"] == f"stage {number}")
    assert stage["parameters"] == sum(row.parameters for row in rows)
    assert stage["shape"] == [row.output for row in rows if row.kind == "convolution"][-1]


@pytest.mark.parametrize("preset", ["small", "CIFAR ResNet-20"])
def test_the_network_is_real_and_fresh(preset):
    builder = ArchitectureBuilder(preset)
    network, other = builder.network(), builder.network()
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert sum(p.numel() for p in network.parameters()) == builder.table.totals.parameters
    assert not torch.equal(next(network.parameters()), next(other.parameters()))


def test_memory_sits_early_and_weights_late():
    parts = {part["name"]: part for part in ArchitectureBuilder("VGG-16")._picture["parts"]}
    assert list(parts) == ["stage 1", "stage 2", "stage 3", "stage 4", "stage 5", "fc6", "fc7", "fc8"]
    shares = {name: [cost[0] for cost in part["costs"]] for name, part in parts.items()}
    assert shares["fc6"][0] > 0.7 and max(shares.values(), key=lambda share: share[1]) == shares["stage 1"]
    assert parts["fc6"]["about"] == "reads 25,088" and parts["stage 3"]["shape"] == (256, 56, 56)
    said = ArchitectureBuilder("VGG-16")._picture["said"]
    assert "138 million parameters" in said and "74 % of the parameters in fc6" in said


def test_the_parts_of_a_residual_network():
    parts = {part["name"]: part for part in ArchitectureBuilder("ResNet-50")._picture["parts"]}
    assert list(parts) == ["stem", "stage 1", "stage 2", "stage 3", "stage 4", "average", "fc"]
    assert parts["stem"]["shape"] == (64, 112, 112) and parts["stem"]["about"] == "7×7, stride 2"
    assert parts["stage 3"]["shape"] == (1024, 14, 14) and parts["stage 3"]["about"] == "×6 bottlenecks"
    assert [cost[1] for cost in parts["average"]["costs"]] == ["0 %", "< 1 %", "0 %"]
    assert parts["fc"]["about"] == "reads 2,048"


def test_choosing_a_preset_sets_everything_and_changing_makes_it_your_own():
    builder = ArchitectureBuilder("VGG-11")
    builder.preset = "ResNet-50"
    assert builder.settings == PRESETS["ResNet-50"]
    assert builder.table.totals.parameters == 25_557_032
    builder.width = 32
    assert builder.preset == OWN and builder._picture["title"] == "Your own ResNet"
    builder.width = 64
    assert builder.preset == "ResNet-50"
    builder.preset = OWN  # not something that can be chosen
    assert builder.preset == "ResNet-50"
    builder.hidden = 256  # a VGG's
    assert builder.preset == "ResNet-50"
    builder.pattern = "VGG"
    assert builder.blocks == (3, 4, 6, 3) and builder.preset == OWN
    assert {part["about"] for part in builder._picture["parts"][:4]} == {f"×{n} convolutions" for n in (3, 4, 6)}


def test_the_browser_sends_lists_and_gets_one_answer():
    builder = ArchitectureBuilder("VGG-11")
    builder.set_state({"blocks": [2, 2, 3, 3, 3]})
    assert builder.preset == "VGG-16" and builder.blocks == (2, 2, 3, 3, 3)
    builder.set_state({"preset": "ResNet-18"})
    assert builder.settings == PRESETS["ResNet-18"]


def test_what_cannot_work_is_refused_in_words_and_the_picture_stays():
    builder = ArchitectureBuilder("CIFAR ResNet-20", blocks=(1, 1, 1, 1, 1))
    before = builder._picture
    builder.shrink_early = True
    assert builder._refused.startswith("Images of 32×32 are too small: shrunk early, the maps of stage 4 are 1×1")
    assert builder._picture == before
    for ask in (lambda: builder.table, lambda: builder.depth, builder.network):
        with pytest.raises(ValueError, match="Fewer stages, or larger images, or do not shrink early"):
            ask()
    assert "too small" in builder._description()
    builder.blocks = (1, 1, 1, 1)
    assert builder._refused == "" and builder.table.rows[-1].output == (10,)
    assert {row.output for row in builder.table.rows if row.name.startswith("stage4")} == {(128, 1, 1)}
    with pytest.raises(ValueError, match="too small"):
        ArchitectureBuilder("ResNet-18", blocks=(1,) * 5, side=32)


def test_a_network_too_large_for_a_laptop_is_measured_and_not_made():
    builder = ArchitectureBuilder(blocks=(1,), width=128)
    assert builder.table.totals.parameter_bytes > 20e9
    with pytest.raises(ValueError, match=r"would take 26.4 GB, and 2 GB is the most"):
        builder.network()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"preset": "VGG-17"}, "no preset 'VGG-17'; there are VGG-11"),
        ({"preset": OWN}, "no preset 'your own'"),
        ({"blocks": (9, 1)}, r"blocks is \(9, 1\): blocks should be one to five whole numbers"),
        ({"blocks": ()}, r"blocks is \(\)"),
        ({"blocks": (1,) * 6}, "one for each stage"),
        ({"blocks": (1.5,)}, "whole numbers"),
        ({"blocks": 3}, "blocks is 3"),
        ({"pattern": "AlexNet"}, "pattern is 'AlexNet': it must be one of 'VGG', 'ResNet'"),
        ({"width": 20}, "width"),
        ({"hidden": 1000}, "hidden"),
        ({"side": 30}, "side"),
    ],
)
def test_wrong_settings_are_told(wrong, said):
    with pytest.raises(traitlets.TraitError, match=said):
        ArchitectureBuilder(**wrong)


def test_an_unknown_setting_is_told():
    with pytest.raises(TypeError, match="no setting 'stages'; there are blocks, bottleneck"):
        ArchitectureBuilder(stages=3)


def test_a_picture_stands_in_where_there_is_no_kernel():
    data, metadata = ArchitectureBuilder("ResNet-50")._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 800
    assert "ResNet-50: 50 layers with weights, 25.6 million parameters" in metadata["image/png"]["alt"]
