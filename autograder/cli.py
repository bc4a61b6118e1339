"""The command line: ``autograder new-assignment | release | verify | grade | feedback | report | …``."""

import contextlib
import dataclasses
import enum
import json
import os
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from autograder import batch, cluster, export, pages, pool, similarity
from autograder.assignment import AssignmentError, declaration
from autograder.cluster import ClusterError
from autograder.course import Course, CourseError
from autograder.doctor import examine as examine_machine
from autograder.export import ExportError
from autograder.gradebook import final_points, scores
from autograder.grading import Settings
from autograder.leaderboard import pseudonyms, shares_of
from autograder.new_assignment import new_assignment
from autograder.package import Package
from autograder.record import STATUSES, Record, write_atomically
from autograder.release import release as release_assignment
from autograder.release import same_release
from autograder.sandbox import SandboxUnavailable
from autograder.student_process import CannotStart, KernelServer
from autograder.verify import verify as verify_assignment

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Release, prove and grade the course's assignments. Student code runs apart from the tests, in a sandbox.",
)
console = Console(highlight=False)


def _complete_assignment(incomplete: str):
    return sorted(folder.name for folder in Path.cwd().glob(f"solutions/{incomplete}*/") if declaration(folder))


AssignmentArgument = Annotated[
    str,
    typer.Argument(help="The assignment's name, such as hw3_convolution.", autocompletion=_complete_assignment),
]
CourseOption = Annotated[
    Path, typer.Option("--course", help="The course's folder, or one inside it.", show_default="the current folder")
]


@app.command("new-assignment")
def make_assignment(
    name: Annotated[str, typer.Argument(help="Its name: letters, digits and underscores, such as hw7_colours.")],
    course: CourseOption = Path("."),
):
    """Make the folder of a new assignment, with one example exercise to change into your own."""
    place = Course.find(course)
    folder = _relative(new_assignment(place, name), place)
    console.print(f"Made {folder} with one example exercise: {name}.ipynb and exercises.py. Change both, then run:")
    console.print(f"  autograder verify {name}\n  autograder release {name}")


@app.command()
def release(
    assignment: AssignmentArgument,
    course: CourseOption = Path("."),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the released assignment is out of step.")
    ] = False,
):
    """Make the student's version of an assignment: no solutions, compiled checks beside the notebook."""
    place = Course.find(course)
    source = place.assignment(assignment)
    if not check:
        folder = release_assignment(place, source)
        console.print(f"Released {assignment} to {_relative(folder, place)}.")
        return
    differences = same_release(place, source)
    for difference in differences:
        console.print(f"[red]✗[/] {escape(difference)}")
    if differences:
        _fail(f"{assignment} is out of step with its source. Run: autograder release {assignment}")
    console.print(f"{assignment} is in step with its source.")


@app.command()
def verify(
    assignment: AssignmentArgument,
    course: CourseOption = Path("."),
    messages: Annotated[bool, typer.Option(help="Also print what a student is told for each known bug.")] = False,
):
    """Prove an assignment's tests: right answers pass, each known bug is caught and told by its name."""
    source = Course.find(course).assignment(assignment)
    table = Table(title=f"{assignment}: proof of the tests", title_justify="left")
    for heading in ("exercise", "bugs", "caught: visible", "hidden", "named", "right answers", "seconds"):
        table.add_column(heading, justify="left" if heading == "exercise" else "right", no_wrap=heading == "exercise")
    problems = []
    for proof in verify_assignment(source):
        table.add_row(proof.exercise, *map(str, proof.counts), f"{proof.seconds:.1f}")
        problems += [f"{proof.exercise}: {problem}" for problem in proof.problems]
        for bug in proof.bugs if messages else []:
            console.rule(escape(f"{proof.exercise}: {bug.name}"), align="left")
            console.print(bug.message, markup=False)
    console.print(table)
    for problem in problems:
        console.print(f"[red]✗[/] {escape(problem)}")
    if problems:
        _fail(f"{len(problems)} problem{'s' * (len(problems) > 1)} in {assignment}.")


