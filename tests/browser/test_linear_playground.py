"""The lecture on linear classifiers in a real JupyterLab: training, λ, points and loss sliders answer."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")
LECTURE = "lectures/02_linear_classifiers.ipynb"


def test_it_trains_and_answers(page, open_notebook, run_all):
    panel = open_notebook(LECTURE)
    run_all()
    root = panel.locator(".vl-explorer", has=page.locator("[data-control=strength]"))
    root.scroll_into_view_if_needed()
    stage = root.locator("[data-stage]")

    def number(name):
        return float(root.get_attribute(f"data-{name}"))

    def wait(condition):
        page.wait_for_function(f"el => {condition}", arg=root.element_handle())

    root.locator("[data-control=reset]").click()
    wait("el.dataset.steps === '0'")
    untrained = number("loss")
    assert abs(untrained - 1.0986) < 1e-3
    root.locator("[data-control=step]").click()
    wait("el.dataset.steps === '1'")
    assert number("loss") < untrained

    root.locator("[data-control=start]").click()
    wait("Number(el.dataset.steps) > 150")
    trained, picture = number("loss"), stage.screenshot()
    assert trained < 0.8
    strength = root.locator("[data-control=strength]")
    strength.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    before = number("steps")
    wait(f"Number(el.dataset.steps) > {before + 150}")
    root.locator("[data-control=start]").click()
    assert number("loss") > trained
    assert stage.screenshot() != picture
    steps = number("steps")
    page.wait_for_timeout(300)
    assert number("steps") == steps, "stopped means stopped"

    points = number("points")
    box = stage.bounding_box()
    page.mouse.click(box["x"] + 0.06 * box["width"], box["y"] + 0.06 * box["height"])
    wait(f"Number(el.dataset.points) === {points + 1}")
    page.keyboard.press("Delete")
    wait(f"Number(el.dataset.points) === {points}")


def test_python_and_browser_share_the_state(page, open_notebook, run_all):
    panel = open_notebook(LECTURE)
    run_all()
    sliders = panel.locator(".vl-explorer", has=page.locator("[data-control=score-0]")).first
    hinge = sliders.locator("[data-bar='0']")
    page.wait_for_function("el => el.textContent === '2.90'", arg=hinge.element_handle())
    score = sliders.locator("[data-control=score-0]")
    score.focus()
    for _ in range(10):  # 1.0 more
        page.keyboard.press("ArrowRight")
    page.wait_for_function("el => el.textContent === '1.90'", arg=hinge.element_handle())

    cell = panel.locator(".jp-CodeCell", has_text="playground.data_loss").first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("playground.reset(); playground.loss_kind = 'hinge'")
    page.keyboard.press("Control+Enter")
    root = panel.locator(".vl-explorer", has=page.locator("[data-control=strength]"))
    page.wait_for_function(
        "el => el.dataset.steps === '0' && Math.abs(el.dataset.loss - 2) < 1e-9", arg=root.element_handle()
    )
