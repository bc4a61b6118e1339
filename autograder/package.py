"""An assignment as bytes: what a worker on another machine needs of it, and what a grading depends on."""

import functools
import hashlib
import platform
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nbformat

from autograder.assignment import Assignment
from autograder.sandbox import PACKAGE_ROOT


@dataclass(frozen=True)
class Package:
    """An assignment's files.

    Attributes
    ----------
    name : str
    source : dict of str to bytes
        The instructor's folder: notebook, exercises.py and whatever is beside them.
    released : dict of str to bytes
        The released folder: blank notebooks and what lies beside them.
    """

    name: str
    source: dict
    released: dict

    @classmethod
    def of(cls, course, name):
        """Pack an assignment of a course."""
        return cls(name, _read(course.assignment(name).folder), _read(course.path("release", ".", name)))

    @functools.cached_property
    def beside(self):
        """The released files that a student's notebook finds beside it."""
        return {name: content for name, content in self.released.items() if not name.endswith(".ipynb")}

    @functools.cached_property
    def blank_sources(self):
        """Sources of nbgrader's cells as they were released: (notebook, grade_id) -> source."""
        return {
            (name, cell.metadata.nbgrader.grade_id): cell.source
            for name in self.assignment.notebooks
            for cell in nbformat.reads(self.released[f"{name}.ipynb"].decode(), as_version=4).cells
            if "nbgrader" in cell.metadata
        }

    @functools.cached_property
    def digest(self):
        """SHA-256 over all files."""
        return _digest({f"source/{k}": v for k, v in self.source.items()} | self.beside)

    @property
    def assignment(self):
        """The assignment, unpacked once in each process."""
        if self.digest not in _unpacked:
            folder = tempfile.TemporaryDirectory(prefix="autograder-")
            for name, content in self.source.items():
                path = Path(folder.name, self.name, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            # The folder lives as long as the process: the assignment reads from it when it needs to.
            _unpacked[self.digest] = Assignment(Path(folder.name, self.name)), folder
        return _unpacked[self.digest][0]


_unpacked = {}


def _read(folder):
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    skipped = ("__pycache__", ".ipynb_checkpoints")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if not set(skipped) & set(path.parts)}


def _digest(files):
    content = hashlib.sha256()
    for name, data in sorted(files.items()):
        content.update(f"\0{name}\0{len(data)}\0".encode() + data)
    return content.hexdigest()


@functools.cache
def environment_digest():
    """SHA-256 over the code that grades and the versions of what answers are computed with."""
    code = {
        f"{folder}/{path.name}": path.read_bytes()
        for folder in ("autograder", "visionlab/checks")
        for path in (PACKAGE_ROOT / folder).glob("*.py")
    }
    versions = f"{platform.python_version()} {version('numpy')} {version('torch')}"
    return _digest(code | {"versions": versions.encode()})
