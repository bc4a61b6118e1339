"""What the gradebook makes of results: several notebooks, people's grades, extra credit, lateness."""

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.plugins import LateSubmissionPlugin

from autograder import batch, pages, pool
from autograder.course import Course, CourseError
from autograder.gradebook import final_points, scores
from autograder.grading import Settings
from autograder.package import Package
from autograder.release import release
from tests.autograder.test_grading import RIGHT
from tests.small_course import answer, code, instructors_notebook, submit

SECOND = [
    code("def double(n):\n    ### BEGIN SOLUTION\n    return 2 * n\n    ### END SOLUTION", "double", solution=True),
    code("assert double(3) == 6", "half", points=3, grade=True, locked=True),  # ids are unique in a notebook only
]


class HalfOff(LateSubmissionPlugin):
    """Half of the points are lost."""

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 2


@pytest.fixture
def grade(kernel_server):
    """Grade all submissions of 'small' in a course; return the records by student."""

    def run(course, **options):
        package = Package.of(course, "small")
        results = batch.grade_batch(
            course,
            package,
            batch.submitters(course, "small"),
            lambda work: pool.grade_here(work, package, Settings(seed=1), kernel_server),
            **options,
        )
        return {record.student: record for record, _ in results}

    return run


def released(course, name="small"):
    return course.path("release", ".", "small") / f"{name}.ipynb"


def submit_at(course, student, time):
    path = submit(course.root, student, answer(released(course), RIGHT))
    (path.parent / "timestamp.txt").write_text(time)


@pytest.fixture
def two_notebooks(course):
    """The small course with a second notebook in its assignment."""
    notebook = nbformat.v4.new_notebook(cells=SECOND, metadata=instructors_notebook().metadata)
    nbformat.write(notebook, course.path("source", ".", "small") / "extra.ipynb")
    course = Course(course.root)
    release(course, course.assignment("small"))
    return course


def test_several_notebooks_are_graded_each_in_its_own_process(two_notebooks, grade):
    course = two_notebooks
    for student, wrong in (("ann", {}), ("bob", {"half": "import os; os._exit(3)"})):
        path = submit(course.root, student, answer(released(course), RIGHT | wrong))
        extra = answer(released(course, "extra"), {"double": "def double(n):\n    return n + n"})
        nbformat.write(extra, path.with_name("extra.ipynb"))
    submit(course.root, "cyd", answer(released(course), RIGHT))
    records = grade(course)
    assert [(r.status, r.points, r.max_points) for r in records.values()] == [
        ("graded", 10, 11),
        ("died", 7, 11),
        ("missing", 7, 11),
    ]
    assert records["bob"].reason.startswith("small: The notebook's Python process ended")
    assert "extra: No notebook: there is no extra.ipynb" in records["cyd"].reason
    assert final_points(course, "small", records.values()) == {"ann": 10, "bob": 7, "cyd": 7}
    assert (course.path("autograded", "ann", "small") / "extra.ipynb").is_file()
    written = pages.write_feedback(course, records["ann"], scores(course, "small")["ann"])
    assert [path.name for path in written] == ["extra.html", "small.html"]
    assert "all notebooks together" in written[0].read_text()


def test_peoples_grades_comments_and_extra_credit_survive_grading_again(course, grade):
    submit(course.root, "ann", answer(released(course), RIGHT, free_text="Because."))
    grade(course)
    with Gradebook(course.nbgrader.db_url) as gradebook:
        answered = gradebook.find_grade("why", "small", "small", "ann")
        answered.manual_score, answered.needs_manual_grade, answered.extra_credit = 0.5, False, 2
        gradebook.find_comment("why", "small", "small", "ann").manual_comment = "Say <b>more</b>."
        gradebook.db.commit()
    records = grade(course, force=True)
    score = scores(course, "small")["ann"]
    assert score.points == 9.5
    assert score.cells["small", "why"] == (0.5, 2, "Say <b>more</b>.")
    (page,) = pages.write_feedback(course, records["ann"], score)
    text = page.read_text()
    assert "9.5 <small>of 8 points" in text and "0.5 + 2 / 1" in text and "Say &lt;b&gt;more&lt;/b&gt;." in text


@pytest.fixture
def extra_course(course):
    """The small course with an exercise that gives nothing but extra credit."""
    folder = course.path("source", ".", "small")
    graded = {"grade": True, "locked": True, "points": 0}
    cells = [code("from visionlab.checks import check", "imports", locked=True), SECOND[0]]
    cells.append(code("check(double)", "check_double", **graded))
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=instructors_notebook().metadata), folder / "more.ipynb"
    )
    with (folder / "exercises.py").open("a") as exercises:
        exercises.write(EXTRA)
    course = Course(course.root)
    release(course, course.assignment("small"))
    return course


