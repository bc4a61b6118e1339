import csv
import io
import json

import pytest

from autograder.export import ExportError, to_canvas, to_csv, to_gradescope, to_moodle
from autograder.record import CellResult, Record

RECORDS = [
    Record(
        "ann",
        "hw",
        cells=[CellResult("hw", "q", 4, 3.5, mistakes=["stride, ignored"]), CellResult("hw", "text", 2, None)],
    ),
    Record(
        "bob", "hw", status="unreadable", reason="no", cells=[CellResult("hw", "q", 4), CellResult("hw", "text", 2)]
    ),
    Record(
        "cyd",
        "hw",
        status="died",
        reason="crash",
        cells=[CellResult("hw", "q", 4, 1.0), CellResult("hw", "text", 2, 0.0)],
    ),
]
POINTS = {"ann": 5.0, "bob": 0.0, "cyd": 1.0}
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,hw (77),other (78)
"    Points Possible",,,,,10,5
"Aal, Ann",1,S1,ann,A,,4
"Dor, Dan",4,S4,dan,A,,2
"Cy, Cyd",3,S3,cyd,B,9,1
"""


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_tells_the_status_and_gives_no_number_for_what_was_not_graded():
    ann, bob, cyd = rows(to_csv(RECORDS, POINTS))
    assert (ann["points"], ann["status"], ann["needs_manual_grade"]) == ("5", "graded", "yes")
    assert (bob["points"], bob["status"]) == ("", "unreadable")
    assert (cyd["points"], cyd["status"]) == ("1", "died")
    assert ann["mistakes"] == "stride, ignored"


def test_canvas_gets_back_its_own_columns_with_the_grades_filled_in():
    text, unknown = to_canvas(RECORDS, POINTS, CANVAS, "hw")
    possible, ann, dan, cyd = rows(text)
    assert list(ann) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "hw (77)"]
    assert possible["hw (77)"] == "6"
    assert (ann["Student"], ann["hw (77)"]) == ("Aal, Ann", "5")
    assert (dan["hw (77)"], cyd["hw (77)"]) == ("", "1")
    assert unknown == ["bob"]


def test_moodle_matches_addresses():
    roster = "Identifier,Full name,Email address,Grade\nP1,Ann A,ann@uni.example,\nP2,Dan D,dan@uni.example,\n"
    text, unknown = to_moodle(RECORDS, POINTS, roster)
    ann, dan = rows(text)
    assert (ann["Identifier"], ann["Grade"], ann["Feedback comments"]) == ("P1", "5", "stride, ignored")
    assert dan["Grade"] == ""
    assert unknown == ["bob", "cyd"]


@pytest.mark.parametrize("roster", ["", "Name,Grade\nAnn,3\n"])
def test_a_roster_of_something_else_is_told(roster):
    with pytest.raises(ExportError, match="it should be a Canvas gradebook"):
        to_canvas(RECORDS, POINTS, roster, "hw")
    with pytest.raises(ExportError, match="it should be a Moodle grading worksheet"):
        to_moodle(RECORDS, POINTS, roster)


def test_gradescope_results():
    data = json.loads(to_gradescope(RECORDS[0], POINTS))
    assert data["score"] == 5
    assert [test["max_score"] for test in data["tests"]] == [4, 2]
    assert data["tests"][0]["tags"] == ["stride, ignored"]
    assert {"name", "score", "max_score", "status", "output", "output_format", "visibility"} <= set(data["tests"][0])
    assert json.loads(to_gradescope(RECORDS[2], POINTS))["extra_data"]["status"] == "died"