@app.command()
def grade(
    assignment: AssignmentArgument,
    students: Annotated[list[str] | None, typer.Argument(help="Only these students; all by default.")] = None,
    course: CourseOption = Path("."),
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Local workers; by default one a core.")
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="Grade on the Dask cluster at this address, tcp://…")] = None,
    cluster_file: Annotated[
        Path | None, typer.Option("--cluster", help="Start the Dask cluster that this YAML file describes (Slurm, …).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also grade again what has not changed.")] = False,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run trainings again, instead of grading the weights that were handed in.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Draw the hidden cases from this seed, to repeat a grading.")] = None,
    sandbox: Annotated[bool, typer.Option(help="Isolate student code; --no-sandbox only for code you trust.")] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 if a submission needs a look.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON, and nothing else.")] = False,
):
    """Grade what was submitted, into records/ and nbgrader's gradebook; a submission never stops the batch."""
    place = Course.find(course)
    place.assignment(assignment)
    if not any(place.path("release", ".", assignment).glob("*.ipynb")):
        _fail(f"{assignment} has not been released here. Run: autograder release {assignment}")
    chosen = students or batch.submitters(place, assignment)
    if not chosen:
        _fail(f"Nothing has been submitted: {_relative(place.path('submitted', '*', assignment), place)} is empty.")
    settings = Settings(secrets.randbits(32) if seed is None else seed, rerun)
    records, kept = [], 0
    package = Package.of(place, assignment)
    workers = jobs or _default_jobs(package, settings)
    where = _graders(package, settings, sandbox, workers, scheduler, cluster_file)
    with batch.only_grader(place), where as grader:
        done = batch.grade_batch(place, package, chosen, grader, force, rerun)
        try:
            for record, fresh in _with_progress(done, len(chosen)):
                records.append(record.without_pictures())  # those of a thousand students are many megabytes
                kept += not fresh
        except KeyboardInterrupt:
            _fail(f"Stopped. {len(records)} of {len(chosen)} are done and kept; the same command does the rest.", 130)
    records.sort(key=lambda record: record.student)
    if as_json:
        whole = (Record.load(batch.record_path(place, assignment, record.student)) for record in records)
        print("[" + ",\n".join(json.dumps(dataclasses.asdict(one), ensure_ascii=False) for one in whole) + "]")
    else:
        _print_records(assignment, records)
        if kept:
            console.print(f"{kept} unchanged since they were last graded, and not graded again (--force does).")
        console.print(f"Seed of this grading: {settings.seed}")
    if strict and any(record.status != "graded" for record in records):
        raise typer.Exit(3)


@app.command()
def regrade(
    assignment: AssignmentArgument,
    course: CourseOption = Path("."),
    seed: Annotated[int | None, typer.Option(help="Draw the hidden cases from this seed.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write the new results without asking.")] = False,
):
    """After a change of the tests: grade all again, show who gains and who loses, and only then write."""
    place = Course.find(course)
    package = Package.of(place, assignment)
    settings = Settings(secrets.randbits(32) if seed is None else seed)
    chosen = batch.submitters(place, assignment)
    with batch.only_grader(place):
        with _graders(package, settings, True, _default_jobs(package, settings)) as grader:
            named = ((pair[1].record, pair) for pair in batch.regrade(place, package, chosen, grader))
            pairs = [pair for _, pair in _with_progress(named, len(chosen))]
        table = Table(title=f"{assignment}: what would change", title_justify="left")
        for heading in ("student", "before", "after", "status"):
            table.add_column(heading)
        for old, new in sorted(pairs, key=lambda pair: pair[1].record.student):
            before = f"{old.points:g} ({old.status})" if old else "not graded"
            after = f"{new.record.points:g} ({new.record.status})"
            if before != after:
                gains = new.record.points > (old.points if old else 0)
                table.add_row(escape(new.record.student), before, after, "gains" if gains else "loses")
        console.print(table if table.row_count else "Nobody's points change.")
        if not (yes or typer.confirm("Write the new results?")):
            _fail("Nothing was written.")
        written = list(batch.write_results(place, package, (graded for _, graded in pairs)))
    console.print(f"Wrote {len(written)} results.")


