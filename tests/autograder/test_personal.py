"""Cases whose numbers are each student's own."""

import numpy as np
import pytest

from autograder.grading import Settings, grade_submission
from autograder.package import Package
from autograder.release import release
from autograder.submission import collect
from autograder.verify import verify
from tests.small_course import answer, submit
from visionlab.checks.personal import seed_of

OWN = '''

def form(half, rng):
    """an answer is a whole number."""
    return {"kind": type(half(6)).__name__}


def own_number(half, rng):
    """your own number."""
    return {"half": half(int(rng.integers(10, 10_000)))}


EXERCISES[1] = Exercise(
    "half", 2,
    cases=[Case(form, weight=0), Case(own_number, personal=True)],
    bugs=[Bug("float division", "You divide with /.", ("n // 2", "n / 2")),
          Bug("one more", "You add one.", ("n // 2", "n // 2 + 1"))],
)
'''


def own_half(student):
    """The right answer to a student's own question."""
    return int(np.random.default_rng(seed_of(student, "half")).integers(10, 10_000)) // 2


@pytest.fixture
def own_course(course):
    path = course.path("source", ".", "small") / "exercises.py"
    path.write_text(path.read_text() + OWN)
    release(course, course.assignment("small"))
    return course


@pytest.fixture
def half_of(own_course, kernel_server):
    """Grade ``return NUMBER`` handed in by a student; return the cell's record."""

    def grade(student, number):
        released = own_course.path("release", ".", "small") / "small.ipynb"
        submit(own_course.root, student, answer(released, {"half": f"def half(n):\n    return {number}"}))
        handed_in = collect(own_course.path("submitted", student, "small"), student, ["small"])
        graded = grade_submission(handed_in, Package.of(own_course, "small"), Settings(seed=5), kernel_server)
        return next(cell for cell in graded.record.cells if cell.grade_id == "check_half")

    return grade


def test_each_student_answers_a_question_of_their_own(half_of):
    ann, bob = own_half("ann"), own_half("bob")
    assert ann != bob
    assert half_of("ann", ann).points == 2
    assert half_of("bob", bob).points == 2
    assert half_of("bob", ann).points == 0  # copied


def test_a_known_mistake_in_ones_own_numbers_is_named(half_of):
    assert half_of("ann", own_half("ann") + 1).mistakes == ["one more"]


def test_they_are_proven_but_not_released(own_course):
    proofs = {proof.exercise: proof for proof in verify(own_course.assignment("small"))}
    assert proofs["half"].problems == []
    assert {bug.name: bug.caught for bug in proofs["half"].bugs} == {"float division": "visible", "one more": "hidden"}
    checks = (own_course.path("release", ".", "small") / "checks.json").read_text()
    assert "def form" in checks and "own_number" not in checks


def test_at_home_the_form_alone_is_checked(own_course, monkeypatch):
    from visionlab.checks import CheckFailed, check

    monkeypatch.chdir(own_course.path("release", ".", "small"))
    check(lambda n: 3, exercise="half")
    with pytest.raises(CheckFailed):
        check(lambda n: 3.0, exercise="half")
