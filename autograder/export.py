"""Grades for other systems: plain CSV, Canvas, Moodle, Gradescope.

A student whom the other system's list does not know is reported, never dropped; a status is never told as a number.
"""

import csv
import io
import json


class ExportError(Exception):
    """A roster cannot be used; the message says what is missing."""


def to_csv(records, points):
    """All records as CSV: one row a student, with the status in a column of its own.

    Parameters
    ----------
    records : sequence of Record
    points : dict of str to float
        Points by student, as the gradebook has them: with those that people have given, after late penalties.

    Returns
    -------
    str

    Examples
    --------
    >>> from autograder.record import CellResult, Record
    >>> ann = Record("ann", "hw", cells=[CellResult("hw", "q", 4, 3.5)])
    >>> print(to_csv([ann], {"ann": 3.5}), end="")
    student,assignment,status,points,max_points,needs_manual_grade,mistakes
    ann,hw,graded,3.5,4,no,
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["student", "assignment", "status", "points", "max_points", "needs_manual_grade", "mistakes"])
    for record in records:
        mistakes = "; ".join(name for cell in record.cells for name in cell.mistakes)
        waiting = "yes" if record.needs_manual_grade else "no"
        given = f"{points[record.student]:g}" if record.was_read else ""
        row = [record.student, record.assignment, record.status, given, f"{record.max_points:g}", waiting, mistakes]
        writer.writerow(row)
    return out.getvalue()


def to_canvas(records, points, roster, column):
    """Fill a column of a gradebook that Canvas has exported.

    Parameters
    ----------
    records, points
        As for `to_csv`.
    roster : str
        The exported CSV: ``Student, ID, SIS User ID, SIS Login ID, Section, …``, the points possible in the first row.
    column : str
        The assignment's column, with or without Canvas's number: 'hw3' or 'hw3 (12345)'. Added if there is none.

    Returns
    -------
    text : str
        For Canvas's import: the identifying columns and this one.
    unknown : list of str
        Students that the roster does not have.

    Raises
    ------
    ExportError
    """
    rows = list(csv.DictReader(io.StringIO(roster.lstrip("\ufeff"))))
    key = _column(rows, ["SIS Login ID", "ID"], "a Canvas gradebook")
    name = next((c for c in rows[0] if c == column or c.startswith(f"{column} (")), column)
    kept = [c for c in ("Student", "ID", "SIS User ID", "SIS Login ID", "Section") if c in rows[0]]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*kept, name], lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    by_student = {record.student: record for record in records}
    for row in rows:
        if "Points Possible" in row["Student"]:
            most = max((record.max_points for record in records), default=0)
            writer.writerow(row | {name: f"{most:g}"})
        else:
            writer.writerow(row | {name: _given(by_student.get(row[key]), points)})
    known = {row[key] for row in rows}
    return out.getvalue(), sorted(set(by_student) - known)


def to_moodle(records, points, roster):
    """Fill the grades of a Moodle grading worksheet.

    Returns
    -------
    text : str
    unknown : list of str
        Students that the worksheet does not have: matched by the part of the address before the @.

    Raises
    ------
    ExportError
    """
    rows = list(csv.DictReader(io.StringIO(roster.lstrip("\ufeff"))))
    key = _column(rows, ["Email address"], "a Moodle grading worksheet")
    by_student = {record.student: record for record in records}
    out = io.StringIO()
    columns = list(dict.fromkeys([*rows[0], "Grade", "Feedback comments"]))
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    known = set()
    for row in rows:
        student = row[key] if row[key] in by_student else row[key].partition("@")[0]
        known.add(student)
        record = by_student.get(student)
        comment = "; ".join(n for cell in record.cells for n in cell.mistakes) if record else ""
        writer.writerow(row | {"Grade": _given(record, points), "Feedback comments": comment})
    return out.getvalue(), sorted(set(by_student) - known)


def to_gradescope(record, points):
    """One record as Gradescope's ``results.json``.

    Parameters
    ----------
    record, points
        As for `to_csv`.

    Returns
    -------
    str
    """
    tests = [
        {
            "name": ", ".join(cell.exercises) or cell.grade_id,
            "number": str(number),
            "score": (cell.points or 0.0) + cell.extra,
            "max_score": cell.max_points,
            "status": "passed" if cell.passed else "failed",
            "output": cell.html or cell.message,
            "output_format": "html" if cell.html else "text",
            "visibility": "after_published",
            "tags": cell.mistakes,
        }
        for number, cell in enumerate(record.cells, 1)
    ]
    data = {
        "score": points[record.student],
        "execution_time": record.seconds,
        "output": " ".join([record.reason, *record.notes]).strip(),
        "output_format": "text",
        "visibility": "after_published",
        "stdout_visibility": "hidden",
        "extra_data": {"status": record.status, "student": record.student, "seed": record.seed},
        "tests": tests,
    }
    return json.dumps(data, ensure_ascii=False, indent=1)


def _given(record, points):
    return f"{points[record.student]:g}" if record and record.was_read else ""


def _column(rows, names, what):
    if not rows:
        raise ExportError(f"The roster is empty: it should be {what}, exported as CSV.")
    for name in names:
        if name in rows[0] and any(row[name] for row in rows):
            return name
    raise ExportError(f"The roster has no column {' or '.join(names)}: it should be {what}, exported as CSV.")
