"""A real JupyterLab server and a headless Chromium, for tests that use the course as a student does."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


@contextlib.contextmanager
def serve(root, home):
    """Run JupyterLab in the folder ``root``, with ``home`` for all that it writes elsewhere; give its address."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed: sudo apt-get install chromium")
    overrides = home / "settings" / "overrides.json"
    overrides.parent.mkdir()
    overrides.write_text(json.dumps(SETTINGS))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1",
        "--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={root}",
        f"--LabApp.app_settings_dir={overrides.parent}", "--LabApp.expose_app_in_browser=True",
        "--ServerApp.disable_check_xsrf=True",
    ]  # fmt: skip
    environment = os.environ | {"HOME": str(home), "JUPYTER_CONFIG_DIR": str(home), "JUPYTER_DATA_DIR": str(home)}
    address = f"http://127.0.0.1:{port}"
    options = {"cwd": root, "env": environment}
    with (home / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log, **options) as server:
        try:
            for _ in range(120):
                time.sleep(0.5)
                try:
                    urllib.request.urlopen(f"{address}/api/status", timeout=2)
                    break
                except OSError:
                    assert server.poll() is None, (home / "log").read_text()
            yield address
        finally:
            server.terminate()


@contextlib.contextmanager
def browse():
    """Open a page in a fresh browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Address of a running JupyterLab whose root holds copies of the lectures and assignments."""
    root = tmp_path_factory.mktemp("lab")
    for folder in ("lectures", "assignments"):
        shutil.copytree(REPOSITORY / folder, root / folder)
    with serve(root, tmp_path_factory.mktemp("home")) as address:
        yield address


@pytest.fixture
def page(lab):
    """A fresh browser page; sessions of the server are ended afterwards, so that no test gets another's kernel."""
    with browse() as page:
        yield page
    with urllib.request.urlopen(f"{lab}/api/sessions") as answer:
        for session in json.load(answer):
            urllib.request.urlopen(urllib.request.Request(f"{lab}/api/sessions/{session['id']}", method="DELETE"))


@pytest.fixture
def open_notebook(lab, page):
    """Open a notebook in JupyterLab, wait for its kernel, and return its panel."""

    def open_path(path):
        page.goto(f"{lab}/lab?reset")
        page.locator(".jp-Launcher").first.wait_for()
        page.evaluate("path => window.jupyterapp.commands.execute('docmanager:open', {path})", path)
        panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        panel.wait_for()
        page.get_by_text("| Idle").first.wait_for()
        return panel

    return open_path


@pytest.fixture
def run_all(page):
    """Run all cells of the open notebook and wait until the kernel rests."""

    def run():
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        page.get_by_text("| Busy").first.wait_for(timeout=10_000)
        page.get_by_text("| Idle").first.wait_for(timeout=120_000)

    return run
