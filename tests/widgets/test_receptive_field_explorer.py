"""The receptive-field explorer without a browser, and its numbers against the gradient of a real network."""

import base64
import io

import pytest
import torch
import traitlets
from PIL import Image
from torch import nn

from visionlab.widgets import ReceptiveFieldExplorer

DECK = [("conv", 3, 1), ("subsample", 1, 2), ("conv", 3, 1), ("subsample", 1, 2)]
LENET = [("conv", 5, 1), ("pool", 2, 2), ("conv", 5, 1), ("pool", 2, 2)]


@pytest.mark.parametrize(
    ("layers", "fields", "jumps"),
    [
        (DECK, [1, 3, 3, 7, 7], [1, 1, 2, 2, 4]),
        (LENET, [1, 5, 6, 14, 16], [1, 1, 2, 2, 4]),
        ([("conv", 3, 1)] * 3, [1, 3, 5, 7], [1, 1, 1, 1]),
        ([("conv", 11, 4), ("pool", 3, 2)], [1, 11, 19], [1, 4, 8]),
    ],
)
def test_fields_and_jumps(layers, fields, jumps):
    explorer = ReceptiveFieldExplorer(layers)
    assert explorer.receptive_fields == fields
    assert explorer.jumps == jumps
    assert explorer.receptive_field == fields[-1]


@pytest.mark.parametrize("layers", [DECK, LENET, [("conv", 4, 3), ("conv", 2, 2), ("conv", 3, 1)]])
def test_a_networks_gradient_reaches_as_far(layers):
    stack = []
    for _, kernel, stride in layers:
        stack.append(nn.Conv2d(1, 1, kernel, stride, bias=False))
        nn.init.ones_(stack[-1].weight)
    explorer = ReceptiveFieldExplorer(layers)
    image = torch.ones(1, 1, explorer.size, explorer.size, requires_grad=True)
    out = nn.Sequential(*stack)(image)
    out[0, 0, explorer.row, explorer.column].backward()
    assert image.grad.any(dim=-1).sum() == explorer.receptive_field


def test_changes_keep_the_selection_inside():
    explorer = ReceptiveFieldExplorer(DECK)
    explorer.layer = 0
    explorer.row = explorer.column = explorer.size - 1
    explorer.layers = DECK[:1]
    explorer.layer = 1
    assert explorer.row == explorer.size - 3
    assert explorer.receptive_field == 3


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([], "layers"),
        ([("dense", 3, 1)], "kind"),
        ([("conv", 0, 1)], "its kernel must be from 1 to 11"),
        ([("conv", 3, 9)], "its stride from 1 to 4"),
        ([("subsample", 2, 2)], "its kernel must be 1"),
        ([("conv", 3)], "layer"),
    ],
)
def test_wrong_layers_are_told(layers, said):
    with pytest.raises(traitlets.TraitError, match=said):
        ReceptiveFieldExplorer(layers)


def test_a_layer_that_is_not_there_is_told():
    with pytest.raises(traitlets.TraitError, match="there are 4 layers"):
        ReceptiveFieldExplorer(DECK, layer=5)


@pytest.mark.parametrize("parts", [False, True])
def test_a_picture_stands_in_where_there_is_no_kernel(parts):
    data, metadata = ReceptiveFieldExplorer(DECK, layer=3, parts=parts)._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width > 500
    assert "depends on 7×7 pixels" in metadata["image/png"]["alt"]
