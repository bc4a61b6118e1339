import math

import numpy as np
import pytest

from visionlab.checks.cases import Raised
from visionlab.checks.compare import Tolerance, difference


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (3, 3),
        (0.5, 0.5 + 1e-12),
        (0.5, np.float64(0.5).item()),
        (np.arange(4.0), np.arange(4)),
        (np.array([np.nan, 1]), np.array([np.nan, 1])),
        ((3, 2), [3, 2]),
        ({"a": np.zeros(2)}, {"a": np.zeros(2)}),
        (None, None),
        (True, True),
        (Raised("ValueError"), Raised("UnicodeError", ("UnicodeError", "ValueError"))),
    ],
)
def test_alike(expected, got):
    assert difference(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "kind", "said"),
    [
        (3, 3.0, "type", "whole number 3, and yours is the float 3.0"),
        (3, 4, "value", "should be 3, and yours is 4"),
        (1, True, "type", "should be 1, and yours is True"),
        (True, 1, "type", "should be True, and yours is 1"),
        (0.1, None, "type", "should be 0.1, and yours is None"),
        (np.zeros((2, 3)), np.zeros((3, 2)), "shape", "shape (2, 3), and yours has shape (3, 2)"),
        (np.zeros(2), [0.0, 0.0], "type", "should be an array of shape (2,), and yours is a list of 2 elements"),
        (np.zeros(3), np.ones(3), "value", "out[0] should be 0, and yours is 1; all 3 elements are wrong"),
        ((1, 2), (1, 3), "value", "out[1] should be 2, and yours is 3"),
        ((1, 2), (1,), "shape", "should have 2 elements, and yours has 1"),
        ([1], [], "shape", "should have 1 element, and yours has 0"),
        (math.log(2), 0.3, "value", "should be 0.6931, and yours is 0.3."),
        (8.0, 8.00004, "value", "should be 8, and yours is 8.00004"),
        (np.array([8.0]), np.array([8.00004]), "value", "out[0] should be 8, and yours is 8.00004"),
        ({"a": 1}, {}, "shape", "should have an entry 'a'"),
        (5, Raised("IndexError", (), "no"), "raised", "should be 5, and yours raised IndexError: no"),
        (Raised("ValueError"), 5, "no error", "should raise a ValueError, and yours returned 5"),
        (
            Raised("ValueError"),
            Raised("TypeError"),
            "wrong error",
            "should raise a ValueError, and yours raised TypeErr",
        ),
    ],
)
def test_different(expected, got, kind, said):
    found = difference(expected, got, name="out")
    assert found.kind == kind
    assert said in found.message


def test_first_wrong_element_is_found_in_an_array_of_any_shape():
    expected = np.zeros((2, 3, 4))
    got = expected.copy()
    got[1, 0, 2] = got[1, 2, 3] = 0.25
    found = difference(expected, got, name="out")
    assert found.index == (1, 0, 2)
    assert found.message == "out[1, 0, 2] should be 0, and yours is 0.25; 2 of 24 elements are wrong."
    assert found.wrong.sum() == 2


def test_tolerance_decides():
    assert difference(1.0, 1.001, Tolerance(relative=1e-2)) is None
    assert difference(1.0, 1.001, Tolerance(relative=1e-4))
