import shutil

import pytest

from autograder.course import Course
from tests import small_course


@pytest.fixture(scope="session")
def released_small_course(tmp_path_factory):
    """The small course with its assignment released; made once, copied for each test that writes into it."""
    from autograder.release import release

    root = small_course.make_course(tmp_path_factory.mktemp("course"))
    course = Course(root)
    release(course, course.assignment("small"))
    return root


@pytest.fixture
def course(released_small_course, tmp_path):
    """A fresh copy of the small course."""
    root = tmp_path / "course"
    shutil.copytree(released_small_course, root)
    return Course(root)


@pytest.fixture(scope="session")
def kernel_server():
    """Starts students' processes; skips, saying why, where student code cannot be isolated."""
    from autograder.sandbox import SandboxUnavailable
    from autograder.student_process import CannotStart, KernelServer

    try:
        server = KernelServer()
        server.wait_until_ready()
    except (CannotStart, SandboxUnavailable) as problem:
        pytest.skip(str(problem))
    with server:
        yield server
