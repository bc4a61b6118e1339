"""The loss sliders in a real JupyterLab: they answer to the keyboard, in the browser and in Python."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")
LECTURE = "lectures/02_linear_classifiers.ipynb"


@pytest.fixture
def first_cell(page, open_notebook):
    """Returns a function that runs code in the lecture's first cell, and returns the cell."""
    cell = open_notebook(LECTURE).locator(".jp-CodeCell").first

    def run(code):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(code)
        page.keyboard.press("Control+Enter")
        return cell

    return run


def test_scores_and_the_correct_class_change_both_losses(page, first_cell):
    cell = first_cell("""
from visionlab.widgets.loss_sliders import LossSliders
sliders = LossSliders(scores=(3.2, 5.1, -1.7), classes=("cat", "car", "frog"), correct="cat")
sliders
""")
    explorer = cell.locator(".vl-explorer")
    hinge, softmax = (explorer.locator(f"[data-bar='{i}']") for i in (0, 1))
    fill = explorer.locator(".vl-fill").first
    hinge.get_by_text("2.90", exact=True).wait_for()
    assert softmax.inner_text() == "2.04"
    assert "max(0, 2.9) + max(0, −3.9) = 2.90" in explorer.locator("[role=status]").inner_text()
    long = fill.bounding_box()["width"]

    cat = explorer.locator("[data-control=score-0]")
    cat.focus()
    for _ in range(10):  # 1.0 more
        page.keyboard.press("ArrowRight")
    hinge.get_by_text("1.90", exact=True).wait_for()
    assert cat.get_attribute("aria-valuetext") == "4.2"
    assert fill.bounding_box()["width"] < long
    page.keyboard.press("End")
    hinge.get_by_text("0.00", exact=True).wait_for()
    assert softmax.inner_text() == "0.01", "never content"

    explorer.locator("[data-control=correct]").select_option("frog")
    hinge.get_by_text("20.50", exact=True).wait_for()  # (10 + 1.7 + 1) + (5.1 + 1.7 + 1)
    assert explorer.locator(".vl-track").first.get_attribute("data-beyond") == "above"

    first_cell("print(sliders.scores, sliders.correct, round(sliders.hinge, 2))")
    cell.get_by_text("[10.0, 5.1, -1.7] frog 20.5").wait_for()


def test_the_negative_moves_away_until_the_triplet_is_content(page, first_cell):
    cell = first_cell("""
from visionlab.widgets.loss_sliders import TripletSlider
triplet = TripletSlider(positive=93, negative=106, margin=20)
triplet
""")
    explorer = cell.locator(".vl-explorer")
    loss, without = (explorer.locator(f"[data-bar='{i}']") for i in (0, 1))
    said = explorer.locator("[role=status]")
    loss.get_by_text("7.0", exact=True).wait_for()
    assert without.inner_text() == "7.0"
    assert "too near" in said.inner_text()

    explorer.locator("[data-control=negative]").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    without.get_by_text("−1.0", exact=True).wait_for()
    assert loss.inner_text() == "0.0"
    assert "content" in said.inner_text()
    page.keyboard.press("End")
    without.get_by_text("−287.0", exact=True).wait_for()
    assert explorer.locator(".vl-track[data-beyond]").count() == 0, "all that sliders can do is on the scale"

    first_cell("triplet.negative = 1000; print('set')")
    cell.get_by_text("set", exact=True).last.wait_for()
    first_cell("triplet")
    without.get_by_text("−887.0", exact=True).wait_for()
    assert explorer.locator(".vl-track").last.get_attribute("data-beyond") == "below"
