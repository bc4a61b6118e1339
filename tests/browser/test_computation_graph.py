"""The graph explorer in a real JupyterLab: step, guess, type another expression; and the sliders on a deep stack."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

DEPTH = """
from visionlab.widgets.computation_graph import DepthExplorer
DepthExplorer(depth=9, scale=0.5, activation="relu")
"""
GRAPH = """
from visionlab.widgets.computation_graph import GraphExplorer
GraphExplorer("1 / (1 + exp(-(w0*x0 + w1*x1 + b)))")
"""


@pytest.fixture
def show(page, open_notebook):
    """Put code in the first cell of a notebook, run it, and return the cell."""

    def run(code):
        panel = open_notebook("lectures/04_backpropagation.ipynb")
        cell = panel.locator(".jp-CodeCell").first
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(code)
        page.keyboard.press("Shift+Enter")
        return cell

    return run


def test_a_student_steps_through_a_graph_and_guesses(page, open_notebook, run_all):
    panel = open_notebook("lectures/04_backpropagation.ipynb")
    run_all()
    explorer = panel.locator(".vl-graph").first
    explorer.scroll_into_view_if_needed()

    def press(name):
        explorer.locator(f"[data-control={name}]").click()

    said = explorer.locator("[data-said]")
    for _ in range(2):
        press("forward")
    said.get_by_text("Forward is done: f = −12").wait_for()
    press("backward")
    press("backward")
    explorer.locator("[data-question]").get_by_text("Which gradient goes downstream").wait_for()
    explorer.locator("[data-control=guess]").fill("17")
    press("answer")
    said.get_by_text("17 is not it").wait_for()
    press("tell")
    press("all")
    said.get_by_text("All gradients are known. x: −4, y: −4, z: 3").wait_for()
    explorer.locator("[data-control=expression]").fill("x * x + y")
    explorer.locator("[data-control=expression]").press("Enter")
    said.get_by_text("Forward: next is").wait_for()
    explorer.locator("[data-control=expression]").fill("x * (y")
    explorer.locator("[data-control=expression]").press("Enter")
    explorer.locator("[data-problem]").filter(has_text="(").wait_for()


def test_a_long_graph_fits_and_the_keyboard_stays_in_it(page, show):
    explorer = show(GRAPH).locator(".vl-graph")
    explorer.locator("[data-node]").first.wait_for()
    assert explorer.locator(".vl-stage").evaluate("stage => stage.scrollWidth <= stage.clientWidth + 1")

    explorer.locator("[data-node]").nth(1).focus()
    page.keyboard.press("Enter")
    explorer.locator("[data-details] li").first.wait_for()
    assert page.evaluate("document.activeElement.dataset.node") == "1"

    forward = explorer.locator("[data-control=forward]")
    while forward.is_enabled():
        forward.press("Enter")
    explorer.locator("[data-control=backward]").press("Enter")
    explorer.locator("[data-control=backward]").press("Enter")
    explorer.locator("[data-question]").get_by_text("Which gradient goes downstream").wait_for()
    explorer.locator("[data-control=tell]").press("Enter")
    explorer.locator(".vl-question").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.dataset.control") == "backward"


def test_depth_and_scale_change_with_the_keyboard(page, show):
    cell = show(DEPTH)
    picture = cell.locator(".jupyter-widgets img")
    picture.wait_for()
    assert "9 ReLU layers, scale 0.50" in picture.get_attribute("alt")
    before = picture.get_attribute("src")
    cell.get_by_role("slider").nth(0).focus()
    page.keyboard.press("ArrowRight")
    cell.locator(".jupyter-widgets img[alt*='10 ReLU layers, scale 0.50']").wait_for()
    assert picture.get_attribute("src") != before
    cell.get_by_role("slider").nth(1).focus()
    page.keyboard.press("ArrowRight")
    cell.locator(".jupyter-widgets img[alt*='10 ReLU layers, scale 0.55']").wait_for()
    cell.get_by_role("combobox").select_option("tanh")
    cell.locator(".jupyter-widgets img[alt*='10 tanh layers, scale 0.55']").wait_for()
