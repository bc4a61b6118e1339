"""`make proof`: prove all assignments, and write the table into docs/proof.md."""

from pathlib import Path

from autograder.course import Course
from autograder.verify import verify

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


def main():
    """Prove everything; write the page only if there is no problem."""
    course = Course(ROOT)
    proofs = {name: list(verify(course.assignment(name))) for name in course.assignment_names()}
    problems = [
        f"{proof.exercise}: {problem}" for own in proofs.values() for proof in own for problem in proof.problems
    ]
    if problems:
        raise SystemExit("\n".join(problems))
    PAGE.write_text(page(proofs), encoding="utf-8")


if __name__ == "__main__":
    main()
