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


PLAYGROUND = """
from visionlab.widgets.linear_playground import LinearPlayground
playground = LinearPlayground([[-1, 1], [1, 1], [0, -1.5]], [0, 1, 2])
playground
"""


def test_points_are_moved_by_mouse_and_keyboard(page, open_notebook):
    cell = open_notebook(LECTURE).locator(".jp-CodeCell").first

    def run(code):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(code)
        page.keyboard.press("Control+Enter")

    run(PLAYGROUND)
    root = cell.locator(".vl-explorer")
    stage, points, said = root.locator("[data-stage]"), root.locator(".vl-point"), root.locator("[role=status]")
    points.nth(2).wait_for()

    def place(i):
        """The middle of a point, in the coordinates of the plane."""
        box, plane = points.nth(i).bounding_box(), stage.bounding_box()
        x = (box["x"] + box["width"] / 2 - plane["x"]) / plane["width"]
        y = (box["y"] + box["height"] / 2 - plane["y"]) / plane["height"]
        return 6 * x - 3, 3 - 6 * y

    def pixel(x, y):
        plane = stage.bounding_box()
        return plane["x"] + (x + 3) / 6 * plane["width"], plane["y"] + (3 - y) / 6 * plane["height"]

    stage.scroll_into_view_if_needed()
    assert place(1) == pytest.approx((1, 1), abs=0.05)
    page.mouse.move(*pixel(1, 1))
    page.mouse.down()
    page.mouse.move(*pixel(1.5, 0), steps=4)
    page.mouse.move(*pixel(2, -1), steps=4)
    page.mouse.up()
    said.get_by_text("Moved “B” at (2.0, −1.0).").wait_for()
    assert place(1) == pytest.approx((2, -1), abs=0.05)
    assert place(0) == pytest.approx((-1, 1), abs=0.05), "the others stay"
    page.mouse.move(*pixel(0, 0))  # the button is up: nothing is dragged any more
    assert points.count() == 3

    stage.focus()
    page.keyboard.press("PageDown")  # from the point that was dragged to the next one
    said.get_by_text("Chosen: “C” at (0.0, −1.5).").wait_for()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    said.get_by_text("Moved “C” at (−0.2, −1.4).").wait_for()
    page.wait_for_timeout(200)
    assert place(2)[0] == pytest.approx(-0.2, abs=0.05)
    assert place(1) == pytest.approx((2, -1), abs=0.05)

    run("print([[round(v, 1) for v in point] for point in playground.points])")
    cell.get_by_text("[[-1.0, 1.0], [2.0, -1.0], [-0.2, -1.4]]").wait_for()
