"""`make proof`: prove all assignments, and write the table into docs/proof.md."""

import statistics
from pathlib import Path

from autograder.course import Course
from autograder.verify import verify
from tools.bars import GRADED_WEIGHTS, bars_of, chance_of_failing, measured

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "proof.md"
HEAD = """# The proof of the tests

Written by `make proof`; CI runs the same proof and compares. Every known bug of an exercise must be caught, by a
visible case if possible, and told to the student by its own name; right answers in unlike styles must pass the visible
cases and 20 fresh draws of all cases.
"""
COLUMNS = ("bugs", "caught by a visible case", "by hidden cases only", "told by its name", "right answers that pass")


def row(proof):
    """One exercise as a row of the page, without the seconds, which differ from run to run."""
    return f"| `{proof.exercise}` | {' | '.join(map(str, proof.counts))} |"


def page(proofs):
    """The whole page.

    Parameters
    ----------
    proofs : dict of str to list of ExerciseProof
        By assignment.

    Returns
    -------
    str
    """
    parts = [HEAD]
    for name, own in proofs.items():
        lines = [f"| exercise | {' | '.join(COLUMNS)} | seconds |", f"|:--|{'--:|' * (len(COLUMNS) + 1)}"]
        lines += [f"{row(proof)} {proof.seconds:.1f} |" for proof in own]
        totals = [sum(column) for column in zip(*(proof.counts for proof in own), strict=True)]
        lines.append(f"| together | {' | '.join(map(str, totals))} | {sum(proof.seconds for proof in own):.0f} |")
        parts.append(f"## {name}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def bars(assignment, shares):
    """How sure the reference is to clear the bars of an assignment's graded weights, in Markdown.

    Parameters
    ----------
    assignment : Assignment
    shares : list of float
        What trainings of the reference with different seeds have reached.

    Returns
    -------
    str
    """
    name = GRADED_WEIGHTS[assignment.name][0]
    lines = [
        f"The weights of `{name}` are judged on photographs that students don't have. Its reference, trained with "
        f"{len(shares)} seeds (`python -m tools.bars`), knows {statistics.mean(shares):.1%} of them on average, with a "
        f"standard deviation of {statistics.stdev(shares):.1%} (from {min(shares):.1%} to {max(shares):.1%}). How "
        "likely one more training, with another seed, is to stay under a bar, by Student's prediction interval:",
        "",
        "| bar | chance to fail |",
        "|--:|--:|",
    ]
    for bar in bars_of(assignment):
        chance = chance_of_failing(shares, bar)
        lines.append(f"| {bar:.0%} | {'below 0.01 %' if chance < 1e-4 else f'{chance:.2%}'} |")
    return "\n".join(lines) + "\n"


def main():
    """Prove everything; write the page only if there is no problem."""
    course = Course(ROOT)
    proofs = {name: list(verify(course.assignment(name))) for name in course.assignment_names()}
    problems = [
        f"{proof.exercise}: {problem}" for own in proofs.values() for proof in own for problem in proof.problems
    ]
    if problems:
        raise SystemExit("\n".join(problems))
    sections = [bars(course.assignment(name), measured(course.assignment(name))) for name in GRADED_WEIGHTS]
    PAGE.write_text("\n".join([page(proofs), "## The bars of trained networks\n", *sections]), encoding="utf-8")


if __name__ == "__main__":
    main()
