"""The widgets of lecture 6 in a real JupyterLab: a kernel is edited, a digit moved, an image grown, by the keyboard."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def show(page, open_notebook):
    """Run one line in an open notebook and return the widget it shows."""

    def run(module, line):
        cell = open_notebook("lectures/00_start_here.ipynb").locator(".jp-CodeCell").first
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(f"from visionlab.widgets.{module} import *\n{line}")
        page.keyboard.press("Shift+Enter")
        explorer = cell.locator(".vl-explorer")
        explorer.wait_for()
        return explorer

    return run


def wait_until(page, locator, words, *arguments):
    """Wait until a JavaScript expression over the element `el` and the argument `a` is true."""
    page.wait_for_function(f"([el, a]) => {words}", arg=[locator.element_handle(), *(arguments or [None])])


def pixels(explorer, at):
    """The bytes of one of the two canvases."""
    return explorer.locator("canvas").nth(at).evaluate("el => el.toDataURL()")


def test_a_kernel_is_edited_by_keyboard(page, show):
    explorer = show("kernel_playground", 'KernelPlayground("leave alone")')
    said = explorer.locator("[data-kernel]")
    wait_until(page, said, "el.dataset.value")
    assert pixels(explorer, 0) == pixels(explorer, 1)

    cell = explorer.locator("[data-control=cell-1-1]")
    cell.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("-2.5")
    wait_until(page, explorer.locator("[data-control=preset]"), "el.value === 'your own'")
    laid = explorer.locator(".vl-laid")  # its cells are made anew whenever a weight changes
    wait_until(page, laid, "el.querySelectorAll('td')[4].innerText === '−2.5'")
    wait_until(page, explorer.locator("h4").nth(1), "el.innerText === 'kernel, then divided by −2.5'")
    assert pixels(explorer, 0) == pixels(explorer, 1)  # dividing gives the photograph back
    divide = explorer.locator("[data-control=divide]")
    divide.focus()
    page.keyboard.press("Space")
    wait_until(page, said, "Number(el.dataset.value) < 0")
    assert pixels(explorer, 0) != pixels(explorer, 1)

    explorer.locator("[data-control=preset]").select_option("move")
    wait_until(page, laid, "el.querySelectorAll('td')[3].innerText === '1'")  # a convolution turns the kernel …
    explorer.locator("[data-control=operation]").select_option("cross-correlation")
    wait_until(page, laid, "el.querySelectorAll('td')[5].innerText === '1'")  # … a cross-correlation doesn't

    value = said.get_attribute("data-value")
    explorer.locator("[data-stage]").first.focus()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("ArrowRight")
    wait_until(page, said, "el.dataset.row === '72' && el.dataset.column === '58'")
    assert said.get_attribute("data-value") != value


def test_the_quiz_hides_the_result_and_answers(page, show):
    explorer = show("kernel_playground", "KernelPlayground(quiz=True)")
    result = explorer.locator("[data-stage]").nth(1)
    wait_until(page, result, "el.classList.contains('vl-veiled')")
    assert explorer.locator("[data-kernel]").get_attribute("data-value") == ""
    explorer.locator("[data-control='answer-moves']").focus()
    page.keyboard.press("Enter")
    verdict = explorer.locator(".vl-verdict")
    verdict.get_by_text("✗ No: it blurs").wait_for()
    assert "vl-veiled" not in result.get_attribute("class")
    explorer.locator("[data-control=next]").focus()
    page.keyboard.press("Enter")
    wait_until(page, result, "el.classList.contains('vl-veiled')")
    explorer.locator("[data-control='answer-finds lying edges']").focus()
    page.keyboard.press("Enter")
    verdict.get_by_text("✓ Right").wait_for()


def test_a_digit_is_moved_by_keyboard(page, show):
    explorer = show("shift_explorer", "ShiftExplorer(shift=3)")

    def measured(name):
        return float(explorer.locator(f"[data-measured={name}]").get_attribute("data-value"))

    stride = explorer.locator("[data-measured=stride-along]")
    wait_until(page, stride, "Number(el.dataset.value) > 0.3")
    assert measured("convolution-along") == measured("global-still") == 0
    explorer.locator("[data-control=shift]").focus()
    page.keyboard.press("ArrowRight")
    wait_until(page, stride, "Number(el.dataset.value) === 0")
    assert measured("pooling-still") > 0.5
    explorer.locator("[data-control=window]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_until(page, stride, "Number(el.dataset.value) > 0.3")
    explorer.locator("[data-control=kernel]").select_option("blur")
    explorer.locator("[data-control=paper]").select_option("white")
    wait_until(page, explorer.locator("[data-measured=convolution-along]"), "Number(el.dataset.value) > 0.02")


def test_an_image_grows_by_keyboard(page, show):
    explorer = show("layer_sizes", "LayerSizes()")
    full, shared = explorer.locator("[data-weights='0']"), explorer.locator("[data-weights='1']")
    wait_until(page, full, "el.innerText.startsWith('1,843,968 weights')")
    explorer.locator("[data-control=side]").focus()
    page.keyboard.press("End")
    wait_until(page, full, "el.innerText.startsWith('3,298,534,883,328 weights')")
    assert shared.inner_text().startswith("27 weights")
