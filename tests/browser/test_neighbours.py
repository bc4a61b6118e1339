"""Lecture 1 in a real JupyterLab: the neighbours explorer answers to the keyboard, and finds mistakes."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

EXPLORER = """
from visionlab.widgets.neighbours import NeighboursExplorer
NeighboursExplorer(index=14, k=7)
"""


def test_neighbours_change_with_k_and_mistakes_are_found(page, open_notebook):
    panel = open_notebook("lectures/01_image_classification.ipynb")
    cell = panel.locator(".jp-CodeCell").first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(EXPLORER)
    page.keyboard.press("Shift+Enter")
    explorer = cell.locator(".vl-explorer")
    explorer.locator(".vl-near li").nth(6).wait_for()
    assert explorer.locator(".vl-near li").count() == 7
    said = explorer.locator("[role=status]")
    assert "✓ right" in said.inner_text()

    explorer.locator("[data-control=k]").focus()
    page.keyboard.press("ArrowRight")
    explorer.locator(".vl-near li").nth(7).wait_for()
    assert explorer.locator(".vl-near li").count() == 8

    explorer.locator("[data-control=mistake]").click()
    said.get_by_text("✗ wrong").wait_for()
    assert explorer.locator('.vl-near li[data-same="false"]').count() > 0

    before = said.inner_text()
    explorer.locator("[data-control=data]").select_option("cifar10")
    page.wait_for_function("([el, old]) => el.innerText !== old", arg=[said.element_handle(), before])
    explorer.locator(".vl-near li").filter(has_text="ship").or_(explorer.locator(".vl-near li").first).first.wait_for()
    names = {text.split("\n")[0] for text in explorer.locator(".vl-near li").all_inner_texts()}
    assert names <= {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
