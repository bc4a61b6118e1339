"""The lecture on convolution arithmetic in a real JupyterLab: the explorer answers to the keyboard."""

import pytest


@pytest.mark.xdist_group("browser")
def test_stride_slider_by_keyboard(page, open_notebook, run_all):
    panel = open_notebook("lectures/07_convolution_arithmetic.ipynb")
    run_all()
    explorer = panel.locator(".vl-explorer").first
    explorer.scroll_into_view_if_needed()
    formula = explorer.locator("[data-output-size]")
    slider = explorer.locator("[data-control=stride]")
    before = formula.get_attribute("data-output-size")
    picture_before = explorer.locator("[data-stage]").screenshot()
    stride = int(slider.input_value())
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("([el, old]) => el.dataset.outputSize !== old", arg=[formula.element_handle(), before])
    assert int(slider.input_value()) == stride + 1
    assert "(W + 2P − K)/S" in formula.inner_text()  # the letters of the lectures
    assert formula.get_attribute("data-output-size") != before
    assert explorer.locator("[data-stage]").screenshot() != picture_before


@pytest.mark.xdist_group("browser")
def test_failed_check_shows_the_mistake(page, open_notebook):
    """A student writes a wrong answer, runs the check, and reads which mistake it is."""
    panel = open_notebook("assignments/hw3_convolution/hw3_convolution.ipynb")
    wrong = (
        "def count_parameters(in_channels, filters, kernel, bias=True):\n"
        "    return filters * in_channels * kernel[0] * kernel[1]\n"
        "from visionlab.checks import check\n"
        "check(count_parameters)"
    )
    cell = panel.locator(".jp-CodeCell", has_text="def count_parameters").first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(wrong)
    page.keyboard.press("Shift+Enter")
    card = panel.locator(".vl-check").first
    card.wait_for()
    assert "exactly those of a known mistake" in card.inner_text()
    assert "count_parameters: not right yet" in cell.locator(".jp-OutputArea").inner_text()
