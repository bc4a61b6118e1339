"""The widgets of lecture 11 in a real JupyterLab: a square, a slider and a climb, by keyboard and mouse."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

LITE = """
import torch
from skimage import data
from visionlab import datasets
from visionlab.nets import pretrained
torch.set_num_threads(1)
lite = pretrained("efficientnet_lite0")
"""
OCCLUSION = f"""{LITE}
from visionlab.widgets.occlusion_explorer import OcclusionExplorer
photos = {{"cameraman": data.camera(), "coffee": datasets.photo("coffee")}}
OcclusionExplorer(lite, photos, side=72, place=(60, 60))
"""
FOOLING = f"""{LITE}
from visionlab.widgets.fooling_slider import FoolingSlider
cat = {{"cat": datasets.photo("chelsea", size=224)}}
FoolingSlider(lambda x: lite.network(lite.normalise(x)), lite.labels, cat, target="kit fox", rule="ten steps")
"""
CLIMB = f"""{LITE}
from visionlab.widgets.class_maximiser import ClassMaximiser
ClassMaximiser(lite, "daisy", side=96, steps=5000)
"""


@pytest.fixture
def show(page, open_notebook):
    """Run some lines in an open notebook and return the widget that they show."""

    def run(lines):
        cell = open_notebook("lectures/00_start_here.ipynb").locator(".jp-CodeCell").first
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(lines)
        page.keyboard.press("Shift+Enter")
        explorer = cell.locator(".vl-explorer")
        explorer.wait_for()
        return explorer

    return run


def wait_until(page, locator, words, *arguments):
    """Wait until a JavaScript expression over the element `el` and the argument `a` is true."""
    page.wait_for_function(f"([el, a]) => {words}", arg=[locator.element_handle(), *(arguments or [None])])


def press(page, explorer, control, key="Enter"):
    explorer.locator(f"[data-control={control}]").focus()
    page.keyboard.press(key)


def test_a_square_is_moved_and_the_map_computed(page, show):
    explorer = show(OCCLUSION)
    said, stage = explorer.locator("[data-occlusion]"), explorer.locator("[data-stage=photo]")
    wait_until(page, said, "Number(el.dataset.probability) > 0.85 && el.dataset.row === '60'")
    stage.focus()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("ArrowRight")
    wait_until(page, said, "el.dataset.row === '76' && el.dataset.column === '64'")

    box = stage.bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 130 / 224 * box["width"], box["y"] + 170 / 224 * box["height"], steps=30)
    page.mouse.up()  # of 30 places only the last one counts
    wait_until(page, said, "Math.abs(el.dataset.row - 170) < 2 && Math.abs(el.dataset.column - 130) < 2")
    wait_until(page, said, "Number(el.dataset.probability) < 0.6 && Number(el.dataset.whole) > 0.9")

    press(page, explorer, "map")
    wait_until(page, said, "el.dataset.status === 'running' && Number(el.dataset.done) > 5")
    press(page, explorer, "map")
    wait_until(page, said, "el.dataset.status === 'stopped' && Number(el.dataset.done) < 196")
    press(page, explorer, "map")
    wait_until(page, said, "el.dataset.status === 'done' && el.dataset.done === '196'")
    explorer.locator("[data-control=photo]").select_option("coffee")
    wait_until(
        page, said, "el.dataset.photo === 'coffee' && el.dataset.done === '0' && el.innerText.includes('espresso')"
    )


def test_a_cat_becomes_a_fox_by_keyboard(page, show):
    explorer = show(FOOLING)
    said = explorer.locator("[data-fooling]")
    wait_until(page, said, "el.dataset.label === el.dataset.first")
    slider = explorer.locator("[data-control=size]")
    slider.focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    wait_until(page, said, "el.dataset.label === 'kit fox' && Math.abs(el.dataset.size - 2) < 0.01")
    sums = explorer.locator("canvas").nth(2).evaluate("el => el.toDataURL()")
    explorer.locator("[data-control=rule]").select_option("random signs")
    wait_until(page, said, "el.dataset.rule === 'random signs' && el.dataset.label !== 'kit fox'")
    assert explorer.locator("canvas").nth(2).evaluate("el => el.toDataURL()") != sums
    press(page, explorer, "size", "Home")
    wait_until(page, said, "el.dataset.size === '0' && el.dataset.label === el.dataset.first")


def test_a_climb_is_steered_by_keyboard(page, show):
    explorer = show(CLIMB)
    said = explorer.locator("[data-maximiser]")
    wait_until(page, said, "el.dataset.status === 'ready'")
    press(page, explorer, "step")
    wait_until(page, said, "el.dataset.status === 'paused' && el.dataset.step === '1'")
    press(page, explorer, "start")
    wait_until(page, said, "el.dataset.status === 'running' && Number(el.dataset.step) > 10")
    press(page, explorer, "l2", "Home")  # while it runs
    wait_until(page, explorer.locator("[data-control=l2]"), "el.getAttribute('aria-valuetext') === '0'")
    press(page, explorer, "start")
    wait_until(page, said, "el.dataset.status === 'paused' && Number(el.dataset.score) > 5")
    at = said.get_attribute("data-step")
    page.wait_for_timeout(600)
    assert said.get_attribute("data-step") == at
    press(page, explorer, "none")
    for control in ("smoothness", "blur", "jitter"):
        wait_until(page, explorer.locator(f"[data-control={control}]"), "el.value === '0'")
    press(page, explorer, "over")
    wait_until(page, said, "el.dataset.status === 'ready' && el.dataset.step === '0'")
    explorer.locator("[data-control=target]").select_option("goldfish")
    wait_until(page, said, "el.dataset.target === 'goldfish'")
