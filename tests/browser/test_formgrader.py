"""nbgrader's formgrader shows our results, and takes a person's grade."""

import pytest
from nbgrader.api import Gradebook

from autograder import batch, pool
from autograder.gradebook import scores
from autograder.grading import Settings
from autograder.package import Package
from tests.autograder.test_grading import RIGHT
from tests.browser.conftest import browse, serve
from tests.small_course import answer, submit

pytestmark = pytest.mark.xdist_group("browser")


def test_formgrader_shows_the_results_and_takes_a_grade(course, kernel_server, tmp_path):
    released = course.path("release", ".", "small") / "small.ipynb"
    submit(course.root, "ann", answer(released, RIGHT | {"half": "def half(n): return n / 2"}, free_text="Because."))
    package = Package.of(course, "small")
    grade = lambda work: pool.grade_here(work, package, Settings(seed=1), kernel_server)  # noqa: E731
    assert len(list(batch.grade_batch(course, package, ["ann"], grade))) == 1
    with Gradebook(course.nbgrader.db_url) as gradebook:
        submission = gradebook.find_submission_notebook("small", "small", "ann").id
    home = tmp_path / "home"
    home.mkdir()
    with serve(course.root, home) as address, browse() as page:
        page.goto(f"{address}/formgrader/gradebook/small/small")
        row = page.locator("tbody tr").first
        row.get_by_text("4 / 8").wait_for()
        page.goto(f"{address}/formgrader/submissions/{submission}/")
        page.get_by_text("half: the check fails").wait_for()
        given = page.locator("input.score")
        page.wait_for_function("() => document.querySelector('input.score').placeholder")
        assert [given.nth(i).get_attribute("placeholder") for i in range(4)] == ["4", "0", "0", None]
        given.last.fill("1")
        given.last.press("Tab")
        for _ in range(50):  # it saves when the field is left
            page.wait_for_timeout(200)
            if (points := scores(course, "small")["ann"].points) == 5:
                break
    assert points == 5
