"""verify must fail when a proof fails: each test here breaks one thing."""

import pytest

from autograder.verify import verify


@pytest.fixture
def problems(course):
    """Change exercises.py or the notebook of the small assignment, verify, and return the problems."""

    def change(old, new, file="exercises.py"):
        path = course.path("source", ".", "small") / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return [problem for proof in verify(course.assignment("small")) for problem in proof.problems]

    return change


def test_the_small_assignment_is_proven(course):
    proofs = list(verify(course.assignment("small")))
    assert [proof.problems for proof in proofs] == [[], []]
    assert [bug.caught for bug in proofs[0].bugs] == ["visible", "visible"]
    assert all(bug.diagnosed for proof in proofs for bug in proof.bugs)
    assert proofs[0].correct == 1


def test_a_surviving_bug_is_a_problem(problems):
    assert problems('"np.resize(factors, x.shape[1])"', '"factors.reshape(-1, 1)"') == [
        "bug 'columns scaled' survives 20 of 20 hidden draws"
    ]


def test_a_right_answer_that_fails_is_a_problem(problems):
    found = problems("[f * r for f, r in", "[f * r + 1 for f, r in")
    assert len(found) == 1 and found[0].startswith("a right answer fails: loop")


def test_a_case_that_passes_the_stub_is_a_problem(problems):
    found = problems('return {"out": scale_rows(np.zeros((0, 3)), np.zeros(0))}', 'return {"out": 1}')
    assert any("an unwritten answer passes ['no rows at all']" in problem for problem in found)


def test_points_that_differ_are_a_problem(problems):
    assert problems('        "half",\n        2,', '        "half",\n        3,') == [
        "the graded cell gives 2 points, exercises.py 3"
    ]


def test_bugs_that_divide_by_zero_say_nothing(problems, recwarn):
    assert problems('"np.resize(factors, x.shape[1])"', '"(factors[:, None] / 0)"') == []
    assert not recwarn.list


def test_a_drifted_catalogue_is_an_error(problems):
    with pytest.raises(ValueError, match="the source does not contain 'n // 5'"):
        problems('("n // 2", "n / 2")', '("n // 5", "n / 5")')
