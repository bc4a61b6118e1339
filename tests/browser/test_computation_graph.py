"""The graph explorer in a real JupyterLab: step, guess, type another expression."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")


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
