"""The charts with sliders in a real JupyterLab: a control is moved with the keyboard, and the picture follows."""

import json
import urllib.request

import pytest

pytestmark = pytest.mark.xdist_group("browser")
CELLS = [
    "from visionlab.widgets.schedules import DifferenceExplorer, ScheduleExplorer\nimport numpy as np",
    "schedules = ScheduleExplorer()\nschedules",
    "differences = DifferenceExplorer(np.exp, 1.0, at=0.0)\ndifferences",
]


@pytest.fixture
def charts(lab, open_notebook, run_all):
    """The two widgets, in a notebook of their own."""
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for i, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    body = json.dumps({"type": "notebook", "format": "json", "content": notebook}).encode()
    put = urllib.request.Request(f"{lab}/api/contents/charts.ipynb", data=body, method="PUT")
    urllib.request.urlopen(put).close()
    panel = open_notebook("charts.ipynb")
    run_all()
    explorers = panel.locator(".vl-explorer")
    explorers.nth(1).locator("[data-line=chord]").wait_for()
    return explorers.nth(0), explorers.nth(1)


def press(page, control, key, times=1):
    control.focus()
    for _ in range(times):
        page.keyboard.press(key)


def wait_for_text(page, locator, words):
    page.wait_for_function(
        "([el, words]) => el.textContent.includes(words)", arg=[locator.element_handle(timeout=5000), words]
    )


def test_schedules_follow_their_sliders(page, charts):
    schedules, _ = charts
    schedules.scroll_into_view_if_needed()
    root = schedules.element_handle()

    def path(name):
        return schedules.locator(f"[data-line={name}]").get_attribute("d")

    def wait_for_change(name, before):
        page.wait_for_function(
            "([el, name, old]) => el.querySelector(`[data-line=${name}]`).getAttribute('d') !== old",
            arg=[root, name, before],
        )

    assert schedules.locator("[data-rate=step]").inner_text() == "0.1"
    step, root_rule = path("step"), path("root")
    press(page, schedules.locator("[data-control=drop]"), "ArrowRight", 4)
    schedules.locator("[data-rate=step]", has_text="0.5").wait_for()  # all four presses have been drawn
    assert path("step") != step
    assert path("root") == root_rule  # the slider of one schedule leaves the others alone

    press(page, schedules.locator("[data-control=epoch]"), "ArrowLeft", 14)
    wait_for_text(page, schedules.locator("[role=status]"), "At epoch 36 the highest is cosine with warm-up")
    assert schedules.locator("[data-rate=root]").inner_text() == "0.8"

    press(page, schedules.locator("[data-control=log]"), "Space")
    wait_for_change("root", root_rule)


def test_each_control_has_its_own_label(charts):
    schedules, differences = charts
    assert schedules.get_by_label("step: factor").get_attribute("data-control") == "drop"
    assert schedules.get_by_label("logarithmic axis").get_attribute("data-control") == "log"
    assert differences.get_by_label("step").get_attribute("data-control") == "exponent"
    assert differences.get_by_label("precision").get_attribute("data-control") == "precision"


def test_the_difference_follows_its_controls_and_the_kernel_knows(page, charts):
    _, differences = charts
    differences.scroll_into_view_if_needed()
    words = differences.locator("[role=status]")
    wait_for_text(page, words, "Forward difference in float64, h = 0.316")
    chord = differences.locator("[data-line=chord]").get_attribute("d")
    press(page, differences.locator("[data-control=exponent]"), "ArrowLeft", 9)
    wait_for_text(page, words, "h = 1e−5:")
    assert differences.locator("[data-line=chord]").get_attribute("d") != chord
    assert words.get_attribute("data-digits") == "5"
    differences.locator("[data-control=formula]").select_option("central")
    wait_for_text(page, words, "Central difference")
    assert int(words.get_attribute("data-digits")) >= 9
    differences.locator("[data-control=precision]").select_option("float32")
    wait_for_text(page, words, "float32")
    assert int(words.get_attribute("data-digits")) <= 3

    page.evaluate("() => window.jupyterapp.commands.execute('notebook:insert-cell-below')")
    page.keyboard.press("Enter")
    page.keyboard.type("print('kernel has', differences.exponent, differences.formula, differences.precision)")
    page.keyboard.press("Shift+Enter")
    page.get_by_text("kernel has -5.0 central float32").wait_for()
