"""The architecture builder in a real JupyterLab: a preset is chosen and changed by the keyboard."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def show(page, open_notebook):
    """Run one line in an open notebook and return the builder that it shows."""

    def run(line):
        cell = open_notebook("lectures/00_start_here.ipynb").locator(".jp-CodeCell").first
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(f"from visionlab.widgets.architecture_builder import *\n{line}")
        page.keyboard.press("Shift+Enter")
        explorer = cell.locator(".vl-explorer")
        explorer.wait_for()
        page.get_by_text("| Idle").first.wait_for()
        return explorer

    return run


def wait_until(page, locator, words):
    """Wait until a JavaScript expression over the element `el` is true."""
    page.wait_for_function(f"el => {words}", arg=locator.element_handle())


def test_a_network_is_built_by_keyboard(page, show):
    builder = show("ArchitectureBuilder()")
    total = builder.locator("[data-total='1']")
    preset = builder.locator("[data-control=preset]")
    wait_until(page, total, "el.innerText === '138,357,544'")
    assert builder.locator("figure").count() == 9  # the image, five stages, three fully connected layers
    assert not builder.locator("[data-control=bottleneck]").is_visible()

    def press(control, key):
        builder.locator(f"[data-control={control}]").press(key)

    for stage in (3, 4, 5):
        press(f"blocks-{stage}", "ArrowRight")
        assert builder.locator(f"[data-control=blocks-{stage}]").input_value() == "4"
    wait_until(page, total, "el.innerText === '143,667,240'")
    assert preset.input_value() == "VGG-19"
    assert builder.locator("[data-part='stage 5'] span").all_inner_texts() == ["512×14×14", "×4 convolutions"]

    press("stages", "Home")
    wait_until(page, builder.locator(".vl-parts"), "el.children.length === 5")
    assert preset.input_value() == "your own"
    assert not builder.locator("[data-control=blocks-2]").is_visible()
    press("stages", "End")
    wait_until(page, total, "el.innerText === '143,667,240'")  # the stages came back with their blocks

    preset.select_option("your own")  # is not a choice
    wait_until(page, preset, "el.value === 'VGG-19'")
    preset.select_option("ResNet-152")
    wait_until(page, total, "el.innerText === '60,192,808'")
    assert builder.locator("[data-control=blocks-3]").input_value() == "36"
    assert builder.locator("[data-total='0']").inner_text() == "152"
    press("bottleneck", "Space")
    wait_until(page, preset, "el.value === 'your own'")
    wait_until(page, builder.locator("[data-said]"), "el.innerText.startsWith('Your own ResNet: 102 layers')")


def test_what_cannot_work_is_told_and_the_picture_stays(page, show):
    builder = show("ArchitectureBuilder('CIFAR ResNet-20', blocks=(1, 1, 1, 1, 1))")
    refused = builder.locator(".vl-refused")
    wait_until(page, builder.locator(".vl-parts"), "el.children.length === 9")
    assert not refused.is_visible()
    check = builder.locator("[data-control=shrink_early]")
    check.press("Space")
    wait_until(page, refused, "el.innerText.startsWith('Images of 32×32 are too small')")
    assert builder.locator("[data-part=stem] span").first.inner_text() == "16×32×32"
    check.press("Space")
    wait_until(page, refused, "el.hidden")


@pytest.mark.parametrize("width", [1400, 760])
def test_nothing_is_clipped(page, show, width):
    """Widest labels and numbers: nothing sticks out of the builder, and no label lies over its neighbour."""
    page.set_viewport_size({"width": width, "height": 1000})
    builder = show("ArchitectureBuilder('ResNet-152', width=128, blocks=(8, 8, 36, 8, 8))")
    wait_until(page, builder.locator(".vl-parts"), "el.children.length === 9")
    assert builder.evaluate("el => el.scrollWidth <= el.clientWidth")
    for inner in ("figure", "th, td"):
        assert builder.locator(inner).evaluate_all("all => all.every((el) => el.scrollWidth <= el.clientWidth)"), inner
