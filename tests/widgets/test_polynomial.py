"""The sliders on curves without a browser."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from visionlab.widgets.polynomial import HingeExplorer, PolynomialExplorer

CURVE = np.abs(np.sin(7 * np.linspace(0, 1, 128)))


def test_the_training_error_only_falls():
    explorer = PolynomialExplorer()
    errors = [explorer.errors(N) for N in range(19)]
    assert all(np.diff([known for known, _ in errors]) < 1e-9)
    assert min(range(19), key=lambda N: errors[N][1]) in (2, 3)


def test_the_fit_is_least_squares():
    explorer = PolynomialExplorer()
    expected = np.polyfit(explorer.x, explorer.y, 3)[::-1]
    np.testing.assert_allclose(explorer.fit(3).convert().coef, expected, atol=1e-8)


def test_the_slider_changes_the_picture():
    explorer = PolynomialExplorer(degree=2)
    before = explorer._image.value
    explorer.children[0].children[0].value = 15
    assert explorer.degree == 15
    assert explorer._image.value != before and "degree 15" in explorer._image.value


def test_more_hinges_come_nearer():
    explorer = HingeExplorer(CURVE, units=4)
    rough, before = explorer.error, explorer._image.value
    explorer.units = 64
    assert explorer.error < rough / 5
    assert explorer._image.value != before


def test_hinges_at_every_place_are_exact():
    assert HingeExplorer(CURVE, units=127).error < 1e-9


def test_steps_stay_flat_between():
    explorer = HingeExplorer(CURVE, units=9)
    explorer.kind = "steps"
    assert np.ptp(explorer.network(np.linspace(0.13, 0.17, 20))) < 0.01
    explorer.units = 100
    assert explorer.error < 0.1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: PolynomialExplorer(degree=20), "degree is 20: it must be a whole number from 0 to 19"),
        (lambda: PolynomialExplorer(degree=1.5), "degree is 1.5"),
        (lambda: PolynomialExplorer(samples=3), "samples is 3"),
        (lambda: PolynomialExplorer(noise=-1), "noise is -1"),
        (lambda: PolynomialExplorer(samples=8).fit(9), "needs more than 8 samples"),
        (lambda: HingeExplorer(CURVE, units=0), "units is 0: it must be a whole number from 1 to 127"),
        (lambda: HingeExplorer(CURVE, kind="sines"), "'hinges', 'steps'"),
        (lambda: HingeExplorer([1.0, np.nan, 2.0]), "finite"),
    ],
)
def test_wrong_values_are_told(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    "made", [PolynomialExplorer(degree=15), HingeExplorer(CURVE), HingeExplorer(CURVE, kind="steps")]
)
def test_a_picture_stands_in_where_there_is_no_kernel(made):
    data, metadata = made._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 600
    assert "error" in metadata["image/png"]["alt"]
