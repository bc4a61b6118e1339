"""The widgets of lecture 12 in a real JupyterLab, by keyboard and by mouse."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

BOXES = """
from visionlab.widgets.box_overlap import BoxOverlap
BoxOverlap((0, 0, 20, 20), (12, 0, 32, 20))
"""
CANVAS = """
import numpy as np
from visionlab import datasets
from visionlab.widgets.segmentation_canvas import SegmentationCanvas
digits = datasets.load("mnist", split="test", subset=20)
papers = np.zeros((2, 64, 64))
papers[1, :2] = 1
canvas = SegmentationCanvas(
    lambda picture: np.where(picture > 0.5, 3, 10), digits.images, digits.labels, papers, things=[[0, 4, 4]]
)
canvas
"""
DETECTIONS = """
import numpy as np
from visionlab import scenes
from visionlab.detection import Found
from visionlab.widgets.detection_explorer import DetectionExplorer
some = scenes.compose("test", 12, seed=0)
found = [
    Found(np.concatenate([boxes, boxes + 2]), np.concatenate([digits, digits]), np.linspace(0.9, 0.2, 2 * len(digits)))
    for boxes, digits in zip(some.boxes, some.digits)
]
DetectionExplorer(some.images, found, list(zip(some.boxes, some.digits)), least_score=0)
"""
EMBEDDING = """
import numpy as np
from visionlab import datasets
from visionlab.widgets.embedding_explorer import EmbeddingExplorer
digits = datasets.load("mnist", split="test", subset=40)
rng = np.random.default_rng(0)
columns = np.stack([digits.labels, 0.2 * (np.arange(40) // 10)], axis=1)
places = [rng.normal(size=(40, 2)), columns]
EmbeddingExplorer(digits.images, digits.labels, places, steps=[0, 100], unseen=[9], anchor=14)
"""


@pytest.fixture
def show(page, open_notebook):
    """Run some lines in an open notebook and return the widget that they show."""

    def run(lines):
        cell = open_notebook("lectures/00_start_here.ipynb").locator(".jp-CodeCell").first
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(lines.strip())
        page.keyboard.press("Shift+Enter")
        explorer = cell.locator(".vl-explorer")
        explorer.wait_for()
        explorer.scroll_into_view_if_needed()
        return explorer

    return run


def wait_until(page, locator, words):
    """Wait until a JavaScript expression over the element `el` is true."""
    page.wait_for_function(f"el => {words}", arg=locator.element_handle())


def place(stage, x, y):
    """Page coordinates of a point of a stage, in shares of its width and height."""
    box = stage.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def test_boxes_are_moved_and_stretched(page, show):
    explorer = show(BOXES)
    said, stage = explorer.locator("[data-iou]"), explorer.locator("[data-stage]")
    wait_until(page, said, "Math.abs(el.dataset.iou - 160 / 640) < 1e-9")
    stage.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_until(page, said, "Math.abs(el.dataset.iou - 200 / 600) < 1e-9")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowLeft")
    wait_until(page, said, "Math.abs(el.dataset.iou - 200 / 580) < 1e-9")
    explorer.locator("[data-control=back]").click()
    wait_until(page, said, "Math.abs(el.dataset.iou - 160 / 640) < 1e-9")
    page.mouse.move(*place(stage, 28 / 40, 10 / 30))  # within the second box: 10 pixels to the left
    page.mouse.down()
    page.mouse.move(*place(stage, 18 / 40, 10 / 30), steps=8)
    page.mouse.up()
    wait_until(page, said, "Math.abs(el.dataset.iou - 360 / 440) < 1e-9")


def test_a_scene_is_composed_and_written_on_while_the_kernel_labels(page, show):
    explorer = show(CANVAS)
    found, stage = explorer.locator("[data-found]"), explorer.locator("[data-stage]")

    def pixels():
        return int(found.get_attribute("data-found").partition(":")[2] or 0)

    wait_until(page, found, "el.dataset.found.startsWith('3:')")
    one = pixels()
    stage.focus()
    page.keyboard.press("8")
    wait_until(page, found, f"Number(el.dataset.found.slice(2)) > {one + 20}")
    page.keyboard.press("Delete")
    wait_until(page, found, f"el.dataset.found === '3:{one}'")
    explorer.locator("[data-control=tool-pen]").click()
    page.mouse.move(*place(stage, 0.6, 0.6))
    page.mouse.down()
    page.mouse.move(*place(stage, 0.9, 0.6), steps=10)
    page.mouse.up()
    wait_until(page, found, f"Number(el.dataset.found.slice(2)) > {one + 30}")
    explorer.locator("[data-control=clear]").click()
    wait_until(page, found, "el.dataset.found === ''")
    explorer.locator("[data-control=backdrop]").select_option("1")
    wait_until(page, found, "el.dataset.found === '3:128'")


def test_knobs_of_a_detector_are_turned_by_keyboard(page, show):
    explorer = show(DETECTIONS)
    said = explorer.locator("[data-detect]")
    wait_until(page, said, "el.dataset.alarms === '0' && Number(el.dataset.hits) > 12 && el.dataset.mean === '1'")
    explorer.locator("[data-control=most_overlap]").focus()
    page.keyboard.press("End")
    wait_until(page, said, "el.dataset.alarms === el.dataset.hits")
    explorer.locator("[data-control=least_score]").focus()
    page.keyboard.press("End")
    wait_until(page, said, "el.dataset.hits === '0' && Number(el.dataset.missed) > 12")
    assert explorer.locator("rect[data-kind=missed]").count() > 0
    explorer.locator("[data-control=next]").click()
    wait_until(page, said, "el.dataset.scene === '1'")


def test_a_walk_among_digits(page, show):
    explorer = show(EMBEDDING)
    said, stage = explorer.locator("[data-embedding]"), explorer.locator("[data-stage]")
    wait_until(
        page, said, "el.dataset.anchor === '14' && el.dataset.step === '100' && el.dataset.near.startsWith('4 4')"
    )
    stage.focus()
    page.keyboard.press("ArrowRight")
    wait_until(page, said, "el.dataset.near.startsWith('5 5')")  # the digits stand in columns by their names
    page.keyboard.press("PageUp")
    page.keyboard.press("PageDown")
    wait_until(page, said, "el.dataset.step === '0'")
    explorer.locator("[data-control=play]").click()
    wait_until(page, said, "el.dataset.step === '100'")
    before = said.get_attribute("data-anchor")
    page.wait_for_timeout(700)  # the digits glide to their places
    page.mouse.click(*place(stage, 0.06, 0.5))
    wait_until(page, said, f"el.dataset.anchor !== '{before}'")
