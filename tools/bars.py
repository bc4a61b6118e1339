"""How far the bars of graded weights are from what chance may do: the reference, trained with many seeds.

`python -m tools.bars` trains the solution's network anew with each seed, judges it on the hidden photographs, and keeps
the shares of right answers beside the hidden cases; `make proof` writes them into docs/proof.md.
"""

import argparse
import json
import math
import re
import statistics
import tempfile
from pathlib import Path

import torch
from scipy.stats import t as student_t

from autograder.course import Course
from autograder.exercise import replaced
from visionlab import datasets
from visionlab.checks.cases import Recorder, run_case
from visionlab.checks.files import files_in
from visionlab.training import as_tensors

ROOT = Path(__file__).resolve().parent.parent
GRADED_WEIGHTS = {
    "hw4_training_cnns": ("OwnNetwork", "train_own_network", (2_500, 500)),
    "hw5_transfer_learning": ("OwnClassifier", "train_own_classifier", (200,)),
}
"""The assignments whose weights are graded: the class, the function that trains it, and how many photographs it gets in
each of its arguments."""


def kept(assignment):
    """Path of the shares measured for an assignment."""
    return assignment.folder / "exercises" / "bars.json"


def measured(assignment):
    """The shares measured for an assignment, a list of float."""
    return json.loads(kept(assignment).read_text())


def bars_of(assignment):
    """The bars of an assignment, shares of right answers: each hidden case of its graded weights has one."""
    exercise = assignment.exercises[GRADED_WEIGHTS[assignment.name][0]]
    return [float(re.search(r"(\d+)%", case.title).group(1)) / 100 for case in exercise.cases if case.hidden]


def measure(assignment, seeds):
    """Train an assignment's reference with each seed; yield the share of hidden photographs that each tells right."""
    exercise, trainer, counts = GRADED_WEIGHTS[assignment.name]
    images, labels = as_tensors(datasets.load("cifar10", subset=sum(counts)))
    sets = list(zip(images.split(counts), labels.split(counts), strict=True))
    case = next(case for case in assignment.exercises[exercise].cases if case.hidden)
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            source = replaced(
                assignment.solution_of(trainer),
                ("torch.manual_seed(0)", f"torch.manual_seed({seed})"),
                ('folder="."', f"folder={folder!r}, seed={seed}"),
            )
            assignment.define(trainer, source)(*sets)
            with files_in(folder):
                seen = run_case(case.observe, Recorder(assignment.references[exercise]), 0)
        (share,) = seen.shares.values()
        yield share


def chance_of_failing(shares, bar):
    """The chance that one more training stays under a bar, by Student's prediction interval.

    Parameters
    ----------
    shares : sequence of float
        What trainings with other seeds have reached.
    bar : float

    Examples
    --------
    >>> round(chance_of_failing([0.60, 0.61, 0.62], 0.61), 3)
    0.5
    """
    spread = statistics.stdev(shares) * math.sqrt(1 + 1 / len(shares))
    return float(student_t.cdf((bar - statistics.mean(shares)) / spread, len(shares) - 1))


def main():
    """Measure and keep the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assignments", nargs="*", default=list(GRADED_WEIGHTS))
    parser.add_argument("--seeds", type=int, default=12)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.assignments:
        assignment = Course(ROOT).assignment(name)
        shares = []
        for share in measure(assignment, range(1, options.seeds + 1)):
            shares.append(round(share, 4))
            print(f"{name}, seed {len(shares)}: {share:.1%}", flush=True)
        kept(assignment).write_text(json.dumps(shares) + "\n")


if __name__ == "__main__":
    main()
