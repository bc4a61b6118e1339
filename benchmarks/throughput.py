"""`make bench`: our grader beside `nbgrader autograde`, on the same light notebooks, in one run.

Both grade the same class, by turns; the table gives medians, and the ratio is what counts: seconds belong to one
machine. Test cells are plain asserts, which both understand. nbgrader runs student code without isolation, ours in the
sandbox.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from benchmarks.memory import descendants, own_bytes

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

NUMPY = {
    "imports": "import numpy as np",
    "first": "def center(x):\n    ### BEGIN SOLUTION\n    return x - x.mean(axis=0)\n    ### END SOLUTION",
    "test_first": "x = np.arange(12.0).reshape(4, 3)\nnp.testing.assert_allclose(center(x).mean(axis=0), 0)",
    "second": "def softmax(s):\n    ### BEGIN SOLUTION\n    e = np.exp(s - s.max())\n    return e / e.sum()\n"
    "    ### END SOLUTION",
    "test_second": "np.testing.assert_allclose(softmax(np.array([1000.0, 1000.0])), 0.5)",
}
TORCH = {
    "imports": "import torch",
    "first": "def layer(x, w, b):\n    ### BEGIN SOLUTION\n    return torch.relu(x @ w + b)\n    ### END SOLUTION",
    "test_first": "assert layer(torch.ones(2, 3), torch.ones(3, 4), torch.zeros(4)).shape == (2, 4)",
    "second": "def train(steps):\n    ### BEGIN SOLUTION\n    w = torch.zeros(3, requires_grad=True)\n"
    "    optimizer = torch.optim.SGD([w], lr=0.1)\n    for _ in range(steps):\n        optimizer.zero_grad()\n"
    "        loss = ((w - 1) ** 2).sum()\n        loss.backward()\n        optimizer.step()\n"
    "    return loss.item()\n    ### END SOLUTION",
    "test_second": "assert train(20) < 0.01",
}


def make_class(root, cells, students):
    """Lay out a course with one assignment and a class that has solved it."""
    (root / "solutions/light").mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    for name, source in cells.items():
        test = name.startswith("test")
        told = {"grade": test, "locked": test, "solution": not test and name != "imports", "task": False}
        told |= {"grade_id": name, "schema_version": 3} | ({"points": 1} if test else {})
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"nbgrader": told}, id=name))
    nbformat.write(notebook, root / "solutions/light/light.ipynb")
    (root / "solutions/light/exercises.py").write_text("EXERCISES = []\n")
    run(root, BIN / "nbgrader", "generate_assignment", "light", "--create")
    released = nbformat.read(root / "assignments/light/light.ipynb", as_version=4)
    for cell in released.cells:
        cell.source = (
            cells[cell.metadata.nbgrader.grade_id]
            .replace("    ### BEGIN SOLUTION\n", "")
            .replace("\n    ### END SOLUTION", "")
        )
    for number in range(students):
        folder = root / "submitted" / f"student-{number:03}" / "light"
        folder.mkdir(parents=True)
        nbformat.write(released, folder / "light.ipynb")


def run(root, *command):
    """Run a command; return its wall-clock and processor seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(list(map(str, command)), cwd=root, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, used


def worker_memory(root):
    """Grade once more, and watch: the most memory of a local worker that it shares with no other process, in bytes."""
    most = 0
    command = [BIN / "autograder", "grade", "light", "--force"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max([most, *(own_bytes(pid) for pid, name in descendants(process.pid) if name == "autograder")])
            time.sleep(0.1)
    return most


def scores(root):
    """Scores in the gradebook, to see that both have graded all."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return [submission.score for submission in gradebook.assignment_submissions("light")]


def compare(cells, few, many, rounds):
    """Grade by turns; return medians of (wall-clock, processor) seconds a submission, theirs, ours; a worker's bytes.

    nbgrader grades the first ``few`` of the class of ``many``: its time is the same for each.
    """
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_class(root, cells, many)
        some = "student-00[0-9]" if few == 10 else f"student-00[0-{few - 1}]"
        for _ in range(rounds):
            command = (BIN / "nbgrader", "autograde", "light", f"--student={some}", "--create", "--force")
            theirs.append([seconds / few for seconds in run(root, *command)])
            command = (BIN / "autograder", "grade", "light", "--force")
            ours.append([seconds / many for seconds in run(root, *command)])
            assert scores(root) == [2.0] * many
        memory = worker_memory(root)
    medians = [[statistics.median(column) for column in zip(*runs, strict=True)] for runs in (theirs, ours)]
    return [*medians, memory]


def main():
    """Run the comparison, print the table and write docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--few", type=int, default=6, help="submissions that nbgrader grades in a round, at most 10")
    parser.add_argument("--many", type=int, default=60, help="submissions that autograder grades in a round")
    options = parser.parse_args()
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench`: medians of {options.rounds} rounds, both graders by turns, {os.cpu_count()} cores; "
        "light notebooks (imports, two functions, two tests), the start of each command included. nbgrader runs the "
        "student's code as it is; ours runs it in the sandbox, and the tests apart from it.",
        "",
        "| notebook | nbgrader, s a submission | ours | **throughput** | nbgrader, CPU-s a submission | ours | ratio | "
        "a worker's own memory, MB |",
        "|:--|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, cells in (("numpy", NUMPY), ("torch", TORCH)):
        (wall, used), (our_wall, our_used), memory = compare(cells, options.few, options.many, options.rounds)
        lines.append(
            f"| {name} | {wall:.2f} | {our_wall:.3f} | **{wall / our_wall:.0f} ×** | {used:.2f} | {our_used:.3f} | "
            f"{used / our_used:.0f} × | {memory / 1e6:.0f} |"
        )
        print(lines[-1], flush=True)
    (ROOT / "docs/benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