EXTRA = '''

def doubled(double, rng):
    """small numbers."""
    return {"double(3)": double(3)}

EXERCISES.append(Exercise("double", 0, cases=[Case(doubled)], extra=2))
'''


def test_tests_give_extra_credit_unless_a_person_has_set_it(extra_course, grade):
    course = extra_course

    def hand_in(student, product):
        path = submit(course.root, student, answer(released(course), RIGHT))
        solved = answer(released(course, "more"), {"double": f"def double(n):\n    return {product}"})
        nbformat.write(solved, path.with_name("more.ipynb"))

    for student, product in (("ann", "2 * n"), ("bob", "n"), ("cyd", "2 * n")):
        hand_in(student, product)
    records = grade(course)
    assert [(r.points, r.max_points) for r in records.values()] == [(9, 8), (7, 8), (9, 8)]
    assert final_points(course, "small", records.values()) == {"ann": 9, "bob": 7, "cyd": 9}
    (more, _) = pages.write_feedback(course, records["ann"], scores(course, "small")["ann"])
    assert "2 extra" in more.read_text()
    pages.write_report(course, "small", list(records.values()))
    with Gradebook(course.nbgrader.db_url) as gradebook:
        gradebook.find_grade("check_double", "more", "small", "ann").extra_credit = 1
        gradebook.db.commit()
    hand_in("bob", "n + n")
    hand_in("cyd", "n")
    records = grade(course, force=True)
    assert final_points(course, "small", records.values()) == {"ann": 8, "bob": 9, "cyd": 7}


def test_late_work_loses_what_the_plugin_says(course, grade):
    course.config.AssignLatePenalties.plugin_class = HalfOff
    submit_at(course, "ann", "2026-03-01 09:00:00 UTC")
    submit_at(course, "bob", "2026-03-03 09:00:00 UTC")
    submit_at(course, "cyd", "no time at all")
    with Gradebook(course.nbgrader.db_url) as gradebook:
        gradebook.add_assignment("small", duedate="2026-03-02 00:00:00 UTC")
    records = grade(course)
    assert final_points(course, "small", records.values()) == {"ann": 7, "bob": 3.5, "cyd": 7}
    assert (
        "3.5 points were taken off"
        in pages.write_feedback(course, records["bob"], scores(course, "small")["bob"])[0].read_text()
    )
    # A later due date counts for what is graded already, at the next run.
    with Gradebook(course.nbgrader.db_url) as gradebook:
        gradebook.update_or_create_assignment("small", duedate="2026-03-09 00:00:00 UTC")
    grade(course)
    assert scores(course, "small")["bob"].points == 7


def test_feedback_goes_where_release_feedback_finds_it(course, grade):
    submit_at(course, "ann", "2026-03-01 09:00:00 UTC")
    folder = course.path("submitted", "ann", "small")
    (folder / "submission_secret.txt").write_text("s3cret")
    record = grade(course)["ann"]
    (page,) = pages.write_feedback(course, record, scores(course, "small")["ann"])
    assert (page.parent / "timestamp.txt").read_text() == "2026-03-01 09:00:00 UTC"
    assert (page.parent / "submission_secret.txt").read_text() == "s3cret"


def test_cells_that_people_grade_wait_for_them(course, grade):
    """Code answers and tasks too."""
    path = course.path("source", ".", "small") / "small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    essay = code("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "essay", solution=True, grade=True, points=2)
    task = nbformat.v4.new_markdown_cell("Draw it.", id="task")
    task.metadata = code("", "task", task=True, points=3, locked=True).metadata
    notebook.cells += [essay, task]
    nbformat.write(notebook, path)
    course = Course(course.root)
    release(course, course.assignment("small"))
    submit(course.root, "ann", answer(released(course), RIGHT | {"essay": "y = 2"}))
    submit(course.root, "bob", answer(released(course), RIGHT))
    records = grade(course)
    assert [(c.grade_id, c.points) for c in records["ann"].cells[-2:]] == [("essay", None), ("task", None)]
    assert [(c.grade_id, c.points) for c in records["bob"].cells[-2:]] == [("essay", 0), ("task", None)]
    assert records["ann"].max_points == 13


def test_graded_cells_that_changed_under_a_graded_class_are_told(course, grade):
    submit(course.root, "ann", answer(released(course), RIGHT))
    grade(course)
    path = course.path("source", ".", "small") / "small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(code("assert half(2) == 1", "another", grade=True, locked=True, points=1))
    nbformat.write(notebook, path)
    changed = Course(course.root)
    release(changed, changed.assignment("small"))
    with pytest.raises(CourseError, match="other graded cells than when its first submissions were graded"):
        grade(changed)
    assert scores(course, "small")["ann"].points == 7
