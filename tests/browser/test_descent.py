"""The lecture on optimisation in a real JupyterLab: walks by rule and by hand."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")
LECTURE = "lectures/03_optimisation.ipynb"


def steps(explorer):
    return int(explorer.locator("[data-descent]").get_attribute("data-steps"))


def loss(explorer):
    return float(explorer.locator("[data-descent]").get_attribute("data-loss"))


def wait_for_steps(page, explorer, least):
    status = explorer.locator("[data-descent]").element_handle()
    page.wait_for_function("([el, least]) => Number(el.dataset.steps) >= least", arg=[status, least])


def test_walks_by_hand_and_by_rule(page, open_notebook, run_all):
    panel = open_notebook(LECTURE)
    run_all()
    explorers = panel.locator(".vl-explorer", has=page.locator("[data-descent]"))
    by_hand, by_rule = explorers.nth(0), explorers.nth(1)

    by_hand.scroll_into_view_if_needed()
    before = loss(by_hand)
    by_hand.locator("[data-stage]").focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowUp")
    wait_for_steps(page, by_hand, 3)
    assert loss(by_hand) < before
    page.keyboard.press("Backspace")
    page.wait_for_function("el => el.dataset.steps === '2'", arg=by_hand.locator("[data-descent]").element_handle())
    box = by_hand.locator("[data-stage] svg").bounding_box()
    page.mouse.click(box["x"] + 200, box["y"] + 60)
    wait_for_steps(page, by_hand, 3)

    by_rule.scroll_into_view_if_needed()
    assert steps(by_rule) == 40
    smaller = loss(by_rule)
    by_rule.locator("[data-control=eta]").focus()
    for _ in range(5):  # 0.07 · 10^(5/40) is above 2/25: the walk no longer arrives
        page.keyboard.press("ArrowRight")
    status = by_rule.locator("[data-descent]").element_handle()
    page.wait_for_function("([el, old]) => Number(el.dataset.loss) > 100 * old", arg=[status, smaller])
    by_rule.locator("[data-control=reset]").click()
    page.wait_for_function("el => el.dataset.steps === '0'", arg=status)
    by_rule.locator("[data-control=step]").click()
    wait_for_steps(page, by_rule, 1)
    by_rule.locator("[data-control=run]").click()
    wait_for_steps(page, by_rule, 5)
    by_rule.locator("[data-control=run]").click()
    page.wait_for_timeout(200)
    stopped = steps(by_rule)
    page.wait_for_timeout(400)
    assert steps(by_rule) == stopped
