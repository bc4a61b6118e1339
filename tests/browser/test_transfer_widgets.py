"""The widgets of lecture 10 in a real JupyterLab: a square on a photograph, a file, classifiers to compare."""

import numpy as np
import pytest
from PIL import Image

from tests.browser.test_training_widgets import press, show, wait_until

__all__ = ["show"]  # a fixture
pytestmark = pytest.mark.xdist_group("browser")

PHOTO = """
from visionlab import datasets
from visionlab.nets import pretrained
from visionlab.widgets.photo_classifier import PhotoClassifier
photos = {name: datasets.photo(name) for name in ("coffee", "chelsea")}
PhotoClassifier(pretrained("efficientnet_lite0"), photos)
"""
TRANSFER = """
import numpy as np
from visionlab import datasets
from visionlab.widgets.transfer_explorer import ProbeTask, TransferExplorer
tasks = {}
for name in ("mnist", "cifar10"):
    train, test = datasets.load(name, subset=50), datasets.load(name, split="test", subset=60)
    features = [[data.images.reshape(len(data.images), -1)[:, ::step] for step in (1, 3)] for data in (train, test)]
    tasks[name] = ProbeTask(train.images, train.labels, test.images, test.labels, train.classes, *features)
TransferExplorer(tasks, ["pixels", "a third"], per_class=(1, 2, 5), reference={"mnist": {5: 0.8}})
"""


def test_a_square_is_moved_and_resized_by_keyboard_and_mouse(page, show, tmp_path):
    explorer = show(PHOTO)
    said, stage = explorer.locator("[data-classified]"), explorer.locator("[data-stage]")
    wait_until(page, said, "el.dataset.first === 'espresso' && el.dataset.square === '0 100 400'")
    assert explorer.locator(".vl-ranked i").count() == 5

    stage.focus()
    page.keyboard.press("-")
    wait_until(page, said, "el.dataset.square === '8 108 384'")
    page.keyboard.press("Shift+ArrowRight")
    wait_until(page, said, "el.dataset.square === '8 140 384'")
    press(page, explorer, "side", "Home")
    wait_until(page, said, "el.dataset.square.endsWith(' 32')")
    press(page, explorer, "side", "End")
    wait_until(page, said, "el.dataset.square.endsWith(' 400')")

    for _ in range(10):
        press(page, explorer, "side", "PageDown")
    wait_until(page, said, "Number(el.dataset.square.split(' ')[2]) < 320")
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 4, box["y"] + 4, steps=25)
    page.mouse.up()
    wait_until(page, said, "el.dataset.square.startsWith('0 0 ')")

    explorer.locator("[data-control=size]").select_option("64")
    wait_until(page, said, "el.dataset.size === '64'")
    assert explorer.locator(".vl-seen").get_attribute("width") == "64"
    explorer.locator("[data-control=photo]").select_option("chelsea")
    wait_until(page, said, "el.dataset.photo === 'chelsea' && el.dataset.square === '0 75 300'")

    Image.fromarray(np.full((700, 900, 3), 128, np.uint8)).save(tmp_path / "grey wall.png")
    explorer.locator("[data-control=file]").set_input_files(tmp_path / "grey wall.png")
    wait_until(page, said, "el.dataset.photo === 'grey wall.png' && el.dataset.square === '0 71 498'")
    (tmp_path / "text.png").write_text("no picture")
    explorer.locator("[data-control=file]").set_input_files(tmp_path / "text.png")
    wait_until(page, said, "el.innerText.includes('can\\'t be read')")


def test_classifiers_are_compared_by_keyboard_and_mouse(page, show):
    explorer = show(TRANSFER)
    said = explorer.locator("[data-transfer]")
    wait_until(page, said, "el.dataset.task === 'mnist' && el.dataset.depth === '0' && el.dataset.count === '1'")
    one = int(said.get_attribute("data-right"))
    press(page, explorer, "images", "End")
    wait_until(page, said, "el.dataset.count === '5'")
    assert int(said.get_attribute("data-right")) > one
    press(page, explorer, "depth", "ArrowRight")
    wait_until(page, said, "el.dataset.depth === '1'")
    assert "a third (262 numbers)" in explorer.locator("[data-control=depth]").get_attribute("aria-valuetext")

    tested = explorer.locator(".vl-thumbs").nth(1).locator("li")
    assert tested.count() == 24
    assert explorer.locator(".vl-thumbs").nth(0).locator("li").count() == 10
    assert "fine-tuned" in explorer.locator("[data-chart=images] figcaption").text_content()
    explorer.locator("[data-control=task]").select_option("cifar10")
    wait_until(page, said, "el.dataset.task === 'cifar10'")
    assert "fine-tuned" not in explorer.locator("[data-chart=images] figcaption").text_content()

    chart = explorer.locator("[data-chart=depth] .vl-stage svg").bounding_box()
    page.mouse.click(chart["x"] + chart["width"] * 0.12, chart["y"] + chart["height"] * 0.4)
    wait_until(page, said, "el.dataset.depth === '0'")
    chart = explorer.locator("[data-chart=images] .vl-stage svg").bounding_box()
    page.mouse.click(chart["x"] + chart["width"] * 0.5, chart["y"] + chart["height"] * 0.4)
    wait_until(page, said, "el.dataset.count === '2'")
