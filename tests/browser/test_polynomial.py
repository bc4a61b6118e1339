"""The sliders on curves in a real JupyterLab: the keyboard moves them, and the picture follows."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

POLYNOMIAL = """
from visionlab.widgets.polynomial import PolynomialExplorer
PolynomialExplorer(degree=2)
"""
HINGES = """
from visionlab.widgets.polynomial import HingeExplorer
HingeExplorer([0.0, 1.0, 0.2, 0.8, 0.0], units=4)
"""


@pytest.fixture
def show(page, open_notebook):
    """Put code in the first cell of a notebook, run it, and return the cell."""

    def run(code):
        panel = open_notebook("lectures/05_neural_networks.ipynb")
        cell = panel.locator(".jp-CodeCell").first
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(code)
        page.keyboard.press("Shift+Enter")
        cell.locator(".jupyter-widgets img").wait_for()
        return cell

    return run


def test_the_degree_changes_with_the_keyboard(page, show):
    cell = show(POLYNOMIAL)
    assert "degree 2 " in cell.locator(".jupyter-widgets img").get_attribute("alt")
    slider = cell.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    cell.locator(".jupyter-widgets img[alt*='degree 3 ']").wait_for()
    before = cell.locator(".jupyter-widgets img").get_attribute("src")
    page.keyboard.press("End")
    cell.locator(".jupyter-widgets img[alt*='degree 19 ']").wait_for()
    assert slider.input_value() == "19"
    assert cell.locator(".jupyter-widgets img").get_attribute("src") != before


def test_units_and_their_kind_change_with_the_keyboard(page, show):
    cell = show(HINGES)
    picture = cell.locator(".jupyter-widgets img")
    assert "4 hinges" in picture.get_attribute("alt") and "error is 0.00" in picture.get_attribute("alt")
    cell.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    cell.locator(".jupyter-widgets img[alt*='3 hinges']").wait_for()
    assert "error is 0.00" not in picture.get_attribute("alt")
    cell.get_by_role("button", name="steps").focus()
    page.keyboard.press("Enter")
    cell.locator(".jupyter-widgets img[alt*='3 steps']").wait_for()
