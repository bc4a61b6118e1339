"""The widgets of lecture 9 in a real JupyterLab: a training is steered, a photograph changed, by the keyboard."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

TRAIN = """
import torch
from torch import nn
from visionlab import datasets
from visionlab.training import as_tensors
from visionlab.widgets.training_dashboard import TrainingDashboard
torch.set_num_threads(1)
network = nn.Sequential(nn.Conv2d(1, 4, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
digits, others = as_tensors(datasets.load("mnist")), as_tensors(datasets.load("mnist", split="test", subset=200))
dashboard = TrainingDashboard(network, digits, others, epochs=200)
dashboard
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


def test_a_training_is_steered_by_keyboard(page, show):
    dashboard = show(TRAIN)
    said = dashboard.locator("[data-training]")
    wait_until(page, said, "el.dataset.status === 'ready'")
    press(page, dashboard, "step")
    wait_until(page, said, "el.dataset.status === 'paused' && el.dataset.step === '1'")
    press(page, dashboard, "step", "Space")
    wait_until(page, said, "el.dataset.status === 'paused' && el.dataset.step === '2'")

    press(page, dashboard, "start")
    wait_until(page, said, "el.dataset.status === 'training' && Number(el.dataset.step) > 100")
    assert dashboard.locator("[data-control=step]").is_disabled()
    press(page, dashboard, "rate", "Home")
    numbers = dashboard.locator(".vl-formula").nth(1)
    wait_until(page, numbers, "el.innerText.includes('rate 1e−5')")  # a hundredth of 0.001
    press(page, dashboard, "start")
    wait_until(page, said, "el.dataset.status === 'paused'")
    at = said.get_attribute("data-step")
    page.wait_for_timeout(600)
    assert said.get_attribute("data-step") == at
    lines = dashboard.locator("figure").nth(3).locator("[data-line]")
    assert lines.count() == 2  # a ratio for each of two layers
    assert "Now: conv 1" in dashboard.locator("figure svg[role=img]").nth(3).get_attribute("aria-label")

    press(page, dashboard, "stop")
    wait_until(page, said, "el.dataset.status === 'stopped'")
    press(page, dashboard, "over")
    wait_until(page, said, "el.dataset.status === 'ready' && el.dataset.step === '0'")


def test_a_photograph_is_changed_by_keyboard(page, show):
    explorer = show("from visionlab.widgets.augmentation import *\nAugmentationExplorer()")
    said, canvas = explorer.locator("[data-augmentation]"), explorer.locator("canvas")
    wait_until(page, said, "el.dataset.changes === '0'")

    def pixels(at):
        return canvas.nth(at).evaluate("el => el.toDataURL()")

    assert pixels(0) == pixels(1)
    press(page, explorer, "rotation", "ArrowRight")
    wait_until(page, said, "el.innerText.includes('rotation 1°')")
    assert pixels(0) != pixels(1)
    press(page, explorer, "flip", "Space")
    wait_until(page, said, "el.innerText.includes('flipped')")
    press(page, explorer, "reset")
    wait_until(page, said, "el.dataset.changes === '0'")
    assert pixels(0) == pixels(1)
    press(page, explorer, "random")
    wait_until(page, said, "Number(el.dataset.changes) > 4")
    press(page, explorer, "random")
    wait_until(page, explorer.locator(".vl-drawn"), "el.children.length === 2")
    before = pixels(0)
    explorer.locator("[data-control=photo]").select_option("coffee")
    page.wait_for_function("([el, old]) => el.toDataURL() !== old", arg=[canvas.nth(0).element_handle(), before])