@contextlib.contextmanager
def _graders(package, settings, isolated, jobs, scheduler=None, cluster_file=None):
    """Give the function that grades submissions: here, by local workers, or on a cluster."""
    if scheduler and cluster_file:
        _fail("Give either --scheduler, a cluster that runs, or --cluster, a file that tells how to start one.")
    if scheduler or cluster_file:
        with cluster.connect(scheduler) if scheduler else cluster.start(cluster_file) as client:
            yield lambda submissions: pool.grade_on_cluster(submissions, package, settings, isolated, client)
        return
    gpu = package.assignment.limits_of(settings.rerun).gpu
    with KernelServer(isolated, gpu, full_data=settings.rerun) as server:
        if jobs == 1:
            yield lambda submissions: pool.grade_here(submissions, package, settings, server)
        else:
            _prepare_to_fork(package.assignment, settings)
            server.wait_until_ready()
            yield lambda submissions: pool.grade_locally(submissions, package, settings, server, jobs)


def _prepare_to_fork(assignment, settings):
    """Import what tests need and draw all cases, so that workers share it and each need not do it."""
    for notebook in assignment.notebooks.values():
        notebook.support()
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # a fork of a process that has used several hangs in its first parallel loop
    for name in assignment.exercises:
        assignment.draw(name, settings.seed)


def _default_jobs(package, settings):
    """A worker a core, but one where all would use the same GPU."""
    return 1 if package.assignment.limits_of(settings.rerun).gpu else os.cpu_count() or 1


def _with_progress(results, total):
    """Show a progress bar beside the results as they come."""
    rate = TextColumn("{task.fields[rate]}", style="dim")
    columns = (BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn(), TextColumn("{task.description}"))
    # Without a thread that refreshes it, as workers are forked meanwhile.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        started = time.monotonic()
        task = progress.add_task("waiting for the first result", total=total, rate="")
        for done, (record, fresh) in enumerate(results, 1):
            rate = f"{60 * done / (time.monotonic() - started):.0f} a minute"
            progress.update(task, advance=1, description=record.student, rate=rate, refresh=True)
            yield record, fresh


