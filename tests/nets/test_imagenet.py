"""Networks trained on ImageNet: they know what is on a photograph, and say what is missing when they can't be had."""

import numpy as np
import pytest
import torch

from visionlab import datasets
from visionlab.datasets import registry
from visionlab.nets.imagenet import WeightsUnavailable, pretrained, weight_file
from visionlab.nets.mobile import SameConv2d


@pytest.fixture(scope="module")
def lite():
    return pretrained("efficientnet_lite0")


@pytest.mark.parametrize(("photo", "answers"), [("coffee", {"espresso"}), ("chelsea", {"Egyptian Mau", "tabby cat"})])
def test_it_knows_photographs(lite, photo, answers):
    (name, probability), *_ = lite.classify(datasets.photo(photo))
    assert name in answers and probability > 0.3


def test_mobilenet_knows_them_too():
    try:
        network = pretrained("mobilenet_v2")
    except WeightsUnavailable as missing:
        pytest.skip(str(missing))
    assert network.classify(datasets.photo("coffee"), top=1)[0][0] == "espresso"


def test_what_it_returns_is_ready_to_use(lite):
    assert not lite.network.training
    assert len(lite.labels) == 1000 and lite.labels[278] == "kit fox"
    assert "Apache" in lite.licence and "Tan" in lite.citation
    batch = lite.prepare([datasets.photo("rocket"), datasets.photo("chelsea")])
    assert batch.shape == (2, 3, 224, 224) and batch.dtype == torch.float32
    assert lite.prepare(datasets.photo("coffee"), size=96).shape == (1, 3, 96, 96)


def test_photographs_are_prepared_as_in_training(lite):
    grey = np.full((300, 500, 3), 127, np.uint8)
    assert torch.allclose(lite.prepare(grey), torch.zeros(()), atol=1e-5)  # (x − 127) / 128
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, :100], wide[:, 200:] = 255, 255
    assert lite.prepare(wide).max() < 0  # the middle square, without the white sides


def test_what_is_no_photograph_is_refused(lite):
    with pytest.raises(ValueError, match="uint8"):
        lite.prepare(np.zeros((10, 10, 3)))


def test_there_is_no_such_network():
    with pytest.raises(ValueError, match="efficientnet_lite0"):
        pretrained("resnet19")


def test_a_changed_weight_file_is_not_used(monkeypatch, tmp_path):
    (tmp_path / "weights.pth").write_bytes(b"something else")
    entry = registry()["weights"]["efficientnet_lite0"]
    source = {"title": "a folder", "kind": "system", "folder": str(tmp_path), "files": ["weights.pth"], "package": "x"}
    monkeypatch.setitem(entry, "sources", [source])
    with pytest.raises(WeightsUnavailable, match="not what it should be"):
        weight_file("efficientnet_lite0")


def test_padding_is_tensorflows():
    """SAME: ⌈size / stride⌉ outputs; at even sizes and stride 2 the one zero lies below and on the right."""
    layer = SameConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(layer.weight)
    with torch.no_grad():
        assert layer(torch.ones(1, 1, 4, 5))[0, 0].tolist() == [[6, 9, 6], [4, 6, 4]]
        assert layer(torch.ones(1, 1, 5, 4))[0, 0].tolist() == [[6, 4], [9, 6], [6, 4]]
