"""The plots with sliders: schedules of the learning rate, and the step of a finite difference."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from visionlab.widgets.schedules import DifferenceExplorer, ScheduleExplorer


def torch_rates(make, epochs=100):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimiser)
    rates = []
    for _ in range(epochs + 1):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return rates


def test_schedules_are_torchs():
    explorer = ScheduleExplorer()
    explorer.set(drop=0.1, every=30, decay=0.97, warm_up=0)
    rates, schedulers = explorer.rates(), torch.optim.lr_scheduler
    np.testing.assert_allclose(rates["step"], torch_rates(lambda o: schedulers.StepLR(o, 30, 0.1)))
    np.testing.assert_allclose(rates["0.97 each epoch"], torch_rates(lambda o: schedulers.ExponentialLR(o, 0.97)))
    np.testing.assert_allclose(rates["root"], torch_rates(lambda o: schedulers.PolynomialLR(o, 100, 0.5)), atol=1e-7)
    np.testing.assert_allclose(rates["cosine"], torch_rates(lambda o: schedulers.CosineAnnealingLR(o, 100)), atol=1e-12)


def test_constants_change_the_curves_and_the_words():
    explorer = ScheduleExplorer()
    before, picture = explorer.rates(), explorer._image.value
    explorer.set(k=0.5, warm_up=20)
    after = explorer.rates()
    assert after["1/(1 + kt)"][2] == pytest.approx(0.5)
    assert after["exp(−kt)"][2] == pytest.approx(np.exp(-1))
    assert after["cosine"][10] == pytest.approx(0.5)
    assert after["cosine"][20] == pytest.approx(1) == before["cosine"][10]
    assert explorer._image.value != picture
    assert f"root {np.sqrt(0.5):.3g}" in explorer._said.value
    explorer.set(log=True)


def test_wrong_values_are_told():
    explorer = ScheduleExplorer()
    with pytest.raises(ValueError, match=r"k is 7: it must be from 0\.01 to 1\.0"):
        explorer.set(k=7)
    with pytest.raises(ValueError, match="no control 'speed': there are drop, every"):
        explorer.set(speed=1)


def test_truncation_and_round_off():
    explorer = DifferenceExplorer(np.exp, 1.0, at=0.0)

    def error(**values):
        explorer.set(**values)
        return abs(explorer.estimate() - 1)

    assert error(exponent=-2) == pytest.approx(0.005, rel=0.01)  # half the curvature times h
    assert error(exponent=-2, formula="central") == pytest.approx(1e-4 / 6, rel=0.01)
    assert error(exponent=-5) < 1e-9
    assert error(exponent=-14) > 1e-4
    assert error(exponent=-8, kind="float32") > 1e-2
    assert "about 0 digits right" in explorer._said.value


@pytest.mark.parametrize(
    ("make", "said"), [(ScheduleExplorer, "half way"), (lambda: DifferenceExplorer(np.sin, 1.0, at=0.0), "slope")]
)
def test_a_picture_stands_in_where_there_is_no_kernel(make, said):
    data, metadata = make()._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert said in metadata["image/png"]["alt"]
