"""The HTML pages: one of feedback for each student, one report for the instructor."""

import re
from collections import Counter

import nbformat
from jinja2 import Environment, PackageLoader, select_autoescape

from autograder import gradebook
from autograder.record import write_atomically
from visionlab.checks.card import STYLE

_templates = Environment(
    loader=PackageLoader("autograder"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
)
_templates.filters["points"] = lambda value: "–" if value is None else f"{value:g}"


def write_feedback(course, record):
    """Write a student's feedback page where nbgrader's release_feedback expects it; return its path."""
    given = gradebook.manual_grades(course, record.assignment, record.student)
    rows = []
    for cell in record.cells:
        score, comment = given.get(cell.grade_id, (None, None))
        points = score if score is not None else cell.points
        rows.append({"cell": cell, "points": points, "comment": comment, "title": _title(cell)})
    autograded = course.path("autograded", record.student, record.assignment) / f"{record.assignment}.ipynb"
    source = nbformat.read(autograded, as_version=4).cells if autograded.exists() else []
    text = _templates.get_template("feedback.html").render(
        record=record,
        rows=rows,
        points=sum(row["points"] or 0 for row in rows),
        style=STYLE,
        sources=[cell.source for cell in source if cell.cell_type == "code"],
        without_style=lambda card: card.replace(STYLE, ""),
    )
    path = course.path("feedback", record.student, record.assignment) / f"{record.assignment}.html"
    write_atomically(path, text)
    return path


def total(course, record):
    """Points of a record, with those that people have given in place of the automatic ones."""
    given = gradebook.manual_grades(course, record.assignment, record.student)
    scores = ((given.get(cell.grade_id, (None, None))[0], cell.points) for cell in record.cells)
    return sum((by_hand if by_hand is not None else points) or 0.0 for by_hand, points in scores)


def _title(cell):
    return ", ".join(cell.exercises) or re.sub(r"[_-]", " ", cell.grade_id)


def write_report(course, assignment, records):
    """Write the instructor's report on an assignment; return its path."""
    graded = [record for record in records if record.status not in ("missing", "unreadable")]
    exercises = []
    for position, cell in enumerate(records[0].cells if records else []):
        results = [record.cells[position] for record in graded]
        known = [result.points for result in results if result.points is not None]
        exercises.append(
            {
                "title": _title(results[0]) if results else cell.grade_id,
                "max_points": cell.max_points,
                "mean": sum(known) / len(known) if known else None,
                "full": sum(result.passed for result in results),
                "graded": len(known),
                "mistakes": Counter(name for result in results for name in result.mistakes).most_common(),
            }
        )
    text = _templates.get_template("report.html").render(
        assignment=assignment,
        records=records,
        exercises=exercises,
        statuses=Counter(record.status for record in records).most_common(),
        mean=sum(record.points for record in graded) / len(graded) if graded else None,
    )
    path = course.root / "reports" / f"{assignment}.html"
    write_atomically(path, text)
    return path