def _print_records(assignment, records):
    table = Table(title=f"{assignment}: {len(records)} submissions", title_justify="left")
    table.add_column("student", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("known mistakes", overflow="fold")
    for record in records:
        status = record.status if record.status == "graded" else f"[bold dark_orange]{record.status}[/]"
        mistakes = "; ".join(name for cell in record.cells for name in cell.mistakes)
        points = f"{record.points:g} / {record.max_points:g}"
        table.add_row(escape(record.student), status, points, f"{record.seconds:.1f}", escape(mistakes))
    console.print(table)
    for record in records:
        for remark in [record.reason] * bool(record.reason) + record.notes:
            console.print(f"[bold]{escape(record.student)}[/]: {escape(remark)}", soft_wrap=True)
    counts = Counter(record.status for record in records)
    console.print(" · ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status]))
    if waiting := sum(record.needs_manual_grade for record in records):
        console.print(f"A person must still grade answers of {waiting}, in formgrader.")


@app.command()
def feedback(
    assignment: AssignmentArgument,
    students: Annotated[list[str] | None, typer.Argument(help="Only these students; all by default.")] = None,
    course: CourseOption = Path("."),
):
    """Write one HTML page of feedback a student, where `nbgrader release_feedback` finds it."""
    place = Course.find(course)
    records = _records(place, assignment)
    if ungraded := sorted(set(students or ()) - {record.student for record in records}):
        _fail(f"Not graded yet: {', '.join(ungraded)}. Run: autograder grade {assignment}")
    given = scores(place, assignment)
    names = pseudonyms(place, [record.student for record in records if shares_of(record)])
    paths = [
        path
        for record in records
        if not students or record.student in students
        for path in pages.write_feedback(place, record, given.get(record.student), names.get(record.student, ""))
    ]
    console.print(f"Wrote {len(paths)} pages to {_relative(place.path('feedback', '*', assignment), place)}.")


@app.command()
def report(
    assignment: AssignmentArgument,
    course: CourseOption = Path("."),
    leaderboard: Annotated[
        bool, typer.Option("--leaderboard", help="Also rank what checks measured, under pseudonyms, for the class.")
    ] = False,
):
    """Write the instructor's report on an assignment: exercises, named mistakes, who needs a look."""
    place = Course.find(course)
    records = _records(place, assignment)
    if leaderboard and not any(map(shares_of, records)):
        _fail(f"Nothing that could be ranked was measured in {assignment}.")
    paths = [pages.write_report(place, assignment, records, _alike(place, assignment, records), leaderboard)]
    if leaderboard:
        paths.append(pages.write_leaderboard(place, assignment, records))
    for path in paths:
        console.print(f"Wrote {_relative(path, place)}.")


def _alike(place, assignment, records):
    package = Package.of(place, assignment)
    cells = {r.student: similarity.students_cells(batch.hand_in(place, package, r.student)) for r in records}
    return similarity.alike(cells, similarity.blank_cells(package))


class Format(enum.StrEnum):
    """What grades are exported as."""

    csv = "csv"
    canvas = "canvas"
    moodle = "moodle"
    gradescope = "gradescope"


@app.command("export")
def export_grades(
    assignment: AssignmentArgument,
    to: Annotated[Format, typer.Option(help="What for.")] = Format.csv,
    course: CourseOption = Path("."),
    roster: Annotated[Path | None, typer.Option(help="Canvas: its exported gradebook. Moodle: its worksheet.")] = None,
    column: Annotated[str | None, typer.Option(help="Canvas: the column; by default the assignment's name.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; a folder for Gradescope.")
    ] = None,
):
    """Write the grades for an LMS: CSV, Canvas, Moodle, or Gradescope's results.json, one a student."""
    place = Course.find(course)
    records = _records(place, assignment)
    points = final_points(place, assignment, records)
    if to in (Format.canvas, Format.moodle) and roster is None:
        _fail(f"{to} needs --roster FILE, which it exports: grades are matched to its list of students.")
    unknown = []
    if to is Format.gradescope:
        folder = output or place.root / "reports" / f"{assignment}-gradescope"
        for record in records:
            write_atomically(folder / record.student / "results.json", export.to_gradescope(record, points))
        console.print(f"Wrote {len(records)} results to {_relative(folder, place)}.")
        return
    if to is Format.canvas:
        text, unknown = export.to_canvas(records, points, roster.read_text("utf-8"), column or assignment)
    elif to is Format.moodle:
        text, unknown = export.to_moodle(records, points, roster.read_text("utf-8"))
    else:
        text = export.to_csv(records, points)
    path = output or place.root / "reports" / f"{assignment}-{to}.csv"
    write_atomically(path, text)
    console.print(f"Wrote {_relative(path, place)}.")
    if unknown:
        _fail(f"Not in the roster, and so not in the file: {', '.join(unknown)}.", 3)


@app.command()
def doctor():
    """Say what this machine can and cannot isolate, by trying it, and what to do about it."""
    marks = {"good": "[green]✓[/]", "bad": "[red]✗[/]", "note": "·"}
    findings = []
    for finding in examine_machine():
        findings.append(finding)
        console.print(f"{marks[finding.state]} {escape(finding.message)}")
    if any(finding.state == "bad" for finding in findings):
        _fail("Untrusted work should not be graded here.")


def _records(place, assignment):
    place.assignment(assignment)
    records = batch.load_records(place, assignment)
    if not records:
        _fail(f"{assignment} has not been graded yet. Run: autograder grade {assignment}")
    return records


def _relative(path, place):
    return path.relative_to(place.root) if path.is_relative_to(place.root) else path


def _fail(message, status=1):
    Console(stderr=True, highlight=False).print(f"[bold red]autograder:[/] {escape(message)}")
    raise typer.Exit(status)


def main():
    """Run the command line; problems that a person can mend are told in one sentence."""
    try:
        app()
    except (AssignmentError, CannotStart, ClusterError, CourseError, ExportError, SandboxUnavailable) as problem:
        Console(stderr=True, highlight=False).print(f"[bold red]autograder:[/] {escape(str(problem))}")
        sys.exit(2)
