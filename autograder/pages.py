"""The HTML pages: one of feedback for each student, one report for the instructor."""

import re
from collections import Counter

import nbformat
import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from matplotlib.ticker import MaxNLocator

from autograder.leaderboard import pseudonyms, standings
from autograder.record import write_atomically
from autograder.submission import EXCHANGE_FILES
from visionlab.checks.card import STYLE

_templates = Environment(
    loader=PackageLoader("autograder"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
)
_templates.filters["points"] = lambda value: "–" if value is None else f"{value:g}"


def write_feedback(course, record, score, pseudonym=""):
    """Write a student's feedback, one page a notebook, where nbgrader's release_feedback expects it.

    Parameters
    ----------
    course : Course
    record : Record
    score : Score or None
        What the gradebook says of it.
    pseudonym : str
        The student's name on the leaderboard, if it is to be told.

    Returns
    -------
    list of Path
    """
    given = score.cells if score else {}
    folder = course.path("feedback", record.student, record.assignment)
    submitted = course.path("submitted", record.student, record.assignment)
    for name in EXCHANGE_FILES:  # release_feedback reads from them whom the pages belong to
        if (submitted / name).is_file() and not (submitted / name).is_symlink():
            write_atomically(folder / name, (submitted / name).read_text(encoding="utf-8", errors="replace"))
    paths = []
    notebooks = list(dict.fromkeys(cell.notebook for cell in record.cells))
    for notebook in notebooks:
        rows = []
        for cell in record.cells:
            if cell.notebook == notebook:
                points, extra, comment = given.get((notebook, cell.grade_id), (None, cell.extra, None))
                points = cell.points if points is None else points
                rows.append({"cell": cell, "points": points, "extra": extra, "comment": comment, "title": _title(cell)})
        autograded = course.path("autograded", record.student, record.assignment) / f"{notebook}.ipynb"
        source = nbformat.read(autograded, as_version=4).cells if autograded.exists() else []
        text = _templates.get_template("feedback.html").render(
            record=record,
            notebook=notebook if len(notebooks) > 1 else "",
            rows=rows,
            points=score.points if score else record.points,
            pseudonym=pseudonym,
            penalty=score.penalty if score else 0.0,
            style=STYLE,
            sources=[cell.source for cell in source if cell.cell_type == "code"],
            without_style=lambda card: card.replace(STYLE, ""),
        )
        paths.append(folder / f"{notebook}.html")
        write_atomically(paths[-1], text)
    return paths


def discrimination(records, position):
    """How well an exercise tells strong students from weak ones: the correlation of its points with all the others.

    Returns
    -------
    float or None
        From −1 to 1; None if either does not vary, or fewer than three students have points for it.

    Examples
    --------
    >>> from autograder.record import CellResult, Record
    >>> def student(a, b):
    ...     return Record("s", "hw", cells=[CellResult("hw", "a", 2, a), CellResult("hw", "b", 2, b)])
    >>> round(discrimination([student(0, 0), student(1, 1), student(2, 2)], 0), 3)
    1.0
    """
    pairs = [(r.cells[position].points, r.points) for r in records if r.cells[position].points is not None]
    own = np.array([points for points, _ in pairs])
    rest = np.array([whole - points for points, whole in pairs])
    if len(pairs) < 3 or np.ptp(own) == 0 or np.ptp(rest) == 0:
        return None
    return float(np.corrcoef(own, rest)[0, 1])


def histogram(values, most, bins=10):
    """Count values from 0 to ``most`` in about ``bins`` bins with round limits.

    Returns
    -------
    list of dict
        With 'label', 'count' and 'share', in percent of the largest count.

    Examples
    --------
    >>> [(bar["label"], bar["count"]) for bar in histogram([0, 1, 9, 10, 10], 10, bins=5)]
    [('0 – 2', 2), ('2 – 4', 0), ('4 – 6', 0), ('6 – 8', 0), ('8 – 10', 3)]
    """
    edges = MaxNLocator(bins).tick_values(0, most or 1)
    counts, _ = np.histogram(values, bins=edges)
    largest = max(counts.max(), 1)
    return [
        {"label": f"{low:g} – {high:g}", "count": int(count), "share": round(100 * count / largest)}
        for count, low, high in zip(counts, edges, edges[1:], strict=False)
    ]


def _title(cell):
    return ", ".join(cell.exercises) or re.sub(r"[_-]", " ", cell.grade_id)


def write_leaderboard(course, assignment, records):
    """Write the leaderboard for the class, which names nobody; return its path."""
    text = _templates.get_template("leaderboard.html").render(assignment=assignment, **_leaderboard(course, records))
    path = course.root / "reports" / f"{assignment}-leaderboard.html"
    write_atomically(path, text)
    return path


def _leaderboard(course, records):
    headings, rows = standings(records)
    names = pseudonyms(course, [student for _, student, _ in rows])
    return {"headings": headings, "standings": rows, "pseudonyms": names}


def write_report(course, assignment, records, pairs=(), leaderboard=False):
    """Write the instructor's report on an assignment; return its path.

    Parameters
    ----------
    course : Course
    assignment : str
    records : list of Record
    pairs : list of similarity.Pair
        Submissions that are suspiciously alike.
    leaderboard : bool
        Whether to rank what checks measured, under pseudonyms.
    """
    graded = [record for record in records if record.was_read]
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
                "discrimination": discrimination(graded, position),
                "mistakes": Counter(name for result in results for name in result.mistakes).most_common(),
            }
        )

    def largest(values):
        ranked = sorted(zip(values, (record.student for record in graded), strict=True), reverse=True)
        return ", ".join(f"{student} {value:,.1f}" for value, student in ranked[:3])

    text = _templates.get_template("report.html").render(
        assignment=assignment,
        records=records,
        exercises=exercises,
        statuses=Counter(record.status for record in records).most_common(),
        mean=sum(record.points for record in graded) / len(graded) if graded else None,
        histogram=histogram(
            [record.points for record in graded],
            max((max(record.points, record.max_points) for record in records), default=0),
        ),
        used=[
            {"title": title, "bars": histogram(values, max(values, default=0), 6), "most": largest(values)}
            for title, values in (
                ("Seconds to grade", [record.seconds for record in graded]),
                ("Memory, MB", [record.memory_bytes / 1e6 for record in graded]),
            )
        ],
        pairs=pairs,
        needing_a_look=[record for record in records if record.status != "graded" or record.notes],
        waiting=sum(record.needs_manual_grade for record in records),
        seconds=sum(record.seconds for record in records),
        **(_leaderboard(course, records) if leaderboard else {}),
    )
    path = course.root / "reports" / f"{assignment}.html"
    write_atomically(path, text)
    return path
