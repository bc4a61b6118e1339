"""Every lecture runs top to bottom without an error, and is committed as a reader on a code host wants to see it.

``python -m tests.test_lectures [lectures/NAME.ipynb …]`` executes lectures and writes them back clean: with outputs,
without what changes from run to run.
"""

import ast
import re
import sys
import time
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course import Course
from autograder.notebook import python_source

ROOT = Path(__file__).parents[1]
LECTURES = sorted((ROOT / "lectures").glob("*.ipynb"))
VIEW = "application/vnd.jupyter.widget-view+json"
LARGEST = 1_000_000  # bytes

# One process runs all tests of one lecture, so that it is executed once.
each_lecture = pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem, marks=pytest.mark.xdist_group(path.stem)) for path in LECTURES]
)


def execute(path, folder):
    """Execute a notebook in a folder; return it, and the seconds it took.

    A cell that fails doesn't stop the others: all errors are wanted.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        allow_errors=True,
        coalesce_streams=True,  # where the kernel happens to cut a cell's text differs from run to run
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    start = time.perf_counter()
    client.execute()
    return notebook, time.perf_counter() - start


def clean(notebook):
    """Drop what changes from run to run; of a widget keep the picture, which every viewer can show."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output["data"].pop(VIEW, None)
    return notebook


@cache
def executed(path):
    return execute(path, path.parent)


def committed(path):
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [(cell, output) for cell in code_cells(notebook) for output in cell.outputs]


def texts(output):
    """All text of an output that a reader sees, without pictures."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    for kind, value in data.items():
        if kind.startswith("text/") or kind.endswith("json"):
            yield re.sub(r'"data:[^"]*"', '""', value if isinstance(value, str) else str(value))


def errors(notebook):
    """Name every error: of a cell, and of a widget's callback, which leaves the cell green."""
    found = [
        f"{cell.source[:60]!r}: {output.evalue}" for cell, output in outputs(notebook) if output.output_type == "error"
    ]
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    for model in widgets.get("state", {}).values():
        for output in model["state"].get("outputs", []):
            if output["output_type"] == "error":
                found.append(f"in a widget: {output['evalue']}")
    return found


def names_bound(source):
    """All names that a cell binds, at its top level or within."""
    for node in ast.walk(ast.parse(python_source(source))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name


def headings(path):
    """The headings of a lecture, in order."""
    text = "\n".join(cell.source for cell in committed(path).cells if cell.cell_type == "markdown")
    return re.findall(r"^#+ (.*)$", text, flags=re.M)


def test_the_course_begins():
    assert [path.stem for path in LECTURES][:1] == ["00_start_here"]


@each_lecture
def test_it_runs(path, capsys, record_property):
    notebook, seconds = executed(path)
    record_property("seconds", round(seconds, 1))
    with capsys.disabled():
        print(f"\n{path.relative_to(ROOT)} ran in {seconds:.1f} s", file=sys.stderr, flush=True)
    assert not errors(notebook)


@each_lecture
def test_what_it_says_now_is_what_is_committed(path):
    fresh, _ = executed(path)
    for new, old in zip(code_cells(fresh), code_cells(committed(path)), strict=True):
        assert [o.output_type for o in new.outputs] == [o.output_type for o in old.outputs], new.source
        if "machine" not in new.metadata.get("tags", []):  # cells that report on the reader's machine
            said, kept = (["".join(o.get("text", "")) for o in cell.outputs] for cell in (new, old))
            assert said == kept, f"python -m tests.test_lectures {path.relative_to(ROOT)} writes the outputs anew"


@each_lecture
def test_widgets_leave_a_picture(path):
    for cell, output in outputs(executed(path)[0]):
        if VIEW in output.get("data", {}):
            assert "image/png" in output["data"], cell.source
            assert output["metadata"]["image/png"]["alt"], cell.source


@each_lecture
def test_format_and_ids(path):
    notebook = committed(path)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert path.stat().st_size < LARGEST
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "jupytext"}, "run python -m tests.test_lectures"


@each_lecture
def test_it_is_committed_executed_in_order(path):
    notebook = committed(path)
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    assert not errors(notebook)
    for cell, output in outputs(notebook):
        assert output.get("name") != "stderr", f"{cell.source}\n{output.text}"
        assert VIEW not in output.get("data", {}), "run python -m tests.test_lectures: a widget's picture is enough"


@each_lecture
def test_every_picture_has_a_description(path):
    for cell, output in outputs(committed(path)):
        if any(kind.startswith("image/") for kind in output.get("data", {})):
            assert len(output["metadata"]["image/png"]["alt"].split()) > 5, cell.source
        for image in re.findall(r"<img [^>]*>", output.get("data", {}).get("text/html", "")):
            assert re.search(r'alt="[^"]', image), cell.source


@each_lecture
def test_no_path_of_this_machine(path):
    local = re.compile(r"(?<![\w.:/])(/(home|root|work|tmp|Users|private|usr|opt|var|mnt)/|[A-Z]:\\)")
    for cell, output in outputs(committed(path)):
        for text in texts(output):
            assert not local.search(text), cell.source


@each_lecture
def test_links_to_files_lead_somewhere(path):
    for cell in committed(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", cell.source):
                assert (path.parent / target).exists(), target


@each_lecture
def test_it_leaves_the_exercises_to_the_student(path):
    course = Course(ROOT)
    asked = {exercise for name in course.assignment_names() for exercise in course.assignment(name).exercises}
    bound = {name for cell in code_cells(committed(path)) for name in names_bound(cell.source)}
    assert not asked & bound


def anchor(heading):
    """What JupyterLab and code hosts make of a heading, quoted for a markdown link."""
    return heading.replace(" ", "-").replace("(", "%28").replace(")", "%29")


def test_the_course_map_has_every_item_once_and_its_links_lead_to_headings():
    text = (ROOT / "docs/course_map.md").read_text("utf-8")
    listed = re.findall(r"^\| ([A-EK]\d+b?) \|", text, flags=re.M)
    counts = {"A": 63, "B": 94, "C": 103, "D": 49, "E": 50, "K": 48}  # of the five decks, and of the corrections
    wanted = {f"{deck}{number}" for deck, count in counts.items() for number in range(1, count + 1)}
    assert sorted(listed) == sorted(wanted | {"K3b", "K5b", "K10b"})
    links = re.findall(r"\]\(\.\./lectures/(\w+)\.ipynb#([^)]+)\)", text)
    assert links
    known = {path.stem: {anchor(heading) for heading in headings(path)} for path in LECTURES}
    for stem, target in links:
        assert target in known[stem], f"{stem} has no section {target!r}"


if __name__ == "__main__":
    for argument in sys.argv[1:] or LECTURES:
        lecture = Path(argument).resolve()
        done, took = execute(lecture, lecture.parent)
        failed = errors(done)
        print(f"{lecture.name}: {took:.1f} s", *failed, sep="\n  ")
        nbformat.write(clean(done), lecture)
