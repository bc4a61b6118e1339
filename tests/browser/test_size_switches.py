"""The switches of the size table in a real JupyterLab: a tick counts anew, another network brings other switches."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

SWITCHES = """
from visionlab.widgets.size_switches import SizeSwitches
SizeSwitches()
"""


def test_ticks_lead_to_the_published_figures(page, open_notebook):
    panel = open_notebook("lectures/08_architectures.ipynb")
    cell = panel.locator(".jp-CodeCell").first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(SWITCHES)
    page.keyboard.press("Shift+Enter")
    status = cell.get_by_role("status")
    status.get_by_text("1 of 3").wait_for()
    assert "429,342" in cell.locator("tfoot").inner_text()
    cell.get_by_label("count biases").focus()
    page.keyboard.press("Space")
    status.get_by_text("2 of 3").wait_for()
    assert "422,824" in cell.locator("tfoot").inner_text()
    cell.get_by_label("network").select_option("AlexNet, 2012")
    cell.get_by_label("two groups").wait_for()
    assert cell.get_by_label("C3 reads").count() == 0 and cell.get_by_label("count biases").is_checked()
    for name in ("convolutions only", "count biases", "conv1 as printed"):
        cell.get_by_label(name).click()
    cell.locator("tfoot").get_by_text("652,368,384").first.wait_for()
