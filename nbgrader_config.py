"""nbgrader's settings for this course: `nbgrader`, formgrader and `autograder` all read this file."""

from autograder.formgrader import use_engine

# Formgrader's buttons and nbgrader's commands grade in our sandbox: no student code runs in nbgrader itself.
use_engine()

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.course_id = "visionlab"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
# The exercises hold the hidden cases and the bug catalogue: they must never be copied into a release.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".pytest_cache", "exercises.py", "exercises"]
# Whichever way an assignment is generated, the compiled checks go beside the student's notebook.
c.GenerateAssignment.post_convert_hook = "autograder.release.add_checks"
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
