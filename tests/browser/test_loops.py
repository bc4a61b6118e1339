"""The student's and the instructor's loop through nbgrader's own pages in JupyterLab, with one server and one browser.

Both are the same person here, with the student's folder inside the course's. PICTURES=FOLDER also saves pictures.
"""

import os
import time
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import get_username

from autograder.batch import load_records
from autograder.course import Course
from autograder.gradebook import scores
from tests.browser.conftest import browse, serve
from tests.small_course import make_course

pytestmark = pytest.mark.xdist_group("browser")

EXCHANGE = """
c = get_config()
c.Exchange.root, c.Exchange.cache, c.Exchange.assignment_dir = {folders!r}
"""
SLIP = "def half(n):\n    if n < 0:\n        raise ValueError('negative')\n    return n / 2"
ANSWERS = {
    # Right but for an empty array, which only a hidden case has.
    "scale_rows": "def scale_rows(x, factors):\n    return np.array([f * row for f, row in zip(factors, x)])",
    "half": SLIP,
    "why": "Each row has its own factor.",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A course that nothing has been released of yet, and JupyterLab's page on it."""
    base = tmp_path_factory.mktemp("loops")
    course = Course(make_course(base / "course"))
    folders = [base / "exchange", base / "cache", course.root / "student"]
    home = base / "home"
    for folder in (home, *folders):
        folder.mkdir()
    folders[0].chmod(0o777)
    (home / "nbgrader_config.py").write_text(EXCHANGE.format(folders=[str(folder) for folder in folders]))
    with serve(course.root, home) as address, browse() as page:
        page.set_viewport_size({"width": 1300, "height": 850})
        page.goto(f"{address}/lab?reset")
        page.locator(".jp-Launcher").first.wait_for()
        yield Desk(course, page, address)


class Desk:
    """What is on the screen.

    Parameters
    ----------
    course : Course
    page : playwright Page
    address : str
    """

    def __init__(self, course, page, address):
        self.course, self.page, self.address = course, page, address
        self.formgrader = page.frame_locator("iframe")
        self.assignments = page.locator("#nbgrader-assignment-list")
        self.notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def command(self, name, **arguments):
        """Run one of JupyterLab's commands, as its menus do."""
        run = "([name, arguments]) => { window.jupyterapp.commands.execute(name, arguments) }"
        self.page.evaluate(run, [name, arguments])

    def press(self, glyph):
        """Press one of formgrader's buttons in its first row; return what it then says."""
        self.formgrader.locator(f"a:has(.glyphicon-{glyph})").first.click()
        says = self.formgrader.locator(".modal")
        fine = says.get_by_role("button", name="OK", exact=True)
        fine.wait_for()
        text = says.inner_text()
        self.photograph(glyph)
        fine.click()
        says.wait_for(state="detached")
        return text

    def follow(self, link, address):
        """Follow one of formgrader's links."""
        self.formgrader.get_by_role("link", name=link, exact=True).last.click()
        self.page.frames[-1].wait_for_url(address)

    def listed(self, where, button):
        """A button in one of the assignment list's three parts, once the list shows it."""
        found = self.assignments.locator(f"#{where}_assignments_list").get_by_role("button", name=button, exact=True)
        found.first.wait_for()
        return found.first

    def cell(self, at):
        return self.notebook.locator(".jp-Cell").nth(at)

    def fill(self, at, text):
        """Write into a cell and run it."""
        self.cell(at).scroll_into_view_if_needed()
        self.cell(at).dblclick()
        self.cell(at).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Shift+Enter")

    def photograph(self, name):
        if folder := os.environ.get("PICTURES"):
            self.page.wait_for_timeout(500)  # dialogs slide in
            self.page.screenshot(path=Path(folder) / f"{name}.png")


def test_from_release_to_feedback(desk):
    student, page = get_username(), desk.page

    # The instructor releases.
    desk.command("nbgrader:open-formgrader")
    assert "Successfully created the student version of 'small'" in desk.press("education")
    released = nbformat.read(desk.course.path("release", ".", "small") / "small.ipynb", as_version=4)
    places = {cell.metadata.get("nbgrader", {}).get("grade_id"): at for at, cell in enumerate(released.cells)}
    assert "raise NotImplementedError" in released.cells[places["half"]].source
    assert "Successfully released 'small'" in desk.press("cloud-upload")

    # The student fetches and opens it, makes a mistake and is told which, and mends it.
    desk.command("nbgrader:open-assignment-list")
    desk.listed("released", "Fetch").click()
    desk.listed("fetched", "Submit")
    desk.photograph("fetched")
    desk.assignments.get_by_role("button", name="small").click()
    desk.assignments.locator(".nested_list_item a").click()
    page.get_by_text("| Idle").first.wait_for()
    for grade_id, text in ANSWERS.items():
        desk.fill(places[grade_id], text)
    desk.command("notebook:run-all-cells")
    mistake = desk.cell(places["check_half"]).locator(".jp-OutputArea-output").first
    mistake.get_by_text("You divide with /.").wait_for()
    mistake.scroll_into_view_if_needed()
    desk.photograph("check")
    desk.fill(places["half"], SLIP.replace("/", "//"))
    desk.command("notebook:run-all-cells")
    mistake.get_by_text("half: the check passes").wait_for()
    page.locator("jp-button.validate-button").click()  # it also saves
    verdict = page.locator(".jp-Dialog")
    verdict.get_by_text("Success").first.wait_for()
    desk.photograph("validate")
    verdict.get_by_role("button").last.click()
    desk.command("nbgrader:open-assignment-list")
    desk.listed("fetched", "Submit").click()
    desk.listed("submitted", "Fetch Feedback")
    desk.photograph("submitted")

    # The instructor collects, grades, gives points for the free answer, and hands out feedback.
    desk.command("nbgrader:open-formgrader")
    assert "Successfully collected" in desk.press("cloud-download")
    desk.formgrader.locator("td.num-submissions a").click()
    said = desk.press("flash")
    assert f"│ {student} " in said and "│ graded │" in said
    [record] = load_records(desk.course, "small")
    assert [cell.points for cell in record.cells] == [2.67, 2, 1, None]
    desk.photograph("submissions")
    desk.follow("Manual Grading", "**/gradebook")
    desk.follow("small", "**/gradebook/small")  # the assignment, …
    desk.follow("small", "**/gradebook/small/small")  # … its notebook, …
    desk.follow("Submission #1", "**/submissions/*/**")  # … and one student's version of it
    for field in ("input#check_half[placeholder]", "#why-comment[placeholder]"):  # once it has asked for what is there
        desk.formgrader.locator(field).wait_for()
    desk.formgrader.locator("#why-comment").fill("Say also which axis.")
    given = desk.formgrader.locator("input#why")
    given.fill("0.5")
    given.press("Tab")
    wait_until(lambda: scores(desk.course, "small")[student].points == 6.17)
    wait_until(lambda: scores(desk.course, "small")[student].cells["small", "why"][2])
    desk.photograph("manual")
    desk.follow("Manual Grading", "**/gradebook")
    desk.follow("Manage Assignments", "**/manage_assignments")
    assert "Successfully generated feedback" in desk.press("comment")
    assert "Successfully released feedback" in desk.press("envelope")

    # The student fetches the feedback and reads it.
    desk.command("nbgrader:open-assignment-list")
    desk.listed("submitted", "Fetch Feedback").click()
    desk.assignments.get_by_text("(view feedback)").click()  # the file browser goes there
    page.locator(".jp-DirListing-item", has_text="small.html").dblclick()
    feedback = page.frame_locator(".jp-HTMLViewer iframe").locator("body")
    feedback.get_by_text("6.17 of 8 points").wait_for()
    desk.photograph("feedback")
    told = feedback.inner_text()
    assert "The smallest check that fails: no rows at all" in told
    assert "Graded by a person.\n\nComment: Say also which axis." in told


def wait_until(true):
    """Wait for what is saved without a word."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
