"""Reading a submitted notebook: nothing in it is believed but the student's own cells."""

import difflib
import hashlib
import json
import stat
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.notebook import is_graded, is_solution

MAX_BYTES = 20_000_000
"""Size of a notebook that is still read."""

MAX_FILE_BYTES = 100_000_000
"""Size of all other files of a submission together."""

TIMESTAMP = "timestamp.txt"
EXCHANGE_FILES = (TIMESTAMP, "submission_secret.txt")
"""What nbgrader's exchange lays beside the notebooks: when they came, and where their feedback goes."""


class Unreadable(Exception):
    """A submission holds no notebook that can be read; the message gives the reason."""


@dataclass(frozen=True)
class HandedIn:
    """What a student has handed in, as bytes: all that a worker needs of it.

    Attributes
    ----------
    student : str
    notebooks : dict of str to bytes
        Content of each notebook's file that could be read, by nbgrader's notebook id.
    problems : dict of str to tuple of str
        The others: ``('missing', reason)`` or ``('unreadable', reason)``.
    notes : tuple of str
        What was unusual.
    files : dict of str to bytes
        Other files handed in beside them.
    timestamp : str
        When it was handed in, as nbgrader's exchange noted it; '' if it did not.
    """

    student: str
    notebooks: dict = field(default_factory=dict)
    problems: dict = field(default_factory=dict)
    notes: tuple = ()
    files: dict = field(default_factory=dict)
    timestamp: str = ""

    @property
    def digest(self):
        """SHA-256 over all that was handed in."""
        parts = {"problems": repr((sorted(self.problems.items()), self.notes)).encode()}
        parts |= {f"notebooks/{name}": data for name, data in self.notebooks.items()}
        parts |= {f"files/{name}": data for name, data in self.files.items()}
        content = hashlib.sha256(self.timestamp.encode())
        for name, data in sorted(parts.items()):
            content.update(f"\0{name}\0{len(data)}\0".encode() + data)
        return content.hexdigest()


@dataclass
class Step:
    """One cell to run, in order.

    Attributes
    ----------
    cell : nbformat.NotebookNode
        The cell as it goes into the graded notebook.
    graded : GradedCell or None
        Set for a test cell, which runs apart from the student's code.
    """

    cell: nbformat.NotebookNode
    graded: object = None


@dataclass
class Submission:
    """A notebook with its test cells restored.

    Attributes
    ----------
    steps : list of Step
    notes : list of str
        What was unusual, for the feedback.
    """

    steps: list
    notes: list = field(default_factory=list)


def collect(folder, student, names):
    """Read a submission's folder: the notebooks called ``names``, and the files beside them. Links are never followed.

    Returns
    -------
    HandedIn
    """
    folder = Path(folder)
    notebooks, problems, files, notes = {}, {}, {}, []
    paths = {name: folder / f"{name}.ipynb" for name in names}
    absent = [name for name, path in paths.items() if not path.exists() and not path.is_symlink()]
    others = sorted(set(folder.glob("*.ipynb")) - set(paths.values())) if folder.is_dir() else []
    if len(absent) == len(others) == 1:
        notes.append(f"The notebook was called {others[0].name}; it was taken for {absent[0]}.ipynb.")
        paths[absent.pop()] = others[0]
    more = f", and {len(others)} notebooks of other names" if others else ""
    for name, path in paths.items():
        if name in absent:
            problems[name] = ("missing", f"No notebook: there is no {path.name}{more}.")
            continue
        try:
            notebooks[name] = _read_regular(path, MAX_BYTES)
        except Unreadable as problem:
            problems[name] = ("unreadable", f"The notebook could not be read: {problem}.")
    left = MAX_FILE_BYTES
    # The smallest first: a large one, such as a checkpoint, must not take the place of weights.
    for other in sorted(folder.iterdir(), key=lambda path: (path.lstat().st_size, path.name)) if notebooks else ():
        if other.suffix != ".ipynb" and other.name not in EXCHANGE_FILES and not other.is_dir():
            try:
                files[other.name] = _read_regular(other, left)
                left -= len(files[other.name])
            except Unreadable as problem:
                notes.append(f"Left out: {problem}.")
    try:
        timestamp = _read_regular(folder / TIMESTAMP, 1000).decode(errors="replace").strip()
    except Unreadable:
        timestamp = ""
    return HandedIn(student, notebooks, problems, tuple(notes), files, timestamp)


def _read_regular(path, most):
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder"}
            raise Unreadable(f"{path.name} is {kinds.get(stat.S_IFMT(status.st_mode), 'no file')}")
        if status.st_size > most:
            raise Unreadable(f"{path.name} has {status.st_size / 1e6:.0f} MB; at most {most / 1e6:.0f} MB are read")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {error.strerror}") from None


def parse_notebook(content):
    """Parse an untrusted notebook.

    Parameters
    ----------
    content : bytes

    Raises
    ------
    Unreadable
    """
    try:
        text = content.decode("utf-8-sig")
        if not text.strip():
            raise Unreadable("it is empty")
        data = json.loads(text)
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not valid JSON ({error})") from None
    try:
        if isinstance(data, dict) and data.get("nbformat", 4) < 4:
            data = nbformat.convert(nbformat.from_dict(data), 4)
        cells = [_tidy(cell) for cell in data["cells"]]
    except Exception:  # a forged notebook can break the reader in many ways; all mean the same here
        raise Unreadable("it is JSON, but not a notebook") from None
    return nbformat.v4.new_notebook(cells=cells)


