"""What the course consists of: its lectures and assignments, with the words that the README has for them."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

COVERS = Path(__file__).parent / "covers.toml"
ROW = re.compile(r"^\| \d+ \| \[[^]]+\]\((?P<lecture>[^)]+)\)(?:: (?P<about>[^|]*?))? *\|(?P<rest>[^|]*)\|", flags=re.M)


@dataclass
class Item:
    """A lecture or an assignment on the first page.

    Parameters
    ----------
    name : str
    notebooks : list of PurePosixPath
        Relative to the root of the course; one for a lecture.
    about : str
        What it is about.
    cover : str
        The picture that stands for it: a notebook's name and the id of a cell, ``06_convolution#1f2e3d4c``; empty for
        the notebook's first picture.
    """

    name: str
    notebooks: list
    about: str
    cover: str


def contents(root):
    """List the lectures and the assignments.

    Parameters
    ----------
    root : Path
        The course.

    Returns
    -------
    lectures, assignments : list of Item
    """
    about = {row["lecture"]: row["about"] or "" for row in ROW.finditer((root / "README.md").read_text("utf-8"))}
    covers = tomllib.loads(COVERS.read_text("utf-8"))

    def item(name, paths):
        notebooks = [PurePosixPath(path.relative_to(root).as_posix()) for path in paths]
        return Item(name, notebooks, about.get(str(notebooks[0]), ""), covers.get(name, ""))

    lectures = [item(path.stem, [path]) for path in sorted(root.glob("lectures/*.ipynb"))]
    folders = sorted({path.parent for path in root.glob("assignments/*/*.ipynb")})
    return lectures, [item(folder.name, sorted(folder.glob("*.ipynb"))) for folder in folders]
