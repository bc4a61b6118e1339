"""The loss sliders without a browser."""

import base64
import io

import pytest
import torch
import traitlets
from PIL import Image
from torch.nn.functional import cross_entropy, multi_margin_loss

from visionlab.widgets.loss_sliders import LossSliders, TripletSlider


@pytest.mark.parametrize(
    ("scores", "correct", "hinge"), [((3.2, 5.1, -1.7), 0, 2.9), ((1.3, 4.9, 2.0), 1, 0), ((2.2, 2.5, -3.1), 2, 12.9)]
)
def test_the_slides_table(scores, correct, hinge):
    sliders = LossSliders(scores, correct=("cat", "car", "frog")[correct])
    assert sliders.hinge == pytest.approx(hinge)
    s, y = torch.tensor([scores], dtype=torch.float64), torch.tensor([correct])
    assert sliders.hinge == pytest.approx(3 * multi_margin_loss(s, y).item())
    assert sliders.softmax == pytest.approx(cross_entropy(s, y).item())


def test_changes():
    sliders = LossSliders((3.2, 5.1, -1.7))
    sliders.scores = [10, 0, 0]
    assert sliders.hinge == 0 and 0 < sliders.softmax < 1e-3
    sliders.correct = "frog"
    assert sliders.hinge == 12


def test_the_triplet_without_its_hinge_has_no_end():
    triplet = TripletSlider(90, 80, 20)
    assert triplet.loss == triplet.without_hinge == 30
    triplet.negative = 1000
    assert triplet.loss == 0 and triplet.without_hinge == -890


def test_wrong_values_are_told():
    with pytest.raises(traitlets.TraitError, match=r"scores\[1\] is 99: it must be a number from -10 to 10"):
        LossSliders((1, 99, 1))
    with pytest.raises(traitlets.TraitError, match="give three numbers"):
        LossSliders((1, 2))
    with pytest.raises(traitlets.TraitError, match="correct is 'dog': it must be one of 'cat', 'car', 'frog'"):
        LossSliders(correct="dog")
    with pytest.raises(ValueError, match="give three names"):
        LossSliders(classes=("cat", "dog"))
    with pytest.raises(traitlets.TraitError, match="negative is -1"):
        TripletSlider(negative=-1)


@pytest.mark.parametrize(("make", "said"), [(LossSliders, "hinge loss 2.90"), (TripletSlider, "triplet loss 30.00")])
def test_a_picture_stands_in_where_there_is_no_kernel(make, said):
    data, metadata = make()._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert said in metadata["image/png"]["alt"]
