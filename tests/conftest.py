import shutil

import pytest

from autograder.course import Course
from tests import small_course


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Keep the tests of a group together: pytest-xdist 3.8 notes groups in what pytest 9.2 no longer reads."""
    for item in items:
        if grouped := getattr(item, "_nodeid", ""):
            item._id = type(item._id).parse(grouped)


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
def built_site(tmp_path_factory):
    """The folder of the whole site, and its pages."""
    from tools.website.build import build

    folder = tmp_path_factory.mktemp("site")
    return folder, build(small_course.REPOSITORY, folder)


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