def _tidy(cell):
    source = cell["source"]
    source = source if isinstance(source, str) else "".join(source)
    metadata = cell.get("metadata")
    own = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    kept = {"nbgrader": {"grade_id": str(own.get("grade_id", ""))}} if isinstance(own, dict) else {}
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    tidy = make.get(cell["cell_type"], nbformat.v4.new_raw_cell)(source, metadata=kept)
    if isinstance(cell.get("id"), str):
        tidy.id = cell["id"][:64]
    return tidy


def restore(notebook, own):
    """Put the instructor's cells back into a student's notebook.

    Cells are recognised by nbgrader's ``grade_id``, or, where that was stripped, by the notebook's cell id, or by their
    place between cells that are as they were released. Test cells and locked cells get the instructor's source; those
    that are missing are put back after the cell they followed.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        From `parse_notebook`.
    own : InstructorNotebook

    Returns
    -------
    Submission

    Raises
    ------
    Unreadable
        If not one of the assignment's cells can be recognised.
    """
    ours = [cell for cell in own.cells if "nbgrader" in cell.metadata]
    by_id = {cell.metadata.nbgrader.grade_id: cell for cell in ours}
    graded = {cell.grade_id: cell for cell in own.graded_cells}
    test_sources = {cell.source.strip() for cell in own.graded_cells}
    notes, steps, seen, put_back = [], [], set(), []
    for cell, grade_id in zip(notebook.cells, _recognise(notebook.cells, own, notes), strict=True):
        if grade_id in seen:
            notes.append(f"There was a copy of the cell {grade_id!r}; the first one was graded.")
            grade_id = None
            if cell.source.strip() in test_sources:  # a copied test is no code of the student's: it does not run
                continue
        cell.metadata = {}
        if grade_id in by_id:
            seen.add(grade_id)
            _restore_cell(cell, by_id[grade_id])
        steps.append(Step(cell, graded.get(grade_id)))
    if not seen:
        raise Unreadable("none of the assignment's cells can be recognised in it: all of nbgrader's metadata is gone")
    for position, cell in enumerate(ours):
        grade_id = cell.metadata.nbgrader.grade_id
        if grade_id in seen:
            continue
        if is_graded(cell):
            put_back.append(grade_id)
        before = {other.metadata.nbgrader.grade_id for other in ours[:position]}
        places = [i for i, step in enumerate(steps) if step.cell.metadata.get("nbgrader", {}).get("grade_id") in before]
        fresh = _fresh(cell, "" if is_solution(cell) else cell.source)
        steps.insert(places[-1] + 1 if places else 0, Step(fresh, graded.get(grade_id)))
        seen.add(grade_id)
    if put_back:
        notes.append(f"Missing, and put back: {', '.join(put_back)}.")
    return Submission(steps, notes)


def _recognise(cells, own, notes):
    """The ``grade_id`` of each of a student's cells, None for those that are the student's own."""
    told = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells]
    if any(told):
        by_cell_id = {c.id: c.metadata.nbgrader.grade_id for c in own.cells if "nbgrader" in c.metadata}
        return [grade_id or by_cell_id.get(cell.get("id")) for cell, grade_id in zip(cells, told, strict=True)]
    notes.append("All of nbgrader's metadata was gone; the cells were recognised by their ids or their places.")
    places = {cell.id: place for place, cell in enumerate(own.cells)}
    found = [places.get(cell.get("id")) for cell in cells]
    # What has no id is found by its place between cells that are as they were released.
    theirs = [
        f"id {place}" if place is not None else cell.source.strip() for place, cell in zip(found, cells, strict=True)
    ]
    ours = [f"id {i}" if i in found else cell.source.strip() for i, cell in enumerate(own.cells)]
    matcher = difflib.SequenceMatcher(None, theirs, ours, autojunk=False)
    for tag, start, end, own_start, own_end in matcher.get_opcodes():
        kinds = [[cell.cell_type for cell in part] for part in (cells[start:end], own.cells[own_start:own_end])]
        if tag not in ("equal", "replace") or kinds[0] != kinds[1]:
            continue
        for place, own_place in zip(range(start, end), range(own_start, own_end), strict=True):
            if tag == "equal" or is_solution(own.cells[own_place]):
                found[place] = own_place
    return [None if place is None else own.cells[place].metadata.get("nbgrader", {}).get("grade_id") for place in found]


def _restore_cell(cell, own):
    cell.metadata = nbformat.from_dict({"nbgrader": dict(own.metadata.nbgrader)})
    cell.id = own.id
    if not is_solution(own) and (is_graded(own) or own.metadata.nbgrader.get("locked")):
        cell.source = own.source
        if cell.cell_type != own.cell_type:
            cell.update(_fresh(own, own.source))
            if own.cell_type != "code":
                cell.pop("outputs", None)
                cell.pop("execution_count", None)


def _fresh(own, source):
    make = nbformat.v4.new_code_cell if own.cell_type == "code" else nbformat.v4.new_markdown_cell
    return make(source, metadata={"nbgrader": dict(own.metadata.nbgrader)}, id=own.id)
