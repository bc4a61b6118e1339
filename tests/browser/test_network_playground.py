"""The lecture on neural networks in a real JupyterLab: the playground trains, pauses, and tells Python."""

import pytest

FINISHED = "() => ![...document.querySelectorAll('.jp-InputPrompt')].some((prompt) => prompt.textContent.includes('*'))"
pytestmark = pytest.mark.xdist_group("browser")


def test_training_starts_stops_and_begins_anew(page, open_notebook, run_all):
    panel = open_notebook("lectures/05_neural_networks.ipynb")
    run_all()
    page.wait_for_function(FINISHED, timeout=180_000)
    playground = panel.locator(".vl-explorer[aria-label='Network playground']").first
    playground.scroll_into_view_if_needed()
    epoch = playground.locator("[data-epoch]")
    plane = playground.locator("[data-picture=plane]")
    loss = float(playground.get_attribute("data-train-loss"))
    before = plane.screenshot()

    playground.locator("[data-control=train]").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("el => Number(el.dataset.epoch) > 300", arg=epoch.element_handle())
    page.keyboard.press("Enter")
    playground.get_by_text("After").wait_for()
    stopped = int(epoch.get_attribute("data-epoch"))
    page.wait_for_timeout(300)
    assert int(epoch.get_attribute("data-epoch")) == stopped
    assert float(playground.get_attribute("data-train-loss")) < loss / 2
    assert plane.screenshot() != before

    # What Python makes of the browser's weights is what the browser says.
    said = f"{float(playground.get_attribute('data-train-loss')):.4f}"
    page.evaluate(
        """async (source) => {
            const { content } = window.jupyterapp.shell.currentWidget;
            content.activeCellIndex = content.widgets.length - 1;
            await window.jupyterapp.commands.execute('notebook:insert-cell-below');
            content.activeCell.model.sharedModel.setSource(source);
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        "print(f'loss {playing.train_loss:.4f} at epoch {playing.epoch}')",
    )
    panel.get_by_text(f"loss {said} at epoch {stopped}").wait_for()

    units = playground.locator("[data-control=units]")
    units.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("el => el.dataset.epoch === '0'", arg=epoch.element_handle())
    playground.locator("[data-control=step]").click()
    page.wait_for_function("el => el.dataset.epoch === '1'", arg=epoch.element_handle())
